"""Real men and real laboratories: nothing is thrown, nothing vanishes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from labs_writing import Lab

from smartapp.fhir.reading import read_bundle
from smartapp.labs import read_labs
from smartapp.labs.free_testosterone import FreeTestosterone, free_testosterone

COLUMNS = {
    "LBXTST": ("2986-8", "ng/dL", "testosterone"),
    "LBXLUH": ("10501-5", "mIU/mL", "lh"),
    "LBXFSH": ("15067-2", "mIU/mL", "fsh"),
    "LBXEST": ("2243-4", "pg/mL", "estradiol"),
    "LBXSHBG": ("13967-5", "nmol/L", "shbg"),
}


def test_the_men_of_nhanes(lab: Lab, shared_data: Callable[[str], Path]) -> None:
    """1,287 men, one draw each, in both unit systems; the SI figures have three digits."""
    men = computed = 0
    constants = lab.catalogue.vermeulen
    assert constants is not None
    for man in csv.DictReader(shared_data("nhanes/men_2021_2023.csv").open()):
        men += 1
        rows = [
            lab.row(loinc, float(man[column]), unit)
            for column, (loinc, unit, _) in COLUMNS.items()
            if man[column]
        ]
        record = lab.read(*rows)
        assert sum(len(s.readings) for s in record.series.values()) + len(record.unused) == len(
            rows
        )
        if not (man["LBXTST"] and man["LBDTSTSI"] and record.series["testosterone"].readings):
            continue
        t = record.series["testosterone"].readings[0]
        si = lab.read(lab.row("14913-8", float(man["LBDTSTSI"]), "nmol/L")).series["testosterone"]
        assert abs(si.readings[0].value - t.value) <= t.value * Decimal("0.006")
        shbg = record.series.get("shbg")
        if shbg and shbg.readings:
            free = free_testosterone(t.value, t.drawn, shbg.readings[0], (), constants)
            assert isinstance(free, FreeTestosterone)
            assert free.percent < 6
            computed += 1
    assert men == 1287
    assert computed > 1200


def test_reports_as_belgian_laboratories_send_them(
    lab: Lab, shared_data: Callable[[str], Path]
) -> None:
    read: dict[str, int] = {}
    for path in sorted(shared_data("be-lab").glob("*.json")):
        found = read_bundle(path.read_bytes())
        record = read_labs(found.observations, lab.catalogue, timezone="Europe/Brussels")
        for key, series in record.series.items():
            read[key] = read.get(key, 0) + len(series.readings)
            assert all(reading.reference for reading in series.readings)
    assert read.get("prolactin")
    assert read.get("hematocrit")


def test_examples_nobody_planned_for(lab: Lab, shared_data: Callable[[str], Path]) -> None:
    for path in sorted(shared_data("fhir-r4-examples").glob("*.json")):
        record = read_labs(
            read_bundle(path.read_bytes()).observations, lab.catalogue, timezone=None
        )
        for series in record.series.values():
            for reading in series.readings:
                assert reading.value.is_finite()
