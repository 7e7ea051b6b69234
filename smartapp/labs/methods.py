"""Comparability of assays: results of different classes are not one series."""

from __future__ import annotations

from functools import lru_cache

from smartapp.fhir.resources import CodeableConcept

# The first class any of whose words occur; the special stands before the general.
_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dialysis", ("dialysis",)),
    ("calculated", ("calculat", "vermeulen", "computed")),
    ("analogue", ("analog",)),
    ("lc-ms", ("ms/ms", "lc-ms", "lc/ms", "lcms", "mass spec", "tandem", "gc-ms", "gc/ms")),
    (
        "immunoassay",
        ("immuno", "eclia", "cmia", "clia", "elisa", "ria", "eia", "chemilum", "fluoro"),
    ),
    ("bcp", ("bromocresol purple", "bcp")),
    ("bcg", ("bromocresol green", "bcg")),
    ("centrifugation", ("centrifug", "spun")),
)


def method_class(sent: CodeableConcept | None, by_code: str | None) -> str | None:
    """The class of assay: what the result says of itself, else what its LOINC code names."""
    if sent is None:
        return by_code
    words = sent.text or " ".join(c.display or c.code or "" for c in sent.coding or ())
    return _class_of(words[:120]) or by_code


@lru_cache(maxsize=512)
def _class_of(words: str) -> str | None:
    plain = words.lower()
    return next(
        (name for name, marks in _CLASSES if any(mark in plain for mark in marks)),
        None,
    )
