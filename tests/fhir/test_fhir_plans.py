"""What is asked is what the catalogue can read: logic and data request cannot drift apart."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from smartapp.errors import InputError
from smartapp.fhir.plans import (
    KEYS,
    SearchPlan,
    medication_plans,
    prefetch_templates,
    search_plans,
)
from smartapp.fhir.quirks import quirks_of
from smartapp.knowledge.catalogue_files import load_catalogue

CATALOGUE = load_catalogue()
CODES = {f"http://loinc.org|{code}" for code in CATALOGUE.by_loinc}


def asked(plans: tuple[SearchPlan, ...], key: str) -> list[str]:
    """The code tokens of a key, over all its pieces."""
    queries = [parse_qs(urlsplit(p.query).query) for p in plans if p.key == key]
    return [token for query in queries for codes in query["code"] for token in codes.split(",")]


def test_every_code_of_the_catalogue_is_asked_once() -> None:
    plans = search_plans(CATALOGUE, "p1")
    tokens = asked(plans, "hormones") + asked(plans, "safety")
    assert set(tokens) >= CODES
    assert max(Counter(tokens).values()) == 1


def test_what_an_answer_requires_is_among_the_hormones() -> None:
    hormones = asked(search_plans(CATALOGUE, "p1"), "hormones")
    for analyte in CATALOGUE.analytes.values():
        if analyte.required:
            assert {f"http://loinc.org|{code}" for code in analyte.loinc} <= set(hormones)


def test_blood_pressure_is_asked_for_by_its_panel() -> None:
    assert "http://loinc.org|85354-9" in asked(search_plans(CATALOGUE, "p1"), "safety")


def test_scales_and_totals_are_asked_for_and_never_among_the_hormones() -> None:
    told = CATALOGUE.questionnaires
    assert told is not None
    plans = search_plans(CATALOGUE, "p1")
    assert set(told.tokens()) <= set(asked(plans, "safety"))
    assert not set(told.tokens()) & set(asked(plans, "hormones"))
    assert f"{told.code_system}|libido" in asked(plans, "safety")


def test_a_local_code_of_a_scale_is_asked_beside_the_scales() -> None:
    plans = search_plans(CATALOGUE, "p1", local_codes={"urn:site|NRS": ("libido", None)})
    assert "urn:site|NRS" in asked(plans, "safety")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("dispenses", "MedicationDispense"),
        ("administrations", "MedicationAdministration"),
        ("questionnaires", "QuestionnaireResponse"),
    ],
)
def test_what_was_given_and_answered_is_asked_for(key: str, kind: str) -> None:
    [plan] = [plan for plan in search_plans(CATALOGUE, "p1") if plan.key == key]
    assert plan.query.startswith(f"{kind}?patient=p1")


def test_long_lists_are_cut_into_searches_an_ehr_accepts() -> None:
    narrow = replace(quirks_of("generic"), max_codes=5, max_url=200)
    for ways in (narrow, quirks_of("generic")):
        plans = search_plans(CATALOGUE, "p1", quirks=ways)
        for plan in plans:
            assert len(plan.query) <= ways.max_url
            assert plan.query.count("loinc.org") <= ways.max_codes
        assert set(asked(plans, "hormones") + asked(plans, "safety")) >= CODES


def test_observations_come_newest_first_unless_the_server_refuses_to_sort() -> None:
    plans = search_plans(CATALOGUE, "p1")
    assert all("_sort=-date" in p.query for p in plans if p.query.startswith("Observation"))
    unsorted = search_plans(CATALOGUE, "p1", quirks=replace(quirks_of("generic"), sort=False))
    assert not any("_sort" in p.query for p in unsorted)


def test_a_server_that_wants_a_category_gets_one() -> None:
    ways = replace(quirks_of("generic"), extra={"Condition": "category=problem-list-item"})
    [conditions] = [p for p in search_plans(CATALOGUE, "p", quirks=ways) if p.key == "conditions"]
    assert conditions.query == "Condition?patient=p&category=problem-list-item&_count=200"


def test_local_codes_of_the_site_are_asked_beside_loinc() -> None:
    local = {
        "http://lab.example|TESTO": ("2986-8", "ng/dL"),
        "HCT 1": ("4544-3", None),
        "?": ("0-0", None),
    }
    plans = search_plans(CATALOGUE, "p1", local_codes=local)
    assert {"http://lab.example|TESTO", "?"} <= set(asked(plans, "hormones"))
    assert "HCT 1" in asked(plans, "safety")
    assert all(" " not in plan.query for plan in plans)


@pytest.mark.parametrize("bad", ["", "..", ".", "../Patient", "1?x=y", "a/b", "a b", "1&patient=2"])
def test_a_patient_id_that_could_change_the_address_is_refused(bad: str) -> None:
    with pytest.raises(InputError):
        search_plans(CATALOGUE, bad)


def test_a_vendors_long_id_is_accepted() -> None:
    id_ = "Tbt3KuCY0B5PSrJvCu2j-PlK.aiHsu2xUjUM8bWpetXoB_" + "x" * 30
    assert search_plans(CATALOGUE, id_)[0] == SearchPlan("patient", f"Patient/{id_}")


def test_an_unknown_profile_behaves_as_generic() -> None:
    assert quirks_of("nobody") is quirks_of("generic")
    assert quirks_of("hapi").headers == {"Cache-Control": "no-cache"}
    assert quirks_of("hapi").count == quirks_of("generic").count


# --- prefetch ----------------------------------------------------------------------------------


def test_prefetch_and_searches_have_the_same_keys_and_ask_the_same() -> None:
    templates, plans = prefetch_templates(CATALOGUE), search_plans(CATALOGUE, "p1")
    assert set(templates) == {plan.key for plan in plans} == set(KEYS)
    for key in ("hormones", "safety"):
        [codes] = parse_qs(urlsplit(templates[key]).query)["code"]
        assert codes.split(",") == asked(plans, key)


@pytest.mark.parametrize("key", KEYS)
def test_templates_keep_to_what_every_client_can_follow(key: str) -> None:
    """Standards A5: relative, one token only, no repeated parameter, simple subset."""
    template = prefetch_templates(CATALOGUE)[key]
    assert not template.startswith(("/", "http"))
    assert set(re.findall(r"{{(.+?)}}", template)) == {"context.patientId"}
    parameters = [part.split("=")[0] for part in template.partition("?")[2].split("&") if part]
    assert len(parameters) == len(set(parameters))
    assert set(parameters) <= {"patient", "code", "_sort", "_count"}


# --- medications named by reference ------------------------------------------------------------


def test_medications_named_by_reference_are_read_once_and_only_from_this_server() -> None:
    base = "https://ehr.example/fhir"
    body = b"""{"entry": [{"resource": {"medicationReference": {"reference": "Medication/a.1"}}},
      {"resource": {"medicationReference":{"reference" : "https://ehr.example/fhir/Medication/b"}}},
      {"resource": {"medicationReference": {"reference": "https://evil.example/Medication/c"}}},
      {"resource": {"medicationReference": {"reference": "#contained"}}},
      {"resource": {"medicationReference": {"reference": "Medication/a.1"}}}]}"""
    assert medication_plans([body, body], base) == (
        SearchPlan("medications", "Medication/a.1"),
        SearchPlan("medications", "Medication/b"),
    )
    many = b"".join(b'"reference":"Medication/m%d"' % i for i in range(100))
    assert len(medication_plans([many], base)) == 40
