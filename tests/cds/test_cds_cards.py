"""Findings become cards: how many, in which order, in which words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from made import assessment, evidence, finding, option
from markdown_it import MarkdownIt

from smartapp.cds.cards import Occasion, Speaker, arrange
from smartapp.cds.discovery import SERVICES
from smartapp.cds.request import HookRequest
from smartapp.cds.suggestions import Suggestions
from smartapp.cds.words import cut, escape
from smartapp.engine.assessment import (
    Assessment,
    Finding,
    Fix,
    NotEvaluable,
    ProtocolRef,
    Recommendation,
)
from smartapp.fhir.model import Gap
from smartapp.knowledge import Knowledge, load
from smartapp.patient.record import DraftOrder

REQUEST = HookRequest(
    SERVICES[2], "h", "smith", "Practitioner/ada", "e1", (), None, None, None, {}, b"{}"
)
DRAFT = DraftOrder("MedicationRequest/d1", "clomiphene", "serm", None, True, "clomiphene 50 mg")


@pytest.fixture(scope="module")
def speaker(knowledge: Knowledge) -> Speaker:
    return Speaker(knowledge, Suggestions.compile(knowledge), "https://app.example/launch")


def said(
    speaker: Speaker,
    *findings: Finding,
    of: Assessment | None = None,
    drafts: tuple[DraftOrder, ...] = (),
    gaps: tuple[Gap, ...] = (),
) -> list[dict[str, Any]]:
    """The cards as a client reads them."""
    occasion = Occasion(of or assessment(*findings), REQUEST, drafts, gaps)
    spoken = speaker.speak(findings, occasion, str(uuid4()))
    return [msgspec.json.decode(msgspec.json.encode(s.card)) for s in spoken]


def test_findings_of_one_decision_share_a_card_led_by_the_most_severe() -> None:
    groups, left_out = arrange(
        [
            finding("precaution", "info", decision="suitability"),
            finding("contraindication", "critical", decision="suitability"),
            finding("hematocrit-high", "warning", decision="safety"),
        ]
    )
    assert [[f.code for f in g] for g in groups] == [
        ["contraindication", "precaution"],
        ["hematocrit-high"],
    ]
    assert left_out == ()


def test_of_equal_severity_what_can_be_acted_on_goes_first() -> None:
    lab = Fix("order-lab", "2986-8", "Testosterone")
    groups, _ = arrange([finding("a"), finding("b", fixes=(lab,))])
    assert [g[0].code for g in groups] == ["b", "a"]


def test_a_fourth_card_gives_way_and_is_named_on_the_last(speaker: Speaker) -> None:
    cards = said(speaker, *(finding(code) for code in "abc"), finding("d", "info"))
    assert len(cards) == 3
    assert "Also found, shown in the app:** d was found" in cards[2]["detail"]


def test_no_critical_finding_is_ever_dropped(speaker: Speaker) -> None:
    cards = said(speaker, *(finding(code, "critical") for code in "abcde"), finding("w"))
    assert len(cards) == 3
    shown = [f["code"] for c in cards for f in c["extension"]["example.hpg-recalibration.findings"]]
    assert sorted(shown) == list("abcde")


@pytest.mark.parametrize("length", [138, 139, 140, 141, 400])
@pytest.mark.parametrize("word", ["word ", "🧪", "x"])
@pytest.mark.clause("Z5")
@pytest.mark.clause("A9.2")
def test_a_summary_has_at_most_139_code_points(speaker: Speaker, length: int, word: str) -> None:
    text = (word * length)[:length]
    summary = said(speaker, finding(summary=text))[0]["summary"]
    assert 0 < len(summary) <= 139
    assert summary == text.strip() or summary.endswith("…")


def test_a_long_summary_is_cut_between_words() -> None:
    text = "testosterone " * 20
    assert cut(text).removesuffix("…").split() == ["testosterone"] * 10


def test_a_card_of_several_findings_says_how_many_and_stays_short(speaker: Speaker) -> None:
    long = "a very long summary indeed " * 9
    card = said(
        speaker, finding("a", summary=long, decision="d"), finding("b", "info", decision="d")
    )[0]
    assert card["summary"].endswith(" (+1 more)")
    assert len(card["summary"]) <= 139


@pytest.mark.parametrize(
    ("value", "unit", "sent", "told"),
    [
        ("3.1", "IU/L", "3.10 [IU]/L", "Total testosterone 3.10 IU/L ("),
        ("300", "ng/dL", "300 NG/DL", "Total testosterone 300 NG/DL ("),
        ("3.1", "IU/L", "< 3.1 [IU]/L", "Total testosterone &lt; 3.1 IU/L ("),
        ("3.1", "IU/L", "3.1 m[IU]/mL", "Total testosterone 3.1 IU/L, sent as 3.1 mIU/mL ("),
        ("12", "10*6/mL", "12 million/mL", "Total testosterone 12 million/mL ("),
        ("300", "ng/dL", "300", "Total testosterone 300 ng/dL, sent as 300 ("),
        ("90.4", "pg/mL", None, "Total testosterone 90.4 pg/mL ("),
    ],
)
def test_what_was_sent_is_said_only_where_its_unit_was_another(
    speaker: Speaker, value: str, unit: str, sent: str | None, told: str
) -> None:
    used = evidence(value=Decimal(value), unit=unit, original=sent)
    text = said(speaker, finding(evidence=(used,)))[0]["detail"].replace("\\", "")
    assert told in text


def test_the_detail_shows_values_rule_basis_and_whose_decision_it_is(speaker: Speaker) -> None:
    text = said(speaker, finding(agent="clomiphene"))[0]["detail"]
    assert "Total testosterone 181.7 ng/dL, sent as 6.30 nmol/L (2026-11-01 08:10+00:00)" in text
    assert (
        "Rule R-TEST-01; basis: guideline: [A guideline 2018](https://guideline.example/2018)"
        in text
    )
    assert "clomiphene: Off-label in men" in text
    assert "Decision and responsibility: prescriber" in text
    assert "Not for emergencies" in text
    assert "Protocol aua, version 2026.11" in text


def test_a_value_sent_in_our_unit_keeps_its_digits(speaker: Speaker) -> None:
    given = evidence(original="182.00 ng/dL")
    text = said(speaker, finding(evidence=(given,)))[0]["detail"]
    assert "Total testosterone 182.00 ng/dL (" in text


def test_what_is_missing_is_named(speaker: Speaker) -> None:
    untold = NotEvaluable("R-1", "a", "FSH was not measured.", "Measure FSH.")
    of = assessment(not_evaluable=(untold,))
    gaps = (Gap("allergies", "failed", "the server refused"),)
    text = said(speaker, finding("a"), of=of, gaps=gaps)[0]["detail"]
    assert "FSH was not measured. What would settle it: Measure FSH." in text
    assert "allergies: could not be read (the server refused)" in text


HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=y> [click](javascript:z) `code` **b** "
    "http://evil.example www.evil.example &lt; | a\n# heading\n- item"
)


@pytest.mark.clause("Z5")
@pytest.mark.clause("A9.3")
def test_text_of_the_ehr_stays_text(speaker: Speaker) -> None:
    cards = said(
        speaker,
        finding(summary=HOSTILE, detail=HOSTILE, evidence=(evidence(note=HOSTILE),)),
        gaps=(Gap(HOSTILE, "failed", HOSTILE),),
    )
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(cards[0]["detail"])
    flat = [t for token in tokens for t in (token, *(token.children or ()))]
    assert not [t for t in flat if t.type.startswith("html")]
    links = {t.attrGet("href") for t in flat if t.type == "link_open"}
    assert links == {"https://guideline.example/2018"}
    assert not [t for t in flat if t.type in ("heading_open", "code_inline", "table_open")]


def test_escaped_text_reads_as_it_was_written() -> None:
    said_ = "LH < 0.5 & T *low* [see] _x_ #1"
    rendered = MarkdownIt().renderInline(escape(said_))
    assert rendered == "LH &lt; 0.5 &amp; T *low* [see] _x_ #1"


def test_every_card_and_suggestion_can_be_answered(speaker: Speaker) -> None:
    lab = Fix("order-lab", "2986-8", "Testosterone")
    cards = said(speaker, *(finding(c, "warning", fixes=(lab,)) for c in "abc"))
    ids = [c["uuid"] for c in cards] + [s["uuid"] for c in cards for s in c["suggestions"]]
    assert len(set(ids)) == 6
    assert all(str(UUID(id_)) == id_ for id_ in ids)
    assert all(UUID(id_).version == 4 for id_ in ids)


def test_a_card_opens_the_app_at_its_finding(speaker: Speaker) -> None:
    card = said(speaker, finding("a"))[0]
    (link,) = card["links"]
    assert (link["type"], link["url"]) == ("smart", "https://app.example/launch")
    assert msgspec.json.decode(link["appContext"]) == {"finding": "id-a", "card": card["uuid"]}


# ---- suggestions


def test_missing_labs_become_one_suggestion_of_drafts(speaker: Speaker) -> None:
    fixes = (Fix("order-lab", "2986-8", "T"), Fix("order-lab", "4544-3", "Hct"))
    card = said(speaker, finding(fixes=fixes))[0]
    (offer,) = card["suggestions"]
    drafts = [action["resource"] for action in offer["actions"]]
    assert [d["code"]["coding"][0]["code"] for d in drafts] == ["2986-8", "4544-3"]
    assert {d["status"] for d in drafts} == {"draft"}
    assert drafts[0]["subject"] == {"reference": "Patient/smith"}
    assert drafts[0]["encounter"] == {"reference": "Encounter/e1"}
    assert "07:00" in drafts[0]["note"][0]["text"]
    assert "note" not in drafts[1], "hematocrit may be drawn at any hour"
    assert card["selectionBehavior"] == "any"


@pytest.mark.clause("A10.9")
def test_a_draft_is_removed_by_its_reference_only_if_it_was_sent(speaker: Speaker) -> None:
    fix = Fix("remove-order", "MedicationRequest/d1", "Remove the draft of clomiphene")
    card = said(speaker, finding(fixes=(fix,)), drafts=(DRAFT,))[0]
    (action,) = card["suggestions"][0]["actions"]
    assert action == {
        "type": "delete",
        "description": "Remove the draft of clomiphene",
        "resourceId": "MedicationRequest/d1",
    }
    assert "suggestions" not in said(speaker, finding(fixes=(fix,)))[0]


def test_a_candidate_is_offered_each_published_start_and_none_is_preferred(
    speaker: Speaker, knowledge: Knowledge
) -> None:
    starts = [k for k, r in knowledge.regimens.items() if r.start and r.agent == "clomiphene"]
    advice = Recommendation("candidate", (option("clomiphene", *starts),))
    candidate = finding("recalibration-candidate", "info")
    card = said(speaker, candidate, of=assessment(candidate, recommendation=advice))[0]
    assert len(card["suggestions"]) == len(starts) >= 2
    assert card["selectionBehavior"] == "at-most-one"
    for offer in card["suggestions"]:
        assert "isRecommended" not in offer
        (action,) = offer["actions"]
        assert action["resource"]["status"] == "draft"
        assert "Off-label" in action["description"]
        assert "Off-label" in action["resource"]["note"][0]["text"]


@pytest.mark.parametrize("status", ["confirm-first", "not-suitable", "specialist", "on-therapy"])
def test_nobody_else_is_offered_a_drug(speaker: Speaker, status: Any) -> None:
    start = Fix("start-regimen", "clomiphene-25-qod", "Start")
    advice = Recommendation(status, (option("clomiphene", "clomiphene-25-qod"),))
    one = finding("recalibration-alternative", "info", fixes=(start,))
    assert "suggestions" not in said(speaker, one, of=assessment(one, recommendation=advice))[0]


def test_an_agent_that_is_not_eligible_is_never_drafted(speaker: Speaker) -> None:
    start = Fix("start-regimen", "clomiphene-25-qod", "Start")
    blocked = option("clomiphene", "clomiphene-25-qod", eligible=False)
    one = finding("recalibration-candidate", "info", fixes=(start,))
    of = assessment(one, recommendation=Recommendation("candidate", (blocked,)))
    assert "suggestions" not in said(speaker, one, of=of)[0]


def test_an_alternative_replaces_the_draft_in_one_step(speaker: Speaker) -> None:
    fixes = (
        Fix("remove-order", "MedicationRequest/d1", "Remove the draft of testosterone"),
        Fix("start-regimen", "clomiphene-25-qod", "Start"),
    )
    advice = Recommendation("candidate", (option("clomiphene", "clomiphene-25-qod"),))
    one = finding("recalibration-alternative", "info", fixes=fixes)
    card = said(speaker, one, of=assessment(one, recommendation=advice), drafts=(DRAFT,))[0]
    assert [[a["type"] for a in s["actions"]] for s in card["suggestions"]] == [
        ["delete"],
        ["delete", "create"],
    ]


def test_a_referral_is_a_draft_in_words(speaker: Speaker) -> None:
    card = said(speaker, finding(fixes=(Fix("refer", "endocrinology", "Refer to endocrinology"),)))[
        0
    ]
    (action,) = card["suggestions"][0]["actions"]
    assert action["resource"]["code"]["text"] == "Refer to endocrinology"
    assert action["description"] == "Refer to endocrinology"


def test_empty_members_are_left_out(speaker: Speaker) -> None:
    card = said(speaker, finding())[0]
    assert "suggestions" not in card
    assert "selectionBehavior" not in card
    assert all(value not in (None, "", [], {}) for value in card.values())


def test_override_reasons_are_the_seven_of_the_contract(speaker: Speaker) -> None:
    reasons = said(speaker, finding())[0]["overrideReasons"]
    assert [r["code"] for r in reasons] == [
        "benefit-exceeds-risk",
        "already-addressed",
        "patient-declines",
        "data-wrong",
        "not-applicable",
        "will-monitor",
        "specialist-plan",
    ]
    assert all(r["display"] and r["system"] for r in reasons)


def test_a_card_names_the_protocol_and_every_number_the_site_changed(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('profile = "eau"\n[hematocrit]\nwarning = 51\n[orders]\nbaseline-days = 120\n')
    ours = load(site_file=site)
    protocol = ours.protocol
    of = assessment(
        finding(),
        protocol=ProtocolRef(protocol.profile, protocol.version, protocol.overridden),
    )
    speaker = Speaker(ours, Suggestions.compile(ours), "https://app.example/launch")
    (card,) = said(speaker, finding(), of=of)
    shown = card["detail"].replace("\\", "")
    assert (
        f"Protocol eau, version {protocol.version}; changed by this site: "
        "hematocrit.warning = 51 %, orders.baseline-days = 120 days."
    ) in shown


def test_a_card_of_an_unchanged_protocol_says_so_little(speaker: Speaker) -> None:
    (card,) = said(speaker, finding())
    assert "Protocol aua, version 2026.11." in card["detail"]
    assert "changed by this site" not in card["detail"]
