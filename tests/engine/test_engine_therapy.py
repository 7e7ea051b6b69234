"""Drugs taken and ordered: hematocrit, eyes, clots, suppression, duplicates, wish, baseline."""

from __future__ import annotations

from decimal import Decimal

import pytest
from men import Man, candidate, cards, codes, draft, knowledge, low_man, man, the

HCT = knowledge().protocol.hematocrit
ORDERS = knowledge().protocol.orders
VTE_DAYS = knowledge().protocol.contraindications.vte_days
TINY = Decimal("0.1")


def treated(agent: str = "clomiphene", start: int = -200) -> Man:
    """A man with a whole baseline before the drug, and a quiet course on it."""
    one = man().testosterone(210, start - 10).testosterone(220, start - 40)
    one.lh(3, start - 10).fsh(4, start - 10).lab("prolactin", 8, start - 10)
    one.hematocrit(45, start - 10).lab("alt", 25, start - 10)
    return one.drug(agent, start).testosterone(520, -20)


def test_a_quiet_course_says_nothing() -> None:
    found = treated().judged()
    assert codes(found) == {}
    assert found.recommendation.status == "on-therapy"


# -- A-HCT


def test_hematocrit_warns_and_stops() -> None:
    def at(*values: tuple[Decimal, int]) -> dict[str, str]:
        one = treated()
        for value, offset in values:
            one.hematocrit(value, offset)
        return codes(one.judged())

    w, s = HCT.warning, HCT.stop
    assert "hematocrit-high" not in at((w - 5, -5))
    assert at((w, -5)) == {"hematocrit-high": "warning"}
    assert at((s, -5)) == {"hematocrit-high": "warning"}
    assert at((s, -5), (s, -5 - HCT.confirm_min)) == {"hematocrit-high": "critical"}
    assert at((s, -5), (s, -5 - HCT.confirm_min + 1)) == {"hematocrit-high": "warning"}
    assert at((s, -5), (s, -5 - HCT.confirm_max)) == {"hematocrit-high": "critical"}
    assert at((s, -5), (s, -5 - HCT.confirm_max - 1)) == {"hematocrit-high": "warning"}
    assert at((s - TINY, -5), (s, -25)) == {"hematocrit-high": "warning"}
    assert at((HCT.single_stop, -5)) == {"hematocrit-high": "critical"}
    assert at((HCT.single_stop - TINY, -5)) == {"hematocrit-high": "warning"}
    # Come down again: over.
    assert at((Decimal(45), -5), (s, -25), (s, -45)) == {}


def test_a_later_higher_hematocrit_never_lowers_the_severity() -> None:
    one = treated().hematocrit(55, -190).hematocrit(55, -160)
    assert codes(one.judged())["hematocrit-high"] == "critical"
    assert codes(one.hematocrit(56, -2).judged())["hematocrit-high"] == "critical"


def test_a_rise_counts_beyond_the_noise_only_and_stays_on_the_dashboard() -> None:
    def risen(to: Decimal) -> Man:
        return treated().hematocrit(to, -5)

    noise = 45 * HCT.rcv / 100
    found = risen(45 + noise + TINY).judged()
    assert codes(found) == {"hematocrit-high": "info"}
    assert cards(found) == set()
    assert codes(risen(45 + noise - TINY).judged()) == {}


def test_hematocrit_is_not_judged_off_treatment_nor_on_a_withheld_result() -> None:
    assert "hematocrit-high" not in codes(low_man().hematocrit(56, -5).judged())
    one = treated().hematocrit(56, -15).unusable("hematocrit", -5)
    found = one.judged()
    assert "hematocrit-high" not in codes(found)
    assert any(n.rule == "A-HCT" for n in found.not_evaluable)
    assert codes(found) == {"cannot-assess": "info"}


def test_hematocrit_near_the_line_is_a_near_miss() -> None:
    found = treated().without("hematocrit").hematocrit("51.4", -5).judged()
    (near,) = found.near_misses
    assert near.text == "Hematocrit 51.4 %, warns from 52 %."


# -- A-VIS


def test_visual_symptoms_on_a_serm() -> None:
    found = treated().problem("visual-disturbance", -30).judged()
    assert codes(found) == {"visual-symptoms": "critical"}
    assert "absolute contraindication for clomiphene" in the(found, "visual-symptoms").detail
    assert {f.decision for f in found.findings if f.severity == "critical"} == {"safety"}
    ordered = treated().problem("visual-disturbance", -30).judged("clomiphene")
    assert the(ordered, "visual-symptoms").decision == "order:clomiphene"


def test_visual_symptoms_that_no_serm_can_have_caused() -> None:
    assert "visual-symptoms" not in codes(treated().problem("visual-disturbance", -300).judged())
    assert "visual-symptoms" not in codes(
        treated("hcg").problem("visual-disturbance", -30).judged()
    )
    assert "visual-symptoms" not in codes(candidate().problem("visual-disturbance").judged())


