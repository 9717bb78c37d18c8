"""QuaRot: a model in randomly rotated coordinates, then rounded."""

from dataclasses import dataclass, field

from hadax import _checks
from hadax._typing import ArrayLike, KeyArray
from hadax.kernels import _hadamard_orders
from hadax.models.base import Model
from hadax.models.methods import _system_checks
from hadax.models.methods._chosen_sites import rotated_names
from hadax.models.methods._finishing import GPTQ, Progress, Quantized, check_plan, finished
from hadax.models.rotation import Factory, draw_rotations, rotate
from hadax.operators.base import LinearOperator
from hadax.operators.hadamard_rotation import Permute, randomized_hadamard
from hadax.operators.rotations import haar_rotation
from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites


def hadamard_or_haar(
    key: KeyArray, n: int, blocks: int = 1, *, permute: Permute = "none"
) -> LinearOperator:
    """A randomized Hadamard rotation, or a Haar one where there is no Hadamard matrix.

    Args:
        key: a new-style PRNG key.
        n: length.
        blocks: rounds of signs and Hadamard transforms; QuaRot makes one.
        permute: where entries are permuted, as in `hadax.randomized_hadamard`.

    Returns:
        An orthogonal operator of shape (n, n).

    Raises:
        TypeError: key is no new-style key, or n no integer.
        ValueError: n or blocks below 1, or an unknown `permute`.

    Cost:
        O(n), or O(n^3) for lengths such as the 9 heads of a small model.

    Example:
        >>> import jax
        >>> from hadax.models.methods import hadamard_or_haar
        >>> [type(hadamard_or_haar(jax.random.key(0), n)).__name__ for n in (8, 9)]
        ['RandomizedHadamard', 'Dense']

    See Also:
        `hadax.randomized_hadamard`, `hadax.haar_rotation`.
    """
    n = _checks.integer("n", n, minimum=1)
    if _hadamard_orders.is_supported(n):
        return randomized_hadamard(key, n, blocks, permute=permute)
    return haar_rotation(key, n)


@dataclass(frozen=True)
class QuaRotConfig:
    """Settings of `quarot`.

    Args:
        precision: what is rounded to what.
        make: factory of the rotations, one a site and layer.
        names: of the sites that are rotated. None takes all; "keys" only if keys are rounded, and
            "heads" only if activations are.
        gptq: how kernels are rounded; None rounds them to nearest.

    Example:
        >>> import hadax
        >>> from hadax.models.methods import QuaRotConfig
        >>> from hadax.quantization import precision
        >>> QuaRotConfig(precision("W4A4"), make=hadax.haar_rotation).gptq.damping
        0.01
    """

    precision: Precision
    make: Factory = hadamard_or_haar
    names: tuple[str, ...] | None = None
    gptq: GPTQ | None = field(default_factory=GPTQ)

    def __post_init__(self):
        _system_checks.solver(self.gptq, GPTQ)
        if self.names is not None:
            _system_checks.names("names", self.names)


def quarot(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike | None,
    key: KeyArray,
    config: QuaRotConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model in randomly rotated coordinates, rounded.

    `hadax.models.rotate` on random operators, which flatten what quantizers see, then `gptq` or
    `rtn`. QuaRot draws one Hadamard matrix with random signs for the residual stream and uses plain
    ones elsewhere; here every site and layer has random signs of its own.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to calibrate on; None where kernels are
            rounded to nearest.
        key: a new-style PRNG key, of the rotations.
        config: what is rounded to what, rotated by what.
        progress: what shows how far GPTQ is: it is given the layers.

    Returns:
        The quantized model, its packed kernels and a report.

    Raises:
        KeyError: there is no site of a name.
        TypeError: key is no new-style key.
        ValueError: a length that `make` has no operator of, no tokens for GPTQ, or rules that do
            not fit the model.

    Cost:
        `hadax.models.rotate`, then `gptq` or `rtn`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import QuaRotConfig, quarot
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = QuaRotConfig(precision("W4A4KV4"))
        >>> found = quarot(llama, llama_sites(config), tokens, jax.random.key(0), settings)
        >>> found.model(tokens).shape
        (1, 8, 16)

    See Also:
        `spinquant`, which learns the rotations; `flatquant`, which learns invertible maps.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    _system_checks.settings(config, QuaRotConfig)
    check_plan(model, sites, config.precision)
    names = rotated_names(sites, config.precision) if config.names is None else config.names
    drawn = draw_rotations(key, sites, model.config.layers, config.make, names=names)
    return finished(
        "quarot",
        rotate(model, sites, drawn),
        sites,
        tokens,
        config.precision,
        gptq=config.gptq,
        progress=progress,
    )
