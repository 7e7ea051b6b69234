"""The short way and the long way give the same answers, whatever the row."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import msgspec
import pytest

from smartapp.fhir.reading import read_bundle
from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs import read_labs
from smartapp.labs.reading import LabRecord
from smartapp.labs.usual import UsualRows
from smartapp.stories import load_stories

CATALOGUE = load_catalogue()


def both_ways(rows: list[Observation], monkeypatch: pytest.MonkeyPatch) -> list[LabRecord]:
    """The record with the short way, then without it."""
    short = read_labs(rows, CATALOGUE, timezone="Europe/Paris")
    with monkeypatch.context() as patch:
        patch.setattr(UsualRows, "read", lambda _self, _row: None)
        long = read_labs(rows, CATALOGUE, timezone="Europe/Paris")
    return [short, long]


def test_every_fixture_patient_reads_the_same_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    for story in load_stories(date(2026, 11, 22)):
        rows = read_bundle(msgspec.json.encode(story.bundle)).observations
        short, long = both_ways(rows, monkeypatch)
        assert short == long, story.key


UNITS: list[dict[str, Any]] = [
    {"unit": "ng/dL", "code": "ng/dL"},
    {"unit": "nmol/L", "code": "nmol/L"},
    {"unit": "nmol/L"},
    {"code": "ng/mL"},
    {"unit": "NG/DL"},
    {"unit": "ng/dL", "code": "nmol/L"},
    {},
]
VALUES = [
    "231",
    "8",
    "10.4",
    "12.00",
    "0.05",
    "19.5",
    "2500",
    "6000",
    "-4",
    "1e2",
    '"300"',
    '"x"',
    "null",
]
RANGES: list[list[dict[str, Any]] | None] = [
    None,
    [{"low": {"value": 264, "unit": "ng/dL"}, "high": {"value": 916, "unit": "ng/dL"}}],
    [{"low": {"value": 264}, "text": "female"}],
    [{"high": {"value": 40, "unit": "nmol/L"}}],
    [{"text": "264 - 916"}],
    [{"text": "Adult men"}, {"text": "Women"}],
]
MORE: list[dict[str, Any]] = [
    {},
    {"status": "corrected"},
    {"status": None},
    {"issued": "2026-10-02T11:00:00Z"},
    {"issued": "soon"},
    {"effectiveDateTime": "2026-10-01"},
    {"effectiveDateTime": "2026-10-01T07:10:00Z"},
    {"effectiveDateTime": "2026"},
    {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-10-01T07:10:00-04:00"}},
    {"method": {"text": "LC-MS/MS"}},
    {"bodySite": {"text": "left"}},
    {"id": None},
    {"performer": [{"display": "Central"}]},
    {"performer": []},
]


def row(value: str, unit: dict[str, Any], **more: Any) -> Observation:
    made = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2986-8"}]},
        "effectiveDateTime": "2026-10-01T08:10:00-04:00",
        "valueQuantity": {**unit, "value": "@@"},
        **more,
    }
    text = msgspec.json.encode(made).replace(b'"@@"', value.encode())
    return msgspec.json.decode(text, type=Observation)


@pytest.mark.parametrize("code", ["2986-8", "10501-5", "4544-3", "2842-3", "99999-9"])
def test_odd_and_plain_rows_read_the_same_both_ways(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
    for value, unit, ranges in itertools.product(VALUES, UNITS, RANGES):
        one = row(value, unit, referenceRange=ranges, code=coding)
        short, long = both_ways([one], monkeypatch)
        assert short == long, (value, unit, ranges)
    for more in MORE:
        short, long = both_ways([row("231", UNITS[0], code=coding, **more)], monkeypatch)
        assert short == long, more


def test_two_rows_of_one_id_are_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("231", UNITS[0]), row("245", UNITS[0])]
    short, long = both_ways(rows, monkeypatch)
    assert short == long
    assert len(short.series["testosterone"].readings) == 1