def test_visual_symptoms_on_an_earlier_serm_forbid_the_next() -> None:
    one = candidate().drug("clomiphene", -700, -600).problem("visual-disturbance", -620)
    assert "visual-symptoms" not in codes(one.judged())
    found = the(one.judged("enclomiphene"), "contraindication")
    assert found.severity == "critical"
    assert "began on a SERM" in found.summary
    assert "ophthalmology" in {fix.code for fix in found.fixes}
    assert codes(one.judged("tamoxifen"))["visual-symptoms"] == "critical"


def test_a_visual_problem_without_a_date_on_a_serm_is_not_to_be_told() -> None:
    found = treated().problem("visual-disturbance", None).judged()
    assert "visual-symptoms" not in codes(found)
    assert any(n.rule == "A-VIS" for n in found.not_evaluable)
    assert "cannot-assess" in codes(found)


# -- A-VTE


def test_a_clot_on_therapy_is_critical() -> None:
    assert codes(treated("hcg").problem("vte", -20).judged())["thromboembolism"] == "critical"
    on_t = low_man().drug("testosterone-short", -300)
    assert codes(on_t.problem("vte", -20).judged())["thromboembolism"] == "critical"
    assert "thromboembolism" not in codes(treated("hcg").problem("vte", -20, active=False).judged())
    old = treated("hcg", -400).problem("vte", -VTE_DAYS - 1)
    assert "thromboembolism" not in codes(old.judged())
    assert "thromboembolism" not in codes(candidate().problem("vte", -20).judged())
    ordered = candidate().problem("vte", -20).judged("testosterone-short")
    assert the(ordered, "thromboembolism").severity == "critical"


def test_a_symptom_of_a_clot_warns_while_it_is_new() -> None:
    days = knowledge().protocol.safety.vte_symptom
    assert codes(treated().problem("vte-symptom", -days).judged()) == {"thromboembolism": "warning"}
    assert codes(treated().problem("vte-symptom", -days - 1).judged()) == {}
    assert "thromboembolism" not in codes(candidate().problem("vte-symptom", -2).judged())


# -- suppressed-axis


def test_an_unexplained_suppression() -> None:
    found = candidate().without("lh").lh("0.2").judged()
    finding = the(found, "suppressed-axis")
    assert (found.axis.state, finding.severity) == ("suppressed", "warning")
    assert "specialist-review" not in codes(found)


@pytest.mark.parametrize("agent", ["testosterone-short", "anabolic-steroid", "gnrh-analogue"])
def test_suppression_under_a_drug(agent: str) -> None:
    low = knowledge().catalogue.analytes["lh"].default_range.low
    assert low is not None
    one = man().drug(agent, -200)
    assert codes(one.lh(low - TINY, -20).judged()) == {"suppressed-axis": "warning"}
    assert codes(man().drug(agent, -200).lh(low, -20).judged()) == {}
    assert codes(man().drug(agent, -200).lh(low - TINY, -300).judged()) == {}


def test_low_lh_under_hcg_is_expected() -> None:
    assert "suppressed-axis" not in codes(treated("hcg").lh("0.2", -20).judged())


# -- duplicate-therapy


@pytest.mark.parametrize(
    ("taken", "ordered", "severity"),
    [
        ("clomiphene", "enclomiphene", "warning"),
        ("tamoxifen", "clomiphene", "warning"),
        ("testosterone-short", "clomiphene", "warning"),
        ("anabolic-steroid", "clomiphene", "warning"),
        ("clomiphene", "testosterone-topical", "warning"),
        ("testosterone-short", "hcg", "warning"),
        ("tamoxifen", "anastrozole", "warning"),
        ("clomiphene", "hcg", None),
        ("hcg", "anastrozole", None),
        ("clomiphene", "clomiphene", None),
        ("clomiphene", "amoxicillin", None),
    ],
)
def test_duplicates(taken: str, ordered: str, severity: str | None) -> None:
    found = low_man().drug(taken, -100).judged(ordered)
    assert codes(found).get("duplicate-therapy") == severity


def test_low_dose_hcg_beside_testosterone_is_published() -> None:
    limit = ORDERS.hcg_beside_testosterone
    one = low_man().drug("testosterone-short", -100)
    assert codes(one.judged(draft("hcg", per_week=limit)))["duplicate-therapy"] == "info"
    assert codes(one.judged(draft("hcg", per_week=limit + 1)))["duplicate-therapy"] == "warning"
    # Published: then the relative row of the matrix does not speak besides.
    assert "precaution" not in codes(one.judged(draft("hcg", per_week=limit)))


def test_duplicates_already_taken_are_said_on_view() -> None:
    one = low_man().drug("testosterone-short", -100).drug("clomiphene", -50)
    assert codes(one.judged())["duplicate-therapy"] == "warning"
    over = low_man().drug("testosterone-short", -100, -60).drug("clomiphene", -50)
    assert "duplicate-therapy" not in codes(over.judged())


def test_two_drafts_of_one_call_are_seen_together() -> None:
    found = low_man().judged("clomiphene", draft("testosterone-short", in_focus=False))
    assert codes(found)["duplicate-therapy"] == "warning"


