"""Asked for a past day, the engine knows only what was known then, of several rows together too."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from men import knowledge

from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.fhir.reading import read_bundle
from smartapp.patient import read_record

Row = dict[str, Any]
ASKED = "2026-05-05T12:00:00-04:00"
AFTER = "2026-05-20T12:00:00-04:00"


def result(
    identity: str, loinc: str, value: float, unit: str, issued: str | None, **more: Any
) -> Row:
    """Drawn in the morning of 4 May, unless `more` says otherwise."""
    row: Row = {
        "resourceType": "Observation", "id": identity, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": "2026-05-04T08:15:00-04:00",
        "valueQuantity": {"value": value, "unit": unit},
    }  # fmt: skip
    if issued is not None:
        row["issued"] = f"{issued}T15:00:00-04:00"
    return {**row, **more}


def assessed(rows: list[Row], moment: str) -> Assessment:
    patient: Row = {
        "resourceType": "Patient", "id": "man", "gender": "male", "birthDate": "1980-02-01",
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in (patient, *rows)]}
    record = read_record(
        read_bundle(json.dumps(bundle).encode()), knowledge().catalogue, issuer="test"
    )
    return assess(record, knowledge(), datetime.fromisoformat(moment))


def phq_9(loinc: str, figure: int, issued: str) -> Row:
    row = result(f"phq-{loinc}", loinc, 0, "", issued)
    del row["valueQuantity"]
    return {**row, "valueInteger": figure}


def phq(issued: str) -> list[Row]:
    """Nine answers of one each, as results of their own."""
    codes = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3",
             "44260-8")  # fmt: skip
    return [phq_9(code, 1, issued) for code in codes]


EARLIER = result(
    "t0", "2986-8", 220, "ng/dL", "2026-04-20", effectiveDateTime="2026-04-20T08:00:00-04:00"
)
LH = result("lh", "10501-5", 3, "IU/L", "2026-05-04")
STORIES: dict[str, tuple[list[Row], list[Row]]] = {
    "the same draw, reported again in other units": (
        [EARLIER, LH, result("t1", "14913-8", 7.6, "nmol/L", "2026-05-04")],
        [result("t2", "2986-8", 219, "ng/dL", "2026-05-07")],
    ),
    "a correction under another id": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [result("t2", "2986-8", 540, "ng/dL", "2026-05-07", status="corrected")],
    ),
    "a correction under the same id": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [
            result(
                "t1", "2986-8", 540, "ng/dL", "2026-05-07", status="corrected",
                meta={"lastUpdated": "2026-05-07T15:00:00Z"},
            )
        ],
    ),
    "a total of other figures, told after the items it is of": (
        [EARLIER, LH, *phq("2026-05-05")],
        [phq_9("44261-6", 12, "2026-05-08")],
    ),
    "an LH that casts doubt on a unit": (
        [EARLIER, result("t1", "2986-8", 12, "ng/dL", "2026-05-04")],
        [result("lh", "10501-5", 3, "IU/L", "2026-05-07")],
    ),
    "a second value of the same date": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [
            result(
                "t2", "2986-8", 540, "ng/dL", "2026-05-07",
                effectiveDateTime="2026-05-04T09:00:00-04:00",
            )
        ],
    ),
    "a newer result that cannot be used": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [result("t2", "2986-8", 7000, "ng/dL", "2026-05-07")],
    ),
    "a result of another method": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [result("t2", "49041-7", 540, "ng/dL", "2026-05-07")],
    ),
    "a newer row that cannot be read": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [
            result(
                "t2", "2986-8", 540, "ng/dL", "2026-05-07", status=7,
                effectiveDateTime="2026-05-04T09:00:00-04:00",
            )
        ],
    ),
    "a diagnosis that speaks against a man's physiology": (
        [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", "2026-05-04")],
        [
            {
                "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/man"},
                "recordedDate": "2026-05-07",
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm",
                                     "code": "F64.0"}]},
            }
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_what_was_issued_later_changes_no_earlier_answer(story: str) -> None:
    then, later = STORIES[story]
    alone, whole = assessed(then, ASKED), assessed(then + later, ASKED)
    assert alone == whole
    assert assessed(later + then, ASKED) == alone
    assert assessed(then + later, AFTER) != assessed(then, AFTER), "the later row says something"


def test_a_correction_without_its_day_is_marked_where_it_is_used() -> None:
    rows = [EARLIER, LH, result("t1", "2986-8", 219, "ng/dL", None, status="corrected")]
    (used,) = (e for e in assessed(rows, ASKED).axis.evidence if e.reference == "Observation/t1")
    assert "known only as it stands today" in (used.note or "")


def test_the_sum_of_the_items_stands_until_the_total_itself_is_told() -> None:
    rows = [*phq("2026-05-05"), phq_9("44261-6", 12, "2026-05-08")]

    def totals(moment: str) -> list[int]:
        return [int(e.value) for e in assessed(rows, moment).endpoints if e.item == "total"]

    assert totals("2026-05-06T12:00:00-04:00") == [9]
    assert totals(AFTER) == [12]
    early = [*phq("2026-05-08"), phq_9("44261-6", 12, "2026-05-05")]
    assert [int(e.value) for e in assessed(early, AFTER).endpoints] == [12]
