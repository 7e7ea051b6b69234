"""Findings as such: identity, severity and card by occasion, order, words; and the JSON of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from men import AS_OF, Man, candidate, codes, draft, knowledge, low_man, man, named, the

from smartapp.engine import assess, to_json
from smartapp.errors import InputError

SEVERE: Callable[[], Man] = lambda: low_man().without("lh").lh(30)  # noqa: E731


# -- identity


def test_the_id_is_the_same_on_card_dashboard_and_feedback() -> None:
    view = the(SEVERE().judged(), "severe-primary-failure")
    order = the(SEVERE().judged("clomiphene"), "severe-primary-failure")
    newer = the(SEVERE().lh(33, -2).judged(), "severe-primary-failure")
    assert view.id == order.id == newer.id
    assert view.fingerprint == order.fingerprint != newer.fingerprint


def test_the_id_tells_patients_issuers_and_states_apart() -> None:
    def identity(one: Man, issuer: str = "https://ehr.example/fhir") -> str:
        found = assess(one.record(issuer), knowledge(), AS_OF)
        return the(found, "severe-primary-failure").id

    ids = {
        identity(SEVERE()),
        identity(named(SEVERE(), "Patient/other")),
        identity(SEVERE(), "https://other.example/fhir"),
    }
    assert len(ids) == 3
    both = low_man(45).judged("clomiphene", "hcg").findings
    baseline = [f.id for f in both if f.code == "baseline-incomplete"]
    assert len(set(baseline)) == len(baseline) == 2


def test_nothing_of_the_patient_shows_in_an_id() -> None:
    assert set(the(SEVERE().judged(), "severe-primary-failure").id) <= set("0123456789abcdef")


# -- order


def test_the_gravest_comes_first_and_the_order_is_the_tables() -> None:
    one = low_man(45).drug("testosterone-short", -100).wishes("yes").lh("0.2", -5)
    found = one.hematocrit(55, -5).hematocrit(55, -25).judged("clomiphene", "testosterone-short")
    severities = [f.severity for f in found.findings]
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)
    ranks = [knowledge().findings[f.code].rank for f in found.findings if f.severity == "warning"]
    assert ranks == sorted(ranks)


def test_findings_of_an_order_share_its_decision() -> None:
    found = man().testosterone(210).judged("clomiphene")
    assert {f.decision for f in found.findings if f.card} == {"order:clomiphene"}


# -- every finding


STORIES: dict[str, Callable[[], Any]] = {
    "candidate": lambda: candidate().judged(),
    "candidate ordered": lambda: candidate().judged("clomiphene", "testosterone-short"),
    "wish": lambda: candidate().wishes("yes").judged("testosterone-topical"),
    "severe": lambda: SEVERE().judged("hcg"),
    "stops": lambda: candidate().problem("thrombophilia").problem("obesity").judged("clomiphene"),
    "confirm": lambda: man().testosterone(210).judged(),
    "discordant": lambda: man().testosterone(290, -30).testosterone(400, -60).judged(),
    "invalid": lambda: man().testosterone(210, clock="provisional").judged("hcg"),
    "work-up": lambda: low_man().judged("clomiphene"),
    "suppressed": lambda: low_man().without("lh").lh("0.1").judged("hcg"),
    "specialist": lambda: low_man().problem("klinefelter").judged("clomiphene"),
    "cannot": lambda: candidate().without("lh").judged("clomiphene"),
    "visual": lambda: low_man().drug("clomiphene").problem("visual-disturbance", -9).judged(),
    "clot": lambda: low_man().drug("hcg").problem("vte", -9).judged("hcg"),
    "clot symptom": lambda: low_man().drug("hcg").problem("vte-symptom", -9).judged(),
    "blood": lambda: low_man().drug("hcg").hematocrit(61, -2).judged(),
    "blood twice": lambda: low_man().drug("hcg").hematocrit(55, -2).hematocrit(55, -9).judged(),
    "duplicates": lambda: low_man().drug("testosterone-short").judged("clomiphene", "hcg"),
    "pituitary": lambda: candidate().problem("pituitary-deficiency").judged(),
    "not indicated": lambda: (
        man().testosterone(600, -30).testosterone(610, -60).lh(4).fsh(4).judged("hcg")
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_finding_stands_on_its_own(story: str) -> None:
    found = STORIES[story]()
    assert found.findings
    for finding in found.findings:
        rule = knowledge().rules[finding.rule]
        assert finding.code in rule.codes
        assert finding.basis == rule.basis
        assert finding.citations
        assert all(c.url.startswith("https://") for c in finding.citations)
        assert len(finding.summary) <= 139, finding.summary
        assert "{" not in finding.summary + finding.detail
        assert finding.evidence or finding.detail
        for word in ("must ", "cures", "cure "):
            assert word not in f"{finding.summary} {finding.detail}".lower()
        for fix in finding.fixes:
            assert fix.text
            assert fix.code


def test_the_ehrs_own_words_stay_in_the_evidence() -> None:
    hostile = "<b>ignore</b> {agents} [x](y)"
    found = candidate().problem("thrombophilia", text=hostile).judged("clomiphene")
    for finding in found.findings:
        assert hostile not in finding.summary + finding.detail
    assert any(e.note == hostile for f in found.findings for e in f.evidence)


# -- JSON


def test_the_json_has_exactly_the_members_of_the_contract() -> None:
    one = candidate().drug("opioid", -10).drug("hcg", -900, -800).unusable("estradiol")
    told = json.loads(to_json(one.problem("thrombophilia").judged()))
    assert list(told) == [
        "patient", "as_of", "protocol", "axis", "therapy", "recommendation", "findings",
        "not_evaluable", "near_misses", "due", "endpoints", "wishes", "unused",
    ]  # fmt: skip
    assert list(told["protocol"]) == ["profile", "version"]
    assert list(told["axis"]) == ["state", "reason", "evidence"]
    assert list(told["therapy"]) == ["status", "agents", "weeks"]
    assert list(told["therapy"]["agents"][0]) == [
        "agent", "start", "stop", "status", "dose", "reference",
    ]  # fmt: skip
    assert list(told["recommendation"]["options"][0]) == [
        "agent", "eligible", "regimen", "blocked_by", "cautions", "regulatory",
    ]  # fmt: skip
    assert list(told["findings"][0]) == [
        "id", "code", "severity", "summary", "detail", "rule", "basis", "citations", "evidence",
    ]  # fmt: skip
    assert list(told["axis"]["evidence"][0]) == [
        "reference", "analyte", "value", "unit", "original", "effective", "role", "note",
    ]  # fmt: skip
    assert list(told["wishes"]) == ["fertility", "endogenous", "source", "date"]
    assert list(told["unused"][0]) == ["reference", "reason"]


def test_numbers_keep_their_digits_and_dates_are_iso() -> None:
    one = low_man(t=(Decimal("210.50"), Decimal("19.00")))
    text = to_json(one.judged()).decode()
    assert '"value":210.50' in text
    assert '"value":19.00' in text
    assert '"as_of":"2026-11-22T17:00:00Z"' in text


def test_the_same_input_gives_the_same_bytes() -> None:
    assert to_json(candidate().judged()) == to_json(candidate().judged())


# -- as of


def test_as_of_needs_an_offset() -> None:
    with pytest.raises(InputError, match="offset"):
        assess(low_man().record(), knowledge(), datetime(2026, 11, 22, 9))  # noqa: DTZ001


def test_what_was_recorded_later_is_not_used() -> None:
    before = low_man()
    later = low_man().testosterone(700, -10, recorded=5).problem("thrombophilia", 3)
    later.drug("clomiphene", 2).drug("hcg", -5, recorded=4)
    later.unusable("lh", 3)
    assert codes(later.judged()) == codes(before.judged())
    assert later.judged().axis == before.judged().axis
    assert later.judged().therapy == before.judged().therapy


def test_an_end_that_lies_ahead_has_not_happened() -> None:
    one = low_man().drug("clomiphene", -100, 10, status="stopped")
    assert one.judged().axis.state == "on-therapy"
    healed = candidate().problem("vte", -20, active=False, abated=candidate().case().today)
    assert "contraindication" not in codes(healed.judged())


def test_a_result_dated_ahead_is_shown_as_unused() -> None:
    found = low_man().testosterone(700, 9, recorded=-3).judged()
    assert found.axis.state == "secondary"
    assert [u.reason for u in found.unused] == ["dated after the assessment"]


def test_a_wish_told_later_is_unknown_yet() -> None:
    one = low_man().wishes("yes")
    assert one.judged().wishes.fertility == "yes"
    one.wish = type(one.wish)("yes", source="Goal/child", date=AS_OF.date().replace(year=2027))
    assert one.judged().wishes.fertility == "unknown"


# -- the site


def test_the_site_may_allow_what_is_not_approved(tmp_path: Any) -> None:
    from smartapp.knowledge import load

    site = tmp_path / "site.toml"
    site.write_text("[options]\nallow-unapproved = true\n")
    found = candidate().judged(site=load(site_file=site))
    assert [o.agent for o in found.recommendation.options if o.eligible] == [
        "clomiphene", "enclomiphene", "hcg",
    ]  # fmt: skip
    assert found.protocol.overridden == ("options.allow-unapproved",)
    # Allowed, yet never offered as a draft.
    assert found.recommendation.options[1].regimens == ()


def test_enclomiphene_ordered_says_that_it_is_not_approved() -> None:
    found = candidate().judged("enclomiphene")
    assert any(f.rule == "R-CI-unapproved" for f in found.findings)


def test_a_draft_without_an_agent_is_ignored() -> None:
    unknown = draft("no-such-drug")
    assert unknown.agent is None
    assert not any(f.card for f in candidate().judged(unknown).findings)
