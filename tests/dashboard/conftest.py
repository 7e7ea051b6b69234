"""Hand-made charts: one man, dated from an anchor, varied by each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from msgspec import structs
from werkzeug.test import TestResponse

from smartapp.dashboard import Chart, blueprint
from smartapp.engine.assessment import (
    Assessment,
    Axis,
    Citation,
    Due,
    Evidence,
    Finding,
    Fix,
    NearMiss,
    NotEvaluable,
    Option,
    ProtocolRef,
    Recommendation,
    Therapy,
    TherapyAgent,
)
from smartapp.errors import LaunchExpired, SmartAppError
from smartapp.fhir.model import Quarantined
from smartapp.knowledge import Knowledge, load
from smartapp.labs.reading import Range, Reading, Series, Unused
from smartapp.patient.record import (
    Demographics,
    Dose,
    Episode,
    PatientRecord,
    TherapyTimeline,
    Wishes,
)
from smartapp.settings import Settings
from smartapp.share import share
from smartapp.smart.context import LaunchContext

NOW = datetime(2026, 11, 22, 15, 42, tzinfo=UTC)
EASTERN = timezone(timedelta(hours=-5))

RANGES: dict[str, tuple[str | None, str | None, str, str]] = {
    "testosterone": ("264", "916", "ng/dL", "laboratory"),
    "lh": ("1.7", "8.6", "IU/L", "laboratory"),
    "fsh": ("1.5", "12.4", "IU/L", "default"),
    "estradiol": (None, "42.6", "pg/mL", "laboratory"),
    "shbg": ("18", "54", "nmol/L", "laboratory"),
    "hematocrit": ("38.5", "50", "%", "laboratory"),
    "psa": (None, "4", "ng/mL", "laboratory"),
    "prolactin": ("4", "15.2", "ng/mL", "laboratory"),
}


def reading(analyte: str, figure_text: str, days_ago: int, **changes: Any) -> Reading:
    """A morning result `days_ago` before the anchor, in range terms of its analyte."""
    low, high, unit, source = RANGES[analyte]
    drawn = NOW.astimezone(EASTERN).replace(hour=8, minute=10) - timedelta(days=days_ago)
    figure = Decimal(figure_text)
    made = Reading(
        reference=f"Observation/{analyte}-{days_ago}",
        analyte=analyte,
        loinc=None,
        value=figure,
        unit=unit,
        low=figure,
        high=figure,
        comparator=None,
        original=f"{figure_text} {unit}",
        effective=drawn,
        drawn=drawn.date(),
        clock="morning",
        recorded=drawn + timedelta(hours=5),
        status="final",
        range=Range(
            Decimal(low) if low else None,
            Decimal(high) if high else None,
            "laboratory" if source == "laboratory" else "default",
            "",
        ),
    )
    return structs.replace(made, **changes)


def evidence(of: Reading, role: str = "fired") -> Evidence:
    return Evidence(of.reference, of.analyte, of.value, of.unit, of.original, of.effective, role)


def series(*readings: Reading, unused: tuple[Unused, ...] = ()) -> dict[str, Series]:
    by: dict[str, list[Reading]] = {}
    for one in sorted(readings, key=lambda r: r.drawn):
        by.setdefault(one.analyte, []).append(one)
    made = {key: Series(key, tuple(rows)) for key, rows in by.items()}
    for row in unused:
        if row.analyte:
            before = made.get(row.analyte, Series(row.analyte, ()))
            made[row.analyte] = replace(before, unused=(*before.unused, row))
    return made


def finding(code: str, summary: str, *rows: Evidence, **changes: Any) -> Finding:
    made = Finding(
        id=f"f-{code}",
        code=code,
        severity="info",
        summary=summary,
        detail="What this means, in a sentence.\nWhat may be considered next.",
        rule="R-ELIG-01",
        basis="guideline",
        citations=(Citation("AUA testosterone guideline 2018", "https://example.org/aua"),),
        evidence=rows,
        fingerprint="print-1",
        card=True,
        decision=code,
    )
    return replace(made, **changes)


READINGS = (
    reading("testosterone", "212", 40),
    reading("testosterone", "238", 12),
    reading("testosterone", "20.1", 400, value=Decimal("579.740"), low=Decimal("579.740"),
            high=Decimal("579.740"), original="20.1 nmol/L"),
    reading("testosterone", "301", 200, clock="not-morning"),
    reading("lh", "3.1", 40),
    reading("lh", "2.8", 12),
    reading("lh", "4.4", 400),
    reading("fsh", "4.4", 12),
    reading("fsh", "5.2", 400),
    reading("estradiol", "10", 12, comparator="<", original="< 10 pg/mL", low=None),
    reading("estradiol", "28", 400),
    reading("shbg", "31", 12),
    reading("shbg", "27", 400),
    reading("hematocrit", "51.4", 12),
    reading("hematocrit", "46.2", 400),
    reading("psa", "0.8", 12, effective=date(2026, 11, 10), clock="provisional"),
)  # fmt: skip
UNUSED = (
    Unused(
        "Observation/odd-1",
        "a value of 9.1 labelled ng/dL with a normal LH is suspected to be nmol/L",
        "testosterone",
        NOW - timedelta(days=90),
        None,
        "9.1 ng/dL",
    ),
)


def build_chart(**changes: Any) -> Chart:
    """The usual man of these tests: secondary, candidate, one unused row, one malformed row.

    Any field of Chart, and of its context, record and assessment, may be given by name.
    """
    low, lower = READINGS[1], READINGS[0]
    record = PatientRecord(
        issuer="https://ehr.example/fhir",
        demographics=Demographics(
            "Patient/42", "Daniel Okafor", date(1987, 3, 14), "male", "M", "male",
            "administrative gender male, birth sex M",
        ),
        problems=(),
        therapy=TherapyTimeline(
            (
                Episode(
                    "clomiphene", "serm", ("MedicationRequest/1",), date(2025, 6, 1),
                    date(2025, 12, 20), "stopped", Dose(None, None, None, "25 mg every other day"),
                    None, "code", "clomiphene",
                ),
            )
        ),
        allergies=(),
        wishes=Wishes("yes", "unknown", "Goal/1", date(2026, 10, 1)),
        series=series(*READINGS, unused=UNUSED),
        unused=UNUSED,
        quarantined=(
            Quarantined("Observation/9", "$.valueQuantity.value", "the value is not a number"),
        ),
        timezone="America/New_York",
        fetched=NOW,
    )  # fmt: skip
    assessment = Assessment(
        patient="Patient/42",
        as_of=NOW,
        protocol=ProtocolRef("aua", "2026.11.1"),
        axis=Axis(
            "secondary",
            "Two morning testosterones below 300 ng/dL with LH 2.8 IU/L, inside its range.",
            (evidence(low), evidence(lower)),
        ),
        therapy=Therapy("none"),
        recommendation=Recommendation(
            "candidate",
            (
                Option(
                    "clomiphene",
                    True,
                    "25 mg every other day",
                    (),
                    ("bmi-30",),
                    "off-label",
                    caution_words=("obesity first",),
                ),
                Option(
                    "enclomiphene",
                    False,
                    "",
                    ("not-approved",),
                    (),
                    "not approved",
                    blocked_words=("not approved anywhere known",),
                ),
                Option("hcg", True, "1500 IU twice a week", (), (), "off-label here"),
            ),
        ),
        findings=(
            finding(
                "recalibration-candidate",
                "Secondary hypogonadism with a wish for children: recalibration may be considered",
                evidence(low),
                evidence(lower),
                fixes=(Fix("start-regimen", "cc-25-qod", "A published start exists"),),
            ),
            finding(
                "hematocrit-high",
                "Hematocrit 51.4 %: recheck before any therapy that raises it",
                evidence(READINGS[13]),
                severity="warning",
                rule="A-HCT",
            ),
        ),
        not_evaluable=(
            NotEvaluable(
                "R-WU-01", "axis-workup", "Prolactin was not measured in the last 730 days.",
                "Order prolactin (LOINC 2842-3).",
            ),
        ),
        near_misses=(NearMiss("A-HCT", "hematocrit-high", "Hematocrit 51.4 %, acts at 52 %"),),
        due=(
            Due("PSA", "2857-1", date(2026, 10, 1), (date(2026, 9, 1), date(2026, 11, 1)), True),
        ),
        endpoints=(),
        wishes=record.wishes,
        unused=UNUSED,
    )  # fmt: skip
    context = LaunchContext(
        launch_id="launch-1", issuer=record.issuer, fhir_base=record.issuer, patient_id="42",
        encounter_id=None, user="Practitioner/7", need_patient_banner=True, app_context=None,
        scopes=frozenset(), open_server=False, created=NOW, expires=NOW + timedelta(hours=8),
        timezone="America/New_York", extra={},
    )  # fmt: skip
    parts: dict[str, Any] = {"context": context, "record": record, "assessment": assessment}
    for name in ("context", "record", "assessment"):
        given = {
            key: changes.pop(key)
            for key in tuple(changes)
            if key in parts[name].__dataclass_fields__ and key not in Chart.__dataclass_fields__
        }
        parts[name] = replace(parts[name], **given)
    made = Chart(**parts, fetched_at=NOW, frame_ancestors=("https://ehr.example",))
    return replace(made, **changes)


def on_clomiphene() -> tuple[Episode, TherapyAgent]:
    dose = Dose(Decimal(25), "mg", Decimal(25), "25 mg daily")
    start = date(2026, 8, 3)
    return (
        Episode("clomiphene", "serm", ("MedicationRequest/2",), start, None, "active", dose, None,
                "code", "clomiphene"),
        TherapyAgent("clomiphene", start, None, "active", dose, "MedicationRequest/2"),
    )  # fmt: skip


@pytest.fixture
def make_chart() -> Callable[..., Chart]:
    return build_chart


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load()


@pytest.fixture(scope="session")
def chart_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home folder for the session: the chart's script is made once."""
    return tmp_path_factory.mktemp("dashboard-home")


