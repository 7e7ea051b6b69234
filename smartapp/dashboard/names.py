"""What an analyte, a drug or a blocking reason is called, by the knowledge."""

from __future__ import annotations

from smartapp.dashboard.words import plain
from smartapp.knowledge.catalogue import Catalogue

# The order every page keeps: the axis first, then what bears on safety.
AXIS_LANES = ("testosterone", "lh", "fsh", "estradiol", "shbg")
SAFETY_LANES = ("free-testosterone", "bioavailable-testosterone", "prolactin", "hematocrit", "psa")


# Physicians say these by their letters; the others by their name.
BY_LETTERS = frozenset({"lh", "fsh", "shbg", "psa", "tsh", "alt", "ast", "alp", "bmi"})


def analyte_name(catalogue: Catalogue, key: str) -> str:
    known = catalogue.analytes.get(key)
    if known is None:
        return plain(key).capitalize()
    return known.short if key in BY_LETTERS else known.name


def drug_name(catalogue: Catalogue, key: str) -> str:
    """The drug's name, ready to begin a line."""
    if key == "hcg":
        return "hCG"
    known = catalogue.drugs.get(key)
    name = known.name if known else plain(key)
    return name[:1].upper() + name[1:]


def in_order(catalogue: Catalogue, keys: set[str]) -> list[str]:
    """Analyte keys in the order of every page; what the catalogue does not know comes last."""
    order = {key: place for place, key in enumerate((*AXIS_LANES, *SAFETY_LANES))}
    behind = len(order)
    for place, key in enumerate(catalogue.analytes):
        order.setdefault(key, behind + place)
    return sorted(keys, key=lambda key: (order.get(key, len(order) + behind), key))
