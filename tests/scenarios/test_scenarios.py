"""Every fixture patient is told what his story.toml expects, however his data are sent.

`[expected]` in story.toml: `axis`, `status`, `cards` (on patient-view), `eligible` (agents; where
it matters), `quarantined` (references), `not_evaluable` (rules that must be told); `findings`, the
exact set of codes with their severities; `unused`, references with a word of the reason; and
`order.<drug>`: `findings` that must be there with that severity, codes that must be `absent`.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from smartapp.engine import assess, to_json
from smartapp.engine.assessment import Assessment
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge, load
from smartapp.knowledge.catalogue import Analyte
from smartapp.knowledge.spelling import level_unit
from smartapp.patient import read_drafts, read_record
from smartapp.stories import Story, load_stories, wire

ANCHOR = date(2026, 11, 22)
AS_OF = datetime.combine(ANCHOR, time(17, 0), UTC)
STORIES = load_stories(ANCHOR)

each_story = pytest.mark.parametrize("story", STORIES, ids=[story.key for story in STORIES])

DRAFTS = {
    "clomiphene": ("Clomiphene citrate 50 mg tablet", "25 mg every other day"),
    "enclomiphene": ("Enclomiphene citrate 12.5 mg capsule", "12.5 mg daily"),
    "hcg": ("Chorionic gonadotropin 10,000 unit vial", "1500 IU three times weekly"),
    "testosterone": ("Testosterone cypionate 200 mg/mL", "100 mg every week"),
    "anastrozole": ("Anastrozole 1 mg tablet", "0.5 mg twice weekly"),
    "amoxicillin": ("Amoxicillin 500 mg capsule", "500 mg three times daily"),
}


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


def judged(
    bundle: dict[str, Any],
    knowledge: Knowledge,
    order: str | None = None,
    as_of: datetime = AS_OF,
) -> Assessment:
    resources = read_bundle(wire.encode(bundle))
    record = read_record(resources, knowledge.catalogue, issuer="https://ehr.example/fhir")
    drafts = read_drafts([draft(order)] if order else [], knowledge.catalogue, focus=None)
    return assess(record, knowledge, as_of, drafts)


def draft(drug: str) -> bytes:
    name, dose = DRAFTS[drug]
    order = {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "dosageInstruction": [{"text": dose}],
    }
    return json.dumps(order).encode()


def told(assessment: Assessment) -> dict[str, str]:
    return {finding.code: finding.severity for finding in assessment.findings}


@each_story
def test_the_story_is_told_as_expected(story: Story, knowledge: Knowledge) -> None:
    expected = story.expected
    assessment = judged(story.bundle, knowledge)
    assert assessment.axis.state == expected["axis"], assessment.axis.reason
    assert assessment.recommendation.status == expected["status"]
    assert told(assessment) == expected["findings"]
    if "eligible" in expected:
        eligible = [o.agent for o in assessment.recommendation.options if o.eligible]
        assert eligible == expected["eligible"]
    open_rules = {row.rule for row in assessment.not_evaluable}
    assert set(expected.get("not_evaluable", ())) <= open_rules


@pytest.mark.parametrize("anchor", [date(2028, 2, 29), date(2027, 7, 1)])
def test_the_stories_do_not_go_stale(anchor: date, knowledge: Knowledge) -> None:
    as_of = datetime.combine(anchor, time(17, 0), UTC)
    for story in load_stories(anchor):
        later = judged(story.bundle, knowledge, as_of=as_of)
        assert later.axis.state == story.expected["axis"], story.key
        assert told(later) == story.expected["findings"], story.key


@each_story
def test_there_are_as_many_cards_as_decisions(story: Story, knowledge: Knowledge) -> None:
    assessment = judged(story.bundle, knowledge)
    decisions = {finding.decision for finding in assessment.findings if finding.card}
    assert min(len(decisions), 3) == story.expected["cards"]


@each_story
def test_what_was_not_used_is_told_with_its_reason(story: Story, knowledge: Knowledge) -> None:
    resources = read_bundle(story.json())
    assert [q.reference for q in resources.quarantined] == story.expected.get("quarantined", [])
    unused = {row.reference: row.reason for row in judged(story.bundle, knowledge).unused}
    for reference, word in story.expected.get("unused", {}).items():
        assert word in unused[reference]


@pytest.mark.parametrize(
    ("story", "drug"),
    [(story, drug) for story in STORIES for drug in story.expected.get("order", {})],
    ids=[f"{story.key}-{drug}" for story in STORIES for drug in story.expected.get("order", {})],
)
def test_the_order_is_answered_as_expected(story: Story, drug: str, knowledge: Knowledge) -> None:
    expected = story.expected["order"][drug]
    found = told(judged(story.bundle, knowledge, order=drug))
    for code, severity in expected.get("findings", {}).items():
        assert found.get(code) == severity, found
    assert not set(expected.get("absent", ())) & set(found)
    if expected.get("findings") == {}:
        assert found == {}


@each_story
def test_an_unrelated_order_changes_nothing(story: Story, knowledge: Knowledge) -> None:
    with_order = judged(story.bundle, knowledge, order="amoxicillin")
    assert not [finding for finding in with_order.findings if finding.card]


@each_story
def test_the_order_of_the_entries_changes_nothing(story: Story, knowledge: Knowledge) -> None:
    plain = to_json(judged(story.bundle, knowledge))
    for seed in range(3):
        entries = list(story.bundle["entry"])
        random.Random(seed).shuffle(entries)
        assert to_json(judged({**story.bundle, "entry": entries}, knowledge)) == plain


@each_story
def test_unrelated_data_and_repeats_change_nothing(story: Story, knowledge: Knowledge) -> None:
    plain = to_json(judged(story.bundle, knowledge))
    noise = [{"resource": row} for row in unrelated(story.patient_id)]
    entries = [*noise, *story.bundle["entry"]]
    assert to_json(judged({**story.bundle, "entry": entries}, knowledge)) == plain
    twice = [*story.bundle["entry"], *story.bundle["entry"]]
    assert to_json(judged({**story.bundle, "entry": twice}, knowledge)) == plain


def unrelated(patient_id: str) -> list[dict[str, Any]]:
    subject = {"reference": f"Patient/{patient_id}"}
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"}
    toenail = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "L60.0"}]}
    return [
        {"resourceType": "Observation", "id": "x1", "status": "final", "code": glucose,
         "subject": subject, "effectiveDateTime": "2026-11-01T08:00:00-05:00",
         "valueQuantity": {"value": 92, "unit": "mg/dL"}},
        {"resourceType": "Condition", "id": "x2", "subject": subject, "code": toenail},
        {"resourceType": "MedicationRequest", "id": "x3", "status": "active", "intent": "order",
         "subject": subject, "medicationCodeableConcept": {"text": "Amoxicillin 500 mg"}},
        {"resourceType": "Immunization", "id": "x4", "status": "completed", "patient": subject},
        {"resourceType": "AllergyIntolerance", "id": "x5", "patient": subject,
         "code": {"text": "Peanut"}},
    ]  # fmt: skip


@each_story
def test_si_units_change_nothing(story: Story, knowledge: Knowledge) -> None:
    plain = judged(story.bundle, knowledge)
    converted = judged(in_si(story.bundle, knowledge), knowledge)
    assert skeleton(converted) == skeleton(plain)


def skeleton(assessment: Assessment) -> Any:
    """The assessment without its words: they show values as sent."""
    data = json.loads(to_json(assessment), parse_float=Decimal, parse_int=Decimal)
    spoken = {"original", "summary", "detail", "reason", "text", "note", "fix"}

    def strip(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: strip(v) for k, v in node.items() if k not in spoken}
        if isinstance(node, Decimal):
            return Context(prec=5).plus(node).normalize()
        return [strip(item) for item in node] if isinstance(node, list) else node

    return strip(data)


def in_si(bundle: dict[str, Any], knowledge: Knowledge) -> dict[str, Any]:
    """The Bundle with every result of a convertible analyte in its SI unit and code."""
    catalogue = knowledge.catalogue

    def convert(resource: dict[str, Any]) -> dict[str, Any]:
        quantity = resource.get("valueQuantity")
        codings = resource.get("code", {}).get("coding", [])
        code = next((c["code"] for c in codings if c.get("code") in catalogue.by_loinc), None)
        if code is None or not isinstance(quantity, dict) or "unit" not in quantity:
            return resource
        analyte = catalogue.analytes[catalogue.by_loinc[code]]
        if analyte.si_unit is None or not isinstance(quantity["value"], (int, Decimal)):
            return resource
        return {
            **resource,
            "code": {"coding": [{**codings[0], "code": si_code(analyte, code)}]},
            "valueQuantity": si(quantity, analyte),
            "referenceRange": [
                {side: si(limit, analyte) for side, limit in row.items() if side != "text"}
                for row in resource.get("referenceRange", [])
            ],
        }

    return {**bundle, "entry": [{"resource": convert(e["resource"])} for e in bundle["entry"]]}


def si(quantity: dict[str, Any], analyte: Analyte) -> dict[str, Any]:
    sent = analyte.units[level_unit(quantity.get("code") or quantity["unit"])]
    unit = analyte.units[level_unit(str(analyte.si_unit))]
    exact = (Decimal(quantity["value"]) * sent.factor + sent.offset - unit.offset) / unit.factor
    rounded = Context(prec=11).plus(exact).normalize()
    return {"value": Decimal(format(rounded, "f")), "unit": analyte.si_unit}


def si_code(analyte: Analyte, code: str) -> str:
    kind = analyte.units[level_unit(str(analyte.si_unit))].kind
    if analyte.loinc[code].kind == kind:
        return code
    same = [c.code for c in analyte.loinc.values() if c.kind == kind]
    return same[0] if same else code


@each_story
def test_every_resource_is_valid_r4_unless_it_is_odd_on_purpose(story: Story) -> None:
    odd = set(story.expected.get("quarantined", ()))
    for resource in story.resources():
        if f"{resource['resourceType']}/{resource['id']}" in odd:
            continue
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@each_story
def test_ids_are_the_patients_own_and_given_once(story: Story) -> None:
    names = [(row["resourceType"], row["id"]) for row in story.resources()]
    assert len(names) == len(set(names))
    assert story.title and len(story.text) > 60
