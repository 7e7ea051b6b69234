"""Men for tests: a record written as a sentence, days counted from the day of the assessment.

man(age=38).testosterone(210, -30).testosterone(220, -60).lh(3.1, -30).record()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from smartapp.engine import assess
from smartapp.engine.assessment import Assessment, Finding
from smartapp.engine.case import Case, open_case
from smartapp.fhir.model import Gap
from smartapp.knowledge import Knowledge, load
from smartapp.labs.reading import Range, Reading, Series, Unused
from smartapp.patient.record import (
    Allergy,
    Demographics,
    Dose,
    DraftOrder,
    EndpointReading,
    Episode,
    PatientRecord,
    Problem,
    TherapyTimeline,
    Wishes,
)

TODAY = date(2026, 11, 22)
AS_OF = datetime.combine(TODAY, time(17, 0), UTC)
Number = Decimal | int | float | str


@cache
def knowledge(profile: str = "aua") -> Knowledge:
    return load(profile)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


class Man:
    """A record being written. Every verb adds one datum and gives the man back."""

    def __init__(self, age: int | None, sex: str) -> None:
        born = None if age is None else date(TODAY.year - age, 1, 15)
        self.demographics = Demographics(
            "Patient/man",
            "A Man",
            born,
            "male",
            "M",
            sex,
            "told by the test",  # type: ignore[arg-type]
        )
        self.labs: list[Reading] = []
        self.unusables: list[Unused] = []
        self.problems: list[Problem] = []
        self.episodes: list[Episode] = []
        self.allergies: list[Allergy] = []
        self.wish = Wishes()
        self.gaps: list[Gap] = []
        self.answers: list[EndpointReading] = []

    # -- laboratory

    def lab(
        self,
        analyte: str,
        value: Number,
        offset: int = -30,
        *,
        clock: str = "morning",
        comparator: str | None = None,
        lab_range: tuple[Number | None, Number | None] | None = None,
        reference: str | None = None,
        recorded: int | None = None,
        method: str | None = None,
        performer: str | None = None,
    ) -> Man:
        known = knowledge().catalogue.analytes[analyte]
        number = Decimal(str(value))
        drawn = day(offset)
        hour = {"morning": time(8, 30), "not-morning": time(15, 0), "provisional": time(0, 0)}
        low: Decimal | None = number if comparator not in ("<", "<=") else None
        high: Decimal | None = number if comparator not in (">", ">=") else None
        effective = datetime.combine(drawn, hour[clock], UTC)
        limits = known.default_range
        used = Range(limits.low, limits.high, "default", "no range was sent")
        if lab_range is not None:
            ends = [None if end is None else Decimal(str(end)) for end in lab_range]
            used = Range(ends[0], ends[1], "laboratory", "as sent")
        self.labs.append(
            Reading(
                reference=reference or f"Observation/{analyte}-{len(self.labs)}",
                analyte=analyte,
                loinc=known.order_loinc or None,
                value=number,
                unit=known.unit,
                low=low,
                high=high,
                comparator=comparator,
                original=f"{comparator or ''}{value} {known.unit}",
                effective=effective,
                drawn=drawn,
                clock=clock,  # type: ignore[arg-type]
                recorded=effective
                if recorded is None
                else datetime.combine(day(recorded), time(9), UTC),
                status="final",
                range=used,
                method=method,
                performer=performer,
            )
        )
        return self

    def testosterone(self, value: Number, offset: int = -30, **more: Any) -> Man:
        return self.lab("testosterone", value, offset, **more)

    def lh(self, value: Number, offset: int = -30, **more: Any) -> Man:
        return self.lab("lh", value, offset, **more)

    def fsh(self, value: Number, offset: int = -30, **more: Any) -> Man:
        return self.lab("fsh", value, offset, **more)

    def shbg(self, value: Number, offset: int = -30, **more: Any) -> Man:
        return self.lab("shbg", value, offset, **more)

    def hematocrit(self, value: Number, offset: int = -30, **more: Any) -> Man:
        return self.lab("hematocrit", value, offset, **more)

    def unusable(self, analyte: str, offset: int = -5, *, void: bool = False) -> Man:
        self.unusables.append(
            Unused(
                f"Observation/{analyte}-unusable",
                "the unit is missing",
                None if void else analyte,
                datetime.combine(day(offset), time(8), UTC),
                datetime.combine(day(offset), time(12), UTC),
            )
        )
        return self

    def without(self, *analytes: str) -> Man:
        self.labs = [r for r in self.labs if r.analyte not in analytes]
        return self

    # -- the rest of the record

    def problem(self, concept: str, onset: int | None = -200, **more: Any) -> Man:
        fields: dict[str, Any] = {
            "reference": f"Condition/{concept}-{len(self.problems)}",
            "concepts": frozenset({concept}),
            "codes": (),
            "text": concept,
            "active": True,
            "refuted": False,
            "onset": None if onset is None else day(onset),
            "recorded": None if onset is None else day(onset),
            "abated": None,
            "laterality": None,
            "kind": "condition",
            "matched_by": "code",
        }
        self.problems.append(Problem(**{**fields, **more}))
        return self

    def drug(
        self,
        agent: str,
        start: int | None = -100,
        stop: int | None = None,
        *,
        status: str | None = None,
        per_week: Number | None = None,
        recorded: int | None = None,
        dose: Dose | None = None,
        label: str | None = None,
    ) -> Man:
        drug = knowledge().catalogue.drugs[agent]
        if per_week is not None:
            weekly = Decimal(str(per_week))
            dose = Dose(None, "[IU]", weekly / 7, "as told", weekly)
        begun = None if start is None else day(start)
        self.episodes.append(
            Episode(
                agent,
                drug.drug_class,
                (f"MedicationRequest/{agent}-{len(self.episodes)}",),
                begun,
                None if stop is None else day(stop),
                status or ("active" if stop is None else "stopped"),  # type: ignore[arg-type]
                dose,
                begun if recorded is None else day(recorded),
                "code",
                label or drug.name,
            )
        )
        return self

    def allergy(self, *agents: str, type: str = "allergy") -> Man:
        self.allergies.append(
            Allergy(f"AllergyIntolerance/{agents[0]}", frozenset(agents), type, True, "rash", None)  # type: ignore[arg-type]
        )
        return self

    def wishes(self, fertility: str) -> Man:
        self.wish = Wishes(fertility, source="Goal/child", date=day(-60))  # type: ignore[arg-type]
        return self

    def told(self, tool: str, item: str, value: Number, offset: int = -10) -> Man:
        tools = knowledge().catalogue.questionnaires
        assert tools is not None
        known = tools.tools[tool]
        when = datetime.combine(day(offset), time(9), UTC)
        self.answers.append(
            EndpointReading(
                f"QuestionnaireResponse/{tool}-{item}-{len(self.answers)}",
                tool,
                item,
                Decimal(str(value)),
                known.low,
                known.high,
                known.better,
                when,
                day(offset),
                when,
                "questionnaire",
            )
        )
        return self

    def gap(self, what: str) -> Man:
        self.gaps.append(Gap(what, "failed", "the server refused"))
        return self

    def record(self, issuer: str = "https://ehr.example/fhir") -> PatientRecord:
        keys = {r.analyte for r in self.labs} | {u.analyte for u in self.unusables if u.analyte}
        series = {
            key: Series(
                key,
                tuple(
                    sorted(
                        (r for r in self.labs if r.analyte == key),
                        key=lambda r: (r.drawn, r.reference),
                    )
                ),
                tuple(u for u in self.unusables if u.analyte == key),
            )
            for key in sorted(keys)
        }
        return PatientRecord(
            issuer,
            self.demographics,
            tuple(self.problems),
            TherapyTimeline(tuple(self.episodes)),
            tuple(self.allergies),
            self.wish,
            series,
            tuple(self.unusables),
            (),
            tuple(self.gaps),
            endpoints=tuple(self.answers),
        )

    def case(self, profile: str = "aua") -> Case:
        return open_case(self.record(), knowledge(profile), AS_OF)

    def judged(
        self, *orders: str | DraftOrder, profile: str = "aua", site: Knowledge | None = None
    ) -> Assessment:
        drafts = [o if isinstance(o, DraftOrder) else draft(o) for o in orders]
        return assess(self.record(), site or knowledge(profile), AS_OF, drafts)


def man(age: int | None = 35, sex: str = "male") -> Man:
    return Man(age, sex)


def low_man(age: int | None = 35, t: Sequence[Number] = (210, 220)) -> Man:
    """Two low mornings with LH, FSH and SHBG in range: secondary, nothing else on record."""
    one = man(age).testosterone(t[0], -30).testosterone(t[1], -60)
    return one.lh(3.1).fsh(4.2).shbg(30)


def candidate(age: int | None = 35) -> Man:
    """A man in whom every point of the gate is settled."""
    one = low_man(age).lab("prolactin", 8).hematocrit(45).lab("alt", 25).lab("psa", "0.8")
    one.lab("ferritin", 90).lab("tsh", "1.8").lab("albumin", "4.4")
    return one.problem("low-libido")


def taking(amount: Number, per_week: Number, unit: str = "mg", text: str = "as told") -> Dose:
    """A dose: so much at once, so many times a week."""
    at_once = Decimal(str(amount))
    weekly = at_once * Decimal(str(per_week))
    return Dose(at_once, unit, weekly / 7, text, weekly)


def draft(
    agent: str,
    *,
    in_focus: bool = True,
    per_week: Number | None = None,
    dose: Dose | None = None,
) -> DraftOrder:
    if per_week is not None:
        dose = Dose(None, "[IU]", None, "as told", Decimal(str(per_week)))
    drugs = knowledge().catalogue.drugs
    known = agent in drugs
    return DraftOrder(
        f"MedicationRequest/draft-{agent}",
        agent if known else None,
        drugs[agent].drug_class if known else None,
        dose,
        in_focus,
        agent,
    )


# The course of a treatment, which is told of nearly every treated man and has tests of its own.
COURSE = frozenset({
    "response-in-target", "response-partial", "response-biochemical-only",
    "monitoring-due", "monitoring-plan",
})  # fmt: skip


def codes(assessment: Assessment, *, course: bool = False) -> dict[str, str]:
    """Finding codes with their severities; those of the course only when asked for."""
    return {f.code: f.severity for f in assessment.findings if course or f.code not in COURSE}


def the(assessment: Assessment, code: str) -> Finding:
    """The one finding of that code."""
    (found,) = (f for f in assessment.findings if f.code == code)
    return found


def cards(assessment: Assessment) -> set[str]:
    return {f.code for f in assessment.findings if f.card and f.code not in COURSE}


def open_codes(assessment: Assessment) -> set[str]:
    return {item.rule for item in assessment.not_evaluable}


def named(man_: Man, name: str) -> Man:
    """The same man under another patient id."""
    man_.demographics = replace(man_.demographics, reference=name)
    return man_
