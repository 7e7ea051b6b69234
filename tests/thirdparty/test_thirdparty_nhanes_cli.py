"""1,287 real men of NHANES 2021-2023 through `assess --ndjson`: one draw a man, no clock time."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smartapp.cli import main

DATA = os.environ.get("SMARTAPP_TEST_DATA")
pytestmark = pytest.mark.skipif(
    not DATA, reason="SMARTAPP_TEST_DATA is not set: no third-party data to read"
)

# column, LOINC, unit in conventional units; the SI twins of testosterone and estradiol.
CONVENTIONAL = (
    ("LBXTST", "2986-8", "ng/dL"), ("LBXLUH", "10501-5", "m[IU]/mL"),
    ("LBXFSH", "15067-2", "m[IU]/mL"), ("LBXEST", "2243-4", "pg/mL"),
    ("LBXSHBG", "13967-5", "nmol/L"),
)  # fmt: skip
SI = (
    ("LBDTSTSI", "14913-8", "nmol/L"), *CONVENTIONAL[1:3], ("LBDESTSI", "14715-7", "pmol/L"),
    CONVENTIONAL[4],
)  # fmt: skip


def men() -> Iterator[dict[str, str]]:
    assert DATA
    with (Path(DATA) / "nhanes" / "men_2021_2023.csv").open() as file:
        yield from csv.DictReader(file)


def bundle(man: dict[str, str], columns: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    """One man as a Bundle: a day without a time, as published."""
    id_ = f"nhanes-{man['SEQN']}"
    born = 2022 - int(float(man["RIDAGEYR"]))
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": id_, "gender": "male", "birthDate": f"{born}-01-01"}
    ]
    for column, loinc, unit in columns:
        if man[column] not in ("", "."):
            resources.append({
                "resourceType": "Observation", "id": f"{id_}-{loinc}", "status": "final",
                "subject": {"reference": f"Patient/{id_}"},
                "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
                "effectiveDateTime": "2022-06-01",
                "valueQuantity": {"value": float(man[column]), "unit": unit, "code": unit,
                                  "system": "http://unitsofmeasure.org"},
            })  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "collection",
        "entry": [{"resource": resource} for resource in resources],
    }  # fmt: skip


def assessed(
    bundles: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> list[dict[str, Any]]:
    lines = "\n".join(json.dumps(one) for one in bundles).encode()
    monkeypatch.setattr(sys, "argv", ["smartapp", "assess", "-", "--ndjson",
                                      "--as-of", "2022-09-01"])  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert ended.value.code == 0
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


def test_every_man_gets_an_answer_and_none_a_verdict(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A draw without a clock time is provisional: nobody may be classified from it."""
    people = list(men())
    answers = assessed([bundle(man, CONVENTIONAL) for man in people], monkeypatch, capfdbinary)
    assert len(answers) == len(people) == 1287
    for man, answer in zip(people, answers, strict=True):
        assert answer["patient"] == f"Patient/nhanes-{man['SEQN']}"
    states = Counter(answer["axis"]["state"] for answer in answers)
    statuses = Counter(answer["recommendation"]["status"] for answer in answers)
    with capfdbinary.disabled():
        print(f"\nNHANES as published: {dict(states)}; {dict(statuses)}")
    assert set(states) <= {"insufficient", "suppressed", "not-applicable"}
    assert statuses["candidate"] == 0


def test_conventional_and_si_units_give_the_same_men_the_same_state(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    people = list(men())
    usual = assessed([bundle(man, CONVENTIONAL) for man in people], monkeypatch, capfdbinary)
    si = assessed([bundle(man, SI) for man in people], monkeypatch, capfdbinary)
    for one, other in zip(usual, si, strict=True):
        assert one["axis"]["state"] == other["axis"]["state"]
        assert one["recommendation"] == other["recommendation"]
