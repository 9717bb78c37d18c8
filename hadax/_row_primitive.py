"""Maps of rows that are neither linear nor differentiable, such as quantizers, as JAX primitives.

The counterpart of `hadax._linear_primitive` for functions whose results are codes: they get jit,
vmap, scan, shardings of rows and a body for each platform; derivatives stop before them.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir
from jax.sharding import PartitionSpec

from hadax import _checks
from hadax._linear_primitive import compiled_once, know_devices
from hadax._typing import Array


def define_rowwise(
    name: str,
    kernel: Callable[..., Sequence[Array]],
    platforms: Mapping[str, Callable[..., Sequence[Any] | None]],
) -> Callable[..., list[Array]]:
    """A function of rows as a function bound to a new JAX primitive.

    `kernel(*operands, **parameters)` computes the results from operands that share their leading
    axes, one at least, and from vectors that all rows share; each result has those leading axes and
    one axis of its own. `platforms` has lowering rules, which return None where the kernel serves.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    def bind(*operands: Array, **parameters: Any) -> list[Array]:
        return primitive.bind(*map(lax.stop_gradient, operands), **parameters)

    def abstract(*avals: Any, **parameters: Any) -> list[Any]:
        know_devices(primitive)
        for aval in avals:
            if aval.sharding.spec and aval.sharding.spec[-1] is not None:
                _checks.unsharded_axis(aval.sharding.spec, aval.shape[-1])
        shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in avals]
        results = jax.eval_shape(functools.partial(kernel, **parameters), *shapes)
        return [avals[0].update(shape=r.shape, dtype=r.dtype, weak_type=False) for r in results]

    def lower(rule: Any, ctx: Any, *operands: Any, **parameters: Any) -> Any:
        rows = ctx.avals_in[0].sharding
        local: Callable[..., Any] = functools.partial(kernel, **parameters)
        if any(part is not None for part in rows.spec):
            # An explicit mesh: every device works on its own rows.
            specs = tuple(rows.spec if a.ndim > 1 else PartitionSpec() for a in ctx.avals_in)
            own = functools.partial(primitive.bind, **parameters)
            local = jax.shard_map(own, mesh=rows.mesh, in_specs=specs, out_specs=rows.spec)
        elif rule and (results := rule(ctx, *operands, **parameters)) is not None:
            return results
        return mlir.lower_fun(local, multiple_results=True)(ctx, *operands)

    def batch(operands: Any, dims: Any, **parameters: Any) -> Any:
        mapped = [(a, d) for a, d in zip(operands, dims, strict=True) if d is not None]
        if any(a.ndim == 2 for a, _ in mapped):  # a vector for each
            function = functools.partial(kernel, **parameters)
            results = jax.vmap(function, in_axes=tuple(dims))(*operands)
        else:
            size = mapped[0][0].shape[mapped[0][1]]
            aligned = [
                a if a.ndim == 1 else batching.bdim_at_front(a, d, size)
                for a, d in zip(operands, dims, strict=True)
            ]
            results = primitive.bind(*aligned, **parameters)
        return results, [0] * len(results)

    primitive.def_impl(compiled_once(primitive))
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, functools.partial(lower, None))
    for platform, rule in platforms.items():
        mlir.register_lowering(primitive, functools.partial(lower, rule), platform=platform)
    batching.primitive_batchers[primitive] = batch
    return bind