@dataclass
class Desk:
    """An app with nothing but the dashboard, and what was asked of its neighbours."""

    app: Flask
    charts: dict[str, Chart] = field(default_factory=dict)
    refreshed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    asked: list[date | None] = field(default_factory=list)

    def get(self, path: str = "", launch: str = "launch-1", **more: Any) -> TestResponse:
        return self.app.test_client().get(f"/chart/{launch}/{path}", **more)

    def page(self, path: str = "", launch: str = "launch-1") -> str:
        return self.get(path, launch).get_data(as_text=True)


@pytest.fixture
def desk(knowledge: Knowledge, chart_home: Path) -> Desk:
    app = Flask("desk", static_folder=str(share("static")), static_url_path="/static")
    made = Desk(app, {"launch-1": build_chart()})

    def open_chart(launch_id: str, day: date | None = None) -> Chart:
        made.asked.append(day)
        if launch_id not in made.charts:
            raise LaunchExpired("The launch is over; open the app from the chart again.")
        return made.charts[launch_id]

    app.register_blueprint(
        blueprint(
            settings=Settings(home_dir=chart_home, demo=True),
            knowledge=knowledge,
            open_chart=open_chart,
            refresh_chart=made.refreshed.append,
            end_launch=made.ended.append,
            static_url=lambda name: f"/static/{name}",
        )
    )

    @app.errorhandler(SmartAppError)
    def told(error: SmartAppError) -> tuple[str, int]:
        return error.public, error.status

    return made
