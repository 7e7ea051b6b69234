"""Whatever stands in a row: it is read or told, never thrown."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from labs_writing import Lab, observations

from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs import read_labs

CATALOGUE = load_catalogue()

texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["ng/dL", "nmol/L", "mIU/mL", "", " ", "<", ">=", "2026-05-04T08:00:00Z", "2026-02-30"]
    ),
)
numbers = st.one_of(
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20),
    texts,
    st.none(),
)
quantities = st.fixed_dictionaries(
    {}, optional={"value": numbers, "unit": texts, "code": texts, "comparator": texts}
)
concepts = st.fixed_dictionaries({}, optional={"text": texts})
ranges = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "low": quantities,
            "high": quantities,
            "text": texts,
            "type": concepts,
            "appliesTo": st.lists(concepts, max_size=2),
            "age": st.fixed_dictionaries({}, optional={"low": quantities, "high": quantities}),
        },
    ),
    max_size=3,
)
odd_parts = st.fixed_dictionaries(
    {},
    optional={
        "status": texts,
        "effectiveDateTime": texts,
        "issued": texts,
        "valueQuantity": quantities,
        "valueString": texts,
        "valueInteger": st.integers(-(2**31), 2**31 - 1),
        "referenceRange": ranges,
        "method": concepts,
        "dataAbsentReason": concepts,
        "effectivePeriod": st.fixed_dictionaries({}, optional={"start": texts, "end": texts}),
    },
)
rows = st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE.by_loinc)), odd_parts), max_size=6)


@settings(max_examples=150, deadline=None)
@given(rows, st.sampled_from([None, "Europe/Brussels"]), st.one_of(st.none(), st.integers(0, 90)))
def test_anything(
    sent: list[tuple[str, dict[str, Any]]], timezone: str | None, age: int | None
) -> None:
    lab = Lab(CATALOGUE)
    made = [lab.row(code, 5, "IU/L", **odd) for code, odd in sent]
    record = read_labs(observations(*made), CATALOGUE, timezone=timezone, age=age)
    told = {r.reference for s in record.series.values() for r in s.readings}
    told |= {u.reference for u in record.unused}
    assert told == {f"Observation/{row['id']}" for row in made}
