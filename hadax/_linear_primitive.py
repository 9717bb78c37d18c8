"""The one place where hadax meets JAX's primitives.

A linear map defined here gets jit, vmap, jvp, vjp, jacfwd, jacrev, hessian, linear_transpose, scan,
remat, export and one line in a jaxpr, whatever computes it. custom_vjp would lose forward mode, and
custom_derivatives.linear_call has no batching rule.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.sharding import PartitionSpec

from hadax import _checks
from hadax._typing import Array

Parameters = dict[str, Any]
# (lowering context, *values, n=..., **parameters) -> the results, or None: the kernel serves.
LoweringRule: TypeAlias = Callable[..., Sequence[Any] | None]

# Whether a kernel may work in place depends on where its operand comes from, so that a lowering is
# not for another place. JAX calls the word for it temporary; without it a copy may be made.
_WORDS = inspect.signature(mlir.register_lowering).parameters
_UNCACHED: dict[str, Any] = {"cacheable": False} if "cacheable" in _WORDS else {}


def define_linear(
    name: str,
    kernel: Callable[..., Array],
    transpose: Callable[[Parameters], Parameters],
    platforms: Mapping[str, LoweringRule] | None = None,
) -> Callable[..., Array]:
    """A linear map of the last axis onto itself, as a function bound to a new JAX primitive.

    `kernel(x, *constants, **parameters)` computes it in terms of JAX, for any leading axes of x; it
    is linear in x, and the constants are vectors that are not differentiated. `platforms` has rules
    that do so in another way where they can. `transpose(parameters)` are the parameters of the
    transpose, the length `n` among them. Parameters are hashable; those equal to None are left out,
    so that the jaxpr shows only what differs from the default.
    """
    primitive = Primitive(name)

    def bind(x: Array, *constants: Array, **parameters: Any) -> Array:
        given = {k: v for k, v in parameters.items() if v is not None}
        return primitive.bind(x, *constants, **(given | {"n": x.shape[-1]}))

    def abstract(x: Any, *_: Any, n: int, **__: Any) -> Any:
        if x.sharding.spec and x.sharding.spec[-1] is not None:
            _checks.unsharded_axis(x.sharding.spec, n)
        if "cuda" in (platforms or {}):
            know_devices(primitive)
        return x.update(weak_type=False)

    def lower(ctx: Any, *args: Any, n: int, **parameters: Any) -> Any:
        aval, *constants = ctx.avals_in
        mesh, spec = aval.sharding.mesh, aval.sharding.spec
        local = functools.partial(kernel, **parameters)
        if any(part is not None for part in spec):
            # An explicit mesh: every device transforms its own rows, so reshapes inside the kernel
            # need no sharding rule and move no data.
            specs = (spec, *(PartitionSpec() for _ in constants))
            own = functools.partial(bind, **parameters)
            local = jax.shard_map(own, mesh=mesh, in_specs=specs, out_specs=spec)
        elif rule := _rule(platforms or {}, ctx):
            results = rule(ctx, *args, n=n, **parameters)
            if results is not None:
                return results
        return mlir.lower_fun(local, multiple_results=False)(ctx, *args)

    def batch(args: Any, dims: Any, **parameters: Any) -> Any:
        if all(dim is None for dim in dims[1:]):
            x = jnp.moveaxis(args[0], dims[0], 0)
            return primitive.bind(x, *args[1:], **parameters), 0
        parameters.pop("n")
        return jax.vmap(functools.partial(kernel, **parameters), in_axes=tuple(dims))(*args), 0

    def jvp(primals: Any, tangents: Any, **parameters: Any) -> Any:
        x, *constants = primals
        tangent = tangents[0]
        if type(tangent) is not ad.Zero:
            tangent = primitive.bind(tangent, *constants, **parameters)
        return primitive.bind(x, *constants, **parameters), tangent

    def transpose_rule(cotangent: Any, x: Any, *constants: Any, **parameters: Any) -> list[Any]:
        if type(cotangent) is ad.Zero:
            return [ad.Zero(x.aval), *(None for _ in constants)]
        back = bind(cotangent, *constants, **transpose(parameters))
        return [back, *(None for _ in constants)]

    primitive.def_impl(compiled_once(primitive))
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, lower, **_UNCACHED)
    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose_rule
    batching.primitive_batchers[primitive] = batch
    return bind


def compiled_once(primitive: Primitive) -> Callable[..., Any]:
    """How a primitive runs outside of a program: as one, compiled once for its parameters."""

    @functools.lru_cache(maxsize=4096)
    def compiled(parameters: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
        return jax.jit(lambda *args: primitive.bind(*args, **dict(parameters)))

    def call(*args: Array, **parameters: Any) -> Any:
        # A primitive has to be compiled to be run, also where jax.disable_jit() is on.
        with jax.disable_jit(False):
            return compiled(tuple(sorted(parameters.items())))(*args)

    return call


def know_devices(primitive: Primitive) -> None:
    """Have JAX tell the lowering of a primitive the devices, where they are several GPUs.

    A kernel can be spread over them only then; otherwise XLA computes what is sharded over them.
    The price is that JAX wants one mesh a program: hence on several GPUs alone. It has no public
    word for this, and may lose the private one.
    """
    try:
        from jax._src import dispatch, xla_bridge

        started, register = (
            xla_bridge.backends_are_initialized,
            dispatch.prim_requires_devices_during_lowering.add,
        )
    except (ImportError, AttributeError):
        return
    # Tracing alone must not start JAX.
    if started() and jax.default_backend() == "gpu" and jax.device_count() > 1:
        register(primitive)


def _rule(platforms: Mapping[str, LoweringRule], ctx: Any) -> LoweringRule | None:
    """The rule of the one platform a program is for; an export for several takes the kernel."""
    wanted = ctx.platforms or ctx.module_context.platforms
    return platforms.get(wanted[0]) if len(wanted) == 1 else None


def traced(kernel: Callable[..., Array]) -> LoweringRule:
    """The lowering rule of a kernel written in terms of JAX."""

    def rule(ctx: Any, *args: Any, **parameters: Any) -> Sequence[Any]:
        return mlir.lower_fun(functools.partial(kernel, **parameters), multiple_results=False)(
            ctx, *args
        )

    return rule


def first_of(*rules: LoweringRule) -> LoweringRule:
    """The rules in turn, until one computes it."""

    def rule(ctx: Any, *args: Any, **parameters: Any) -> Sequence[Any] | None:
        for each in rules:
            results = each(ctx, *args, **parameters)
            if results is not None:
                return results
        return None

    return rule


def is_spread(ctx: Any) -> bool:
    """Whether arrays of the program that is lowered may be spread over several devices."""
    context = ctx.module_context.axis_context
    if isinstance(context, mlir.SPMDAxisContext):
        return set(context.manual_axes) != set(context.mesh.axis_names)
    return getattr(context, "num_devices", 1) != 1
