"""Quantization methods and rotations by name, all called alike, and settings such as "W4A4 g96"."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax

import hadax
from hadax.models.methods import (
    GPTQ,
    AWQConfig,
    FlatQuantConfig,
    GPTQConfig,
    Quantized,
    QuaRotConfig,
    RTNConfig,
    SmoothQuantConfig,
    SpinQuantConfig,
    awq,
    awq_scaled,
    gptq,
    hadamard_or_haar,
    quarot,
    rtn,
    smoothquant,
)
from hadax.models.rotation import Factory
from hadax.quantization import ModelSites, Precision, precision

Apply: TypeAlias = Callable[[Any, ModelSites, jax.Array, jax.Array, Precision], Quantized[Any]]
"""`apply(model, sites, tokens, key, precision)`: what else a method may be told is settled."""

FACTORIES: dict[str, Factory] = {
    "one block": hadamard_or_haar,
    "two blocks": functools.partial(hadamard_or_haar, blocks=2),
    "three blocks": functools.partial(hadamard_or_haar, blocks=3),
    "two blocks permuted": functools.partial(hadamard_or_haar, blocks=2, permute="fresh"),
    "haar": hadax.haar_rotation,
}
Given: TypeAlias = Literal["rtn", "gptq", "smoothquant", "awq", "quarot rtn", "quarot"]
Learned: TypeAlias = Literal["spinquant rtn", "spinquant", "flatquant"]
Method: TypeAlias = Literal[Given, Learned]

# What rounds kernels to nearest, and what takes GPTQ in its place.
BY_GPTQ: dict[Given, Given] = {"rtn": "gptq", "quarot rtn": "quarot"}

# Those that learn what activations are rounded to, and have to be run for each setting.
LEARNED = ("spinquant rtn", "spinquant", "flatquant")
# Those with a random key.
ROTATED = ("quarot rtn", "quarot", *LEARNED)


def parsed(setting: str, *, is_rotated: bool) -> Precision:
    """Return the precision of a setting such as "W4A16 g96"."""
    name, _, group = setting.partition(" g")
    # Rotated activations have no outliers that a grid would have to reach.
    clip = None if is_rotated else 1.0
    return precision(name, group=int(group) if group else None, act_clip=clip)


def weights_alone(setting: str) -> str:
    """Return the setting without activations, keys and values: what several settings share."""
    name, _, group = setting.partition(" ")
    return f"{name.partition('A')[0]}A16 {group}".strip()


def configured(method: Callable[..., Any], config: Callable[[Precision], Any]) -> Apply:
    """Return a method with all of its settings but the precision."""

    def apply(
        model: Any, sites: ModelSites, tokens: jax.Array, key: jax.Array, chosen: Precision
    ) -> Quantized[Any]:
        return method(model, sites, tokens, key, config(chosen))

    return apply


def rotating(make: Factory, solver: GPTQ | None) -> Apply:
    """Return QuaRot with rotations of a kind at every site of the model."""

    def apply(
        model: Any, sites: ModelSites, tokens: jax.Array, key: jax.Array, chosen: Precision
    ) -> Quantized[Any]:
        places = tuple(site.name for site in sites.sites)
        settings = QuaRotConfig(chosen, make=make, names=places, gptq=solver)
        return quarot(model, sites, tokens, key, settings)

    return apply


def spinquant_config(
    method: str, chosen: Precision, sites: ModelSites, steps: int, batch: int, rate: float
) -> SpinQuantConfig:
    """Return SpinQuant's settings: it starts from what QuaRot does with the same key, heads mixed
    too, and rounds weights while it learns where GPTQ is not to."""
    solver = None if method.endswith("rtn") else GPTQ()
    return SpinQuantConfig(
        chosen,
        steps=steps,
        rate=rate,
        batch=batch,
        rounds_weights=solver is None,
        names=tuple(site.name for site in sites.sites),
        gptq=solver,
    )


def flatquant_config(
    chosen: Precision, steps: int, batch: int, rate: float, checkpoint: Path
) -> FlatQuantConfig:
    """Return FlatQuant's settings: clips go faster than maps, as on so few steps they must."""
    return FlatQuantConfig(
        chosen, steps=steps, batch=batch, rate=rate, clip_rate=5 * rate, checkpoint=checkpoint
    )


METHODS: dict[str, Apply] = {
    "rtn": configured(rtn, RTNConfig),
    "gptq": configured(gptq, GPTQConfig),
    "smoothquant": configured(smoothquant, SmoothQuantConfig),
    "awq": configured(awq, AWQConfig),
    "quarot rtn": rotating(FACTORIES["one block"], None),
    "quarot": rotating(FACTORIES["one block"], GPTQ()),
}


def without_rounding(
    apply: Apply, model: Any, sites: ModelSites, tokens: jax.Array, key: jax.Array
) -> Any:
    """Return the model after everything that a method does to it but rounding."""
    if apply is METHODS["awq"]:  # scales by what it is to be rounded to
        return awq_scaled(model, sites, tokens, AWQConfig(precision("W4A16")))[0]
    return apply(model, sites, tokens, key, precision("W16A16")).model
