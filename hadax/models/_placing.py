"""Operators of sites, put where the model itself has to apply them."""

import dataclasses
from collections.abc import Mapping

from hadax.models.online import NOTHING, Online
from hadax.operators.base import LinearOperator, inverse
from hadax.quantization.sites import Site


def placed(online: Mapping[str, Online], site: Site, op: LinearOperator) -> dict[str, Online]:
    """What happens by place, once `op` transforms a site after what is there already."""
    result = dict(online)
    operators = dict.fromkeys(site.places, op)
    if site.duals:
        operators |= dict.fromkeys(site.duals, inverse(op).T)
    for place, new in operators.items():
        before = result.get(place, NOTHING)
        whole = new if before.transform is None else new @ before.transform
        result[place] = dataclasses.replace(before, transform=whole)
    return result
