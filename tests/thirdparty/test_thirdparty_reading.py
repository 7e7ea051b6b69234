"""Files nobody wrote for us, through the whole reading side: a result or a clear refusal.

The data are found through SMARTAPP_TEST_DATA (a folder with `fhir-r4-examples` and `be-lab`).
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartapp.errors import AssessmentError, InputError
from smartapp.fhir.model import Resources
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs import read_labs
from smartapp.patient import read_record

_HOME = os.environ.get("SMARTAPP_TEST_DATA", "")
EXPECTED = tomllib.loads(Path(__file__).with_name("be_lab_expected.toml").read_text("utf-8"))
ZONE = "Europe/Brussels"

pytestmark = pytest.mark.skipif(
    not _HOME, reason="SMARTAPP_TEST_DATA is unset: third-party files are not here"
)


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the Observations of one file.

    `rows` decoded; `read` usable results of our analytes; `unused` recognised, shown with the
    reason and not used; `quarantined` of an odd shape. The rest are none of our analytes. The
    hormones among them are counted for the eye.
    """

    rows: int
    read: int
    unused: int
    quarantined: int
    hormones: int = field(default=0, compare=False)
    hormones_unused: int = field(default=0, compare=False)


def files(folder: str) -> list[Path]:
    found = sorted(path for path in (Path(_HOME) / folder).rglob("*.json"))
    assert found, f"{folder} is empty"
    return found


def through(path: Path, catalogue: Catalogue) -> tuple[Resources, Count]:
    found = read_bundle(path.read_bytes())
    labs = read_labs(found.observations, catalogue, timezone=ZONE)
    hormones = {key for key, analyte in catalogue.analytes.items() if analyte.plan == "hormones"}
    count = Count(
        rows=len(found.observations),
        read=sum(len(series.readings) for series in labs.series.values()),
        unused=len(labs.unused),
        quarantined=len(found.quarantined),
        hormones=sum(len(s.readings) for key, s in labs.series.items() if key in hormones),
        hormones_unused=sum(row.analyte in hormones for row in labs.unused),
    )
    return found, count


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize("folder", ["fhir-r4-examples", "be-lab"])
def test_every_file_gives_a_result_or_a_clear_refusal(
    folder: str, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    told: Counter[str] = Counter()
    for path in files(folder):
        try:
            found, count = through(path, catalogue)
        except InputError as error:
            assert error.public, path.name
            told["files refused"] += 1
            continue
        told["files read"] += 1
        told["rows"] += count.rows
        told["read"] += count.read
        told["unused"] += count.unused
        told["quarantined"] += count.quarantined
        told["hormone rows read"] += count.hormones
        told["hormone rows unused"] += count.hormones_unused
        told["ignored"] += count.rows - count.read - count.unused
        try:
            record = read_record(found, catalogue, issuer="test", timezone=ZONE)
        except AssessmentError as error:
            assert error.public, path.name
            told["not one patient"] += 1
        else:
            told["records"] += 1
            assert record.demographics.reference.startswith("Patient/"), path.name
            assert len(record.quarantined) == count.quarantined, path.name
    with capsys.disabled():
        print(f"\n{folder}: " + ", ".join(f"{name} {told[name]}" for name in told))
    assert told["files refused"] == 0
    assert told["rows"] > 0
    assert told["records"] > 0


def test_the_belgian_reports_are_read_as_written_down(catalogue: Catalogue) -> None:
    """Every file is in the table and gives exactly what the table says."""
    seen = {path.name: through(path, catalogue)[1] for path in files("be-lab")}
    expected = {
        name: Count(row["rows"], row["read"], row["unused"], row["quarantined"])
        for name, row in EXPECTED.items()
    }
    assert seen == expected
    assert sum("read_by_hand" in row for row in EXPECTED.values()) >= 5