# -- testosterone and fertility


def test_testosterone_with_a_wish_for_a_child() -> None:
    one = low_man().drug("testosterone-short", -100).wishes("yes")
    finding = the(one.judged(), "testosterone-fertility")
    assert finding.severity == "warning"
    assert "infertil" in finding.detail or "sperm" in finding.detail
    assert codes(low_man().wishes("yes").judged("testosterone-topical"))[
        "testosterone-fertility"
    ] == ("critical")
    for wish in ("no", "unknown"):
        assert "testosterone-fertility" not in codes(
            low_man().wishes(wish).judged("testosterone-topical")
        )


def test_recalibration_as_an_alternative() -> None:
    def said(one: Man) -> str | None:
        found = one.judged("testosterone-short")
        if "recalibration-alternative" not in codes(found):
            return None
        finding = the(found, "recalibration-alternative")
        assert (finding.severity, finding.card) == ("info", True)
        return finding.summary

    assert "child" in (said(candidate()) or "")
    assert "child" not in (said(candidate(ORDERS.wish_age)) or "child")
    assert said(candidate().wishes("yes")) is not None
    assert said(low_man()) is None


# -- not-indicated


@pytest.mark.parametrize(("lh", "fsh"), [(4, 4), (12, 4), (4, 20)])
def test_not_indicated(lh: int, fsh: int) -> None:
    one = man().testosterone(600, -30).testosterone(620, -60).lh(lh).fsh(fsh)
    assert codes(one.judged()) == {}
    assert codes(one.judged("clomiphene"))["not-indicated"] == "warning"
    assert "not-indicated" not in codes(one.judged("anastrozole"))
    before = man().testosterone(600, -130).testosterone(620, -160).lh(lh, -130).fsh(fsh, -130)
    assert codes(before.drug("hcg", -100).judged())["not-indicated"] == "warning"


# -- baseline


BASELINE = ("testosterone", "lh", "fsh", "prolactin", "hematocrit", "alt")


def test_a_whole_baseline() -> None:
    assert "baseline-incomplete" not in codes(candidate().judged("clomiphene"))


@pytest.mark.parametrize("analyte", BASELINE)
def test_a_missing_baseline_warns_at_the_order(analyte: str) -> None:
    finding = the(candidate().without(analyte).judged("clomiphene"), "baseline-incomplete")
    assert finding.severity == "warning"
    assert knowledge().catalogue.analytes[analyte].name in finding.detail
    assert any(f.kind == "order-lab" for f in finding.fixes)


def test_the_baseline_is_as_old_as_the_protocol_allows() -> None:
    days = ORDERS.baseline_days
    on_time = candidate().without("hematocrit").hematocrit(45, -days)
    assert "baseline-incomplete" not in codes(on_time.judged("hcg"))
    late = candidate().without("hematocrit").hematocrit(45, -days - 1)
    assert "baseline-incomplete" in codes(late.judged("hcg"))


def test_what_the_baseline_depends_on() -> None:
    assert "baseline-incomplete" not in codes(candidate().without("alt").judged("hcg"))
    assert "baseline-incomplete" not in codes(
        candidate().without("alt").lab("ast", 20).judged("clomiphene")
    )
    older = candidate(ORDERS.psa_age).without("psa")
    assert "baseline-incomplete" in codes(older.judged("hcg"))
    younger = candidate(ORDERS.psa_age - 1).without("psa")
    assert "baseline-incomplete" not in codes(younger.judged("hcg"))
    assert "baseline-incomplete" in codes(candidate().judged("anastrozole"))
    assert "baseline-incomplete" not in codes(
        candidate().lab("estradiol", 30).without("alt").judged("anastrozole")
    )
    assert "baseline-incomplete" in codes(candidate().wishes("yes").judged("hcg"))


def test_a_drug_begun_without_a_baseline_shows_on_the_dashboard_only() -> None:
    found = treated().without("prolactin").judged()
    assert "baseline-incomplete" in codes(found)
    assert cards(found) == set()


# -- confirm-testosterone and orders


def test_a_single_or_invalid_sample_at_an_order() -> None:
    one = man().testosterone(210)
    assert the(one.judged(), "confirm-testosterone").severity == "info"
    for agent in ("clomiphene", "testosterone-short"):
        assert the(one.judged(agent), "confirm-testosterone").severity == "warning"


def test_high_values_at_odd_hours_make_no_card() -> None:
    def quiet(value: int) -> bool:
        one = man().testosterone(value, clock="not-morning")
        return not the(one.judged(), "confirm-testosterone").card

    assert quiet(600)
    assert not quiet(300)


def test_other_drafts_get_no_card() -> None:
    found = man().testosterone(210).judged("amoxicillin")
    assert cards(found) == set()
    unfocused = man().testosterone(210).judged(draft("clomiphene", in_focus=False))
    assert cards(unfocused) == set()


def test_no_drug_no_diagnosis_no_result_no_word() -> None:
    assert man().judged().findings == ()
    assert cards(man().judged("amoxicillin")) == set()
