"""Methods that round a model's kernels and change nothing else."""

from dataclasses import dataclass, field

from hadax._typing import ArrayLike, KeyArray
from hadax.models.base import Model
from hadax.models.methods import _system_checks
from hadax.models.methods._finishing import GPTQ, Progress, Quantized, check_plan, finished
from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites


@dataclass(frozen=True)
class RTNConfig:
    """Settings of `rtn`.

    Args:
        precision: what is rounded to what.

    Example:
        >>> from hadax.models.methods import RTNConfig
        >>> from hadax.quantization import precision
        >>> RTNConfig(precision("W4A16")).precision.kv_qtype is None
        True
    """

    precision: Precision


@dataclass(frozen=True)
class GPTQConfig:
    """Settings of `gptq`.

    Args:
        precision: what is rounded to what.
        solver: how kernels are rounded.

    Example:
        >>> from hadax.models.methods import GPTQ, GPTQConfig
        >>> from hadax.quantization import precision
        >>> GPTQConfig(precision("W4A16"), GPTQ(act_order=False)).solver.act_order
        False
    """

    precision: Precision
    solver: GPTQ = field(default_factory=GPTQ)

    def __post_init__(self):
        _system_checks.solver(self.solver, GPTQ, optional=False)


def rtn(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike | None,
    key: KeyArray | None,
    config: RTNConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model with every kernel rounded to nearest.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: not looked at.
        key: not looked at.
        config: what is rounded to what.
        progress: not called.

    Returns:
        The quantized model, its packed kernels and a report.

    Raises:
        ValueError: rules that do not fit the model: groups that do not divide a kernel's inputs, in
            a format that cannot have a shorter one, or other formats of activations for linears
            that read the same vector.

    Cost:
        80 passes over the kernels if clips are searched.

    Example:
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import RTNConfig, rtn
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> found = rtn(llama, llama_sites(config), None, None, RTNConfig(precision("W4A16")))
        >>> len(set(found.model.blocks.up.kernel[0, :, 0].tolist())) <= 8
        True

    See Also:
        `hadax.quantization.methods.rtn`, of one kernel.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    del tokens, key, progress
    _system_checks.settings(config, RTNConfig)
    check_plan(model, sites, config.precision)
    return finished("rtn", model, sites, None, config.precision)


def gptq(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray | None,
    config: GPTQConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model with every kernel rounded so that later weights make up for earlier errors.

    Kernels come in the order in which a token meets them, each by the second moment of what it
    reads in the model as it is rounded up to there. Activations are rounded afterwards.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to calibrate on.
        key: not looked at.
        config: what is rounded to what, and how.
        progress: what shows how far it is: it is given the layers.

    Returns:
        The quantized model, its packed kernels and a report.

    Raises:
        ValueError: no tokens, or rules that do not fit the model.

    Cost:
        Two forward passes, and O(in^3 + in^2 out) operations a kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import GPTQConfig, gptq
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = GPTQConfig(precision("W4A16"))
        >>> found = gptq(llama, llama_sites(config), tokens, None, settings)
        >>> len(set(found.model.blocks.up.kernel[0, :, 0].tolist())) <= 8
        True

    See Also:
        `hadax.quantization.methods.gptq`, of one kernel.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    del key
    _system_checks.settings(config, GPTQConfig)
    check_plan(model, sites, config.precision)
    return finished(
        "gptq", model, sites, tokens, config.precision, gptq=config.solver, progress=progress
    )
