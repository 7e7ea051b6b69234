"""Every fixture patient through the service: what each card must hold (A9 to A11, Z5, Z6)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from contract_stories import ORDERS, STORIES, call
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hookwork import Door
from markdown_it import MarkdownIt

from smartapp.knowledge import Knowledge

Json = dict[str, Any]

_MODELS: dict[str, Any] = {
    "ServiceRequest": ServiceRequest,
    "MedicationRequest": MedicationRequest,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> Door:
    return Door(tmp_path_factory.mktemp("door"), knowledge)


def every_card(opened: Door) -> list[tuple[str, str | None, Json]]:
    """All cards of all stories, opened and with each drug ordered."""
    return [
        (key, drug, card)
        for key, story in STORIES.items()
        for drug in (None, *ORDERS)
        for card in opened.cards(call(story, drug))
    ]


@pytest.fixture(scope="module")
def cards(opened: Door) -> list[tuple[str, str | None, Json]]:
    found = every_card(opened)
    assert len(found) > 30
    return found


Cards = list[tuple[str, str | None, Json]]


@pytest.mark.clause("A8.7")
def test_each_story_shows_what_it_expects_when_its_chart_is_opened(opened: Door) -> None:
    for key, story in STORIES.items():
        shown = opened.cards(call(story, None))
        expected = story.expected.get("cards")
        if isinstance(expected, int):
            assert len(shown) == expected, key
        assert len(shown) <= 3


def test_each_story_shows_what_it_expects_when_a_drug_is_ordered(opened: Door) -> None:
    told = 0
    for key, story in STORIES.items():
        for drug, expected in story.expected.get("order", {}).items():
            shown = {
                f["code"]: f["severity"]
                for card in opened.cards(call(story, drug))
                for f in card["extension"]["example.hpg-recalibration.findings"]
            }
            assert shown.items() >= expected.get("findings", {}).items(), (key, drug)
            assert not shown.keys() & set(expected.get("absent", ())), (key, drug)
            told += 1
    assert told > 5


@pytest.mark.parametrize("drug", [None, *ORDERS])
@pytest.mark.parametrize("key", ["woman", "child"])
def test_a_woman_and_a_child_see_none_of_it(opened: Door, key: str, drug: str | None) -> None:
    assert opened.cards(call(STORIES[key], drug)) == []


@pytest.mark.clause("A1.2")
def test_nothing_is_empty(cards: Cards) -> None:
    def walk(value: Any) -> None:
        assert value not in (None, "", [], {})
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, dict | list):
                walk(part)
            else:
                assert part not in (None, "")

    for _, _, card in cards:
        walk(card)


@pytest.mark.clause("A9.1")
@pytest.mark.clause("A9.2")
@pytest.mark.clause("A9.4")
@pytest.mark.clause("A9.5")
@pytest.mark.clause("Z5")
def test_members_every_card_has(cards: Cards) -> None:
    for _, _, card in cards:
        assert str(UUID(card["uuid"])) == card["uuid"]
        assert 0 < len(card["summary"]) < 140
        assert "\n" not in card["summary"]
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert urlsplit(card["source"]["url"]).scheme in ("http", "https")
        topic = card["source"]["topic"]
        assert topic["code"]
        assert topic["system"].startswith("https://")
        assert topic["code"] == card["extension"]["example.hpg-recalibration.findings"][0]["code"]


@pytest.mark.clause("A9.3")
def test_details_are_markdown_without_html_or_tables(cards: Cards) -> None:
    for key, drug, card in cards:
        tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(card["detail"])
        flat = [t for token in tokens for t in (token, *(token.children or ()))]
        kinds = {t.type for t in flat}
        assert not {"html_block", "html_inline", "table_open"} & kinds, (key, drug)
        for token in flat:
            if token.type == "link_open":
                assert str(token.attrGet("href")).startswith(("https://", "http://127.0.0.1")), key


@pytest.mark.clause("A9.9")
def test_cards_name_no_patient(cards: Cards) -> None:
    for key, _, card in cards:
        patient = next(
            e["resource"]
            for e in STORIES[key].bundle["entry"]
            if e["resource"].get("id") == STORIES[key].patient_id
        )
        for name in patient["name"]:
            assert name["family"] not in json.dumps(card)


def test_every_detail_shows_basis_rule_responsibility_and_intended_use(cards: Cards) -> None:
    for key, drug, card in cards:
        for said in ("Rule ", "basis: ", "Decision and responsibility: prescriber", "prescribers"):
            assert said in card["detail"], (key, drug, said)


def test_where_a_drug_is_spoken_of_its_status_is_told(cards: Cards) -> None:
    for key, drug, card in cards:
        if drug == "clomiphene":
            assert "Off-label in men" in card["detail"], key


@pytest.mark.clause("A9.6")
@pytest.mark.clause("A10.1")
@pytest.mark.clause("A10.2")
def test_suggestions_can_be_answered_and_none_is_preferred(cards: Cards) -> None:
    for _, _, card in cards:
        assert ("selectionBehavior" in card) is ("suggestions" in card)
        assert card.get("selectionBehavior", "any") in ("any", "at-most-one")
        for suggestion in card.get("suggestions", ()):
            assert suggestion["label"]
            assert str(UUID(suggestion["uuid"])) == suggestion["uuid"]
            assert "isRecommended" not in suggestion


@pytest.mark.clause("A10.5")
@pytest.mark.clause("A10.6")
@pytest.mark.clause("A10.8")
@pytest.mark.clause("Z6")
def test_actions_are_whole_and_their_resources_valid_r4(cards: Cards) -> None:
    seen: set[str] = set()
    for key, _, card in cards:
        for suggestion in card.get("suggestions", ()):
            for action in suggestion["actions"]:
                assert action["description"]
                seen.add(action["type"])
                if action["type"] == "delete":
                    assert re.fullmatch(r"[A-Za-z]+/\S+", action["resourceId"])
                    assert "resource" not in action
                    continue
                resource = action["resource"]
                _MODELS[resource["resourceType"]].model_validate(resource)
                assert "id" not in resource
                assert resource["status"] == "draft"
                assert resource["subject"]["reference"] == f"Patient/{STORIES[key].patient_id}"
                seen.add(resource["resourceType"])
    assert seen == {"delete", "create", "ServiceRequest", "MedicationRequest"}


@pytest.mark.clause("A10.10")
def test_nothing_is_done_without_the_clinician(opened: Door) -> None:
    for story in STORIES.values():
        answer = opened.post("hpg-patient-view", call(story, None)).get_json()
        assert set(answer) == {"cards"}


@pytest.mark.clause("A9.7")
def test_override_reasons_have_code_system_and_words(cards: Cards) -> None:
    for _, _, card in cards:
        for reason in card["overrideReasons"]:
            assert set(reason) == {"code", "system", "display"}


@pytest.mark.clause("A11.1")
@pytest.mark.clause("A11.3")
@pytest.mark.clause("A11.4")
def test_one_smart_link_opens_the_app_at_the_finding(cards: Cards) -> None:
    for _, _, card in cards:
        (link,) = card["links"]
        assert (link["type"], link["url"]) == ("smart", "http://127.0.0.1:5000/launch")
        context = json.loads(link["appContext"])
        shown = [f["id"] for f in card["extension"]["example.hpg-recalibration.findings"]]
        assert context["finding"] == shown[0]


def test_a_start_is_drafted_only_for_a_candidate(cards: Cards) -> None:
    for key, drug, card in cards:
        drafted = [
            action["resource"]
            for suggestion in card.get("suggestions", ())
            for action in suggestion["actions"]
            if action.get("resource", {}).get("resourceType") == "MedicationRequest"
        ]
        if drafted:
            assert STORIES[key].expected["status"] == "candidate", (key, drug)
            assert all("ff-label" in d["note"][0]["text"] for d in drafted)


def test_the_same_findings_whatever_the_order_of_the_rows(opened: Door, tmp_path: Path) -> None:
    story = STORIES["secondary-fertility"]
    body = call(story, None)
    first = opened.cards(body)
    for value in body["prefetch"].values():
        if "entry" in value:
            value["entry"].reverse()
    again = opened.cards(body)
    strip = re.compile(r'"(uuid|appContext)": ?"(\\.|[^"])*"')
    assert strip.sub("", json.dumps(first)) == strip.sub("", json.dumps(again))
