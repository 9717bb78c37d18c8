"""Which sites of a model a method rotates if it is not told."""

from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites, Site


def rotated_names(sites: ModelSites, precision: Precision) -> tuple[str, ...]:
    """The sites whose rotation changes what is rounded: those in front of keys, and those that stay
    in the model, only where something is rounded there."""
    rounds_activations = any(rule.act_qtype is not None for rule in precision.rules)

    def useful(site: Site) -> bool:
        if not site.readers:
            return precision.kv_qtype is not None
        return rounds_activations or not (site.is_online and site.stride > 1)

    return tuple(site.name for site in sites.sites if useful(site))
