"""The one place where hadax meets JAX's primitives.

A linear map defined here gets jit, vmap, jvp, vjp, jacfwd, jacrev, hessian, linear_transpose, scan,
remat, export and one line in a jaxpr, whatever computes it. custom_vjp would lose forward mode, and
custom_derivatives.linear_call has no batching rule.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from hadax import _checks
from hadax._typing import Array

Parameters = dict[str, Any]


def define_linear(
    name: str,
    kernel: Callable[..., Array],
    transpose: Callable[[Parameters], Parameters],
) -> Callable[..., Array]:
    """A linear map of the last axis onto itself, as a function bound to a new JAX primitive.

    `kernel(x, **parameters)` computes it for any leading axes; `transpose(parameters)` are the
    parameters of its transpose, the length `n` among them. Parameters are hashable; those equal to
    None are left out, so that the jaxpr shows only what differs from the default.
    """
    primitive = Primitive(name)

    def bind(x: Array, **parameters: Any) -> Array:
        given = {k: v for k, v in parameters.items() if v is not None}
        return primitive.bind(x, **(given | {"n": x.shape[-1]}))

    @functools.lru_cache(maxsize=4096)
    def compiled(parameters: tuple[tuple[str, Any], ...]) -> Callable[[Array], Array]:
        return jax.jit(lambda x: primitive.bind(x, **dict(parameters)))

    def abstract(x: Any, *, n: int, **_: Any) -> Any:
        if x.sharding.spec and x.sharding.spec[-1] is not None:
            _checks.unsharded_axis(x.sharding.spec, n)
        return x.update(weak_type=False)

    def lower(ctx: Any, x: Any, *, n: int, **parameters: Any) -> Any:
        (aval,) = ctx.avals_in
        local = functools.partial(kernel, **parameters)
        mesh, spec = aval.sharding.mesh, aval.sharding.spec
        if any(part is not None for part in spec):
            # An explicit mesh: every device transforms its own rows, so reshapes inside the kernel
            # need no sharding rule and move no data.
            local = jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec)
        return mlir.lower_fun(local, multiple_results=False)(ctx, x)

    def batch(args: Any, dims: Any, **parameters: Any) -> Any:
        return primitive.bind(jnp.moveaxis(args[0], dims[0], 0), **parameters), 0

    def transpose_rule(cotangent: Array, _: Any, **parameters: Any) -> list[Array]:
        return [bind(cotangent, **transpose(parameters))]

    def call(x: Array, **parameters: Any) -> Array:
        # A primitive has to be compiled to be run, also where jax.disable_jit() is on.
        with jax.disable_jit(False):
            return compiled(tuple(sorted(parameters.items())))(x)

    primitive.def_impl(call)
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, lower)
    ad.deflinear2(primitive, transpose_rule)
    batching.primitive_batchers[primitive] = batch
    return bind
