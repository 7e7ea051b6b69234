"""What a physician stumbled over: men judged or worded wrongly once, one case each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from men import (
    Man,
    candidate,
    cards,
    codes,
    day,
    knowledge,
    low_man,
    man,
    open_codes,
    the,
)


def rows_against(one: Man, agent: str, *orders: str) -> tuple[str, ...]:
    (option,) = (o for o in one.judged(*orders).recommendation.options if o.agent == agent)
    return (*option.blocked_by, *option.cautions)


def test_a_present_cancer_is_not_called_a_past_one() -> None:
    one = candidate().problem("prostate-cancer")
    assert "prostate-cancer-history" not in rows_against(one, "hcg")
    over = candidate().problem("prostate-cancer", active=False)
    assert "prostate-cancer-history" in rows_against(over, "hcg")


def test_an_allergy_to_the_drug_itself_is_no_allergy_to_a_related_one() -> None:
    one = candidate().allergy("clomiphene")
    against = rows_against(one, "clomiphene")
    assert "hypersensitivity" in against
    assert "allergy-related-serm" not in against


def test_an_lh_told_only_as_a_limit_below_its_range_asks_for_the_work_up() -> None:
    found = low_man().without("lh").lh("1.0", comparator="<").judged()
    assert found.recommendation.status == "specialist"
    assert codes(found)["axis-workup"] == "warning"


def test_nothing_more_is_asked_for_where_both_testes_are_absent() -> None:
    found = man().problem("testes-absent-both").judged()
    assert found.axis.state == "severe-primary"
    assert not found.not_evaluable


def test_low_samples_drawn_under_a_drug_of_unknown_end_are_spoken_of() -> None:
    found = low_man().drug("clomiphene", -370, status="uncertain").judged()
    assert found.axis.state == "insufficient"
    assert "cannot-assess" in cards(found)


def test_replacement_in_pituitary_deficiency_is_no_cause_to_settle_first() -> None:
    one = low_man().without("lh").lh("1.0").lab("prolactin", 8).lab("tsh", 2).lab("ferritin", 90)
    one.hematocrit(45).problem("pituitary-deficiency", -900).drug("glucocorticoid", -800)
    found = one.judged()
    assert found.recommendation.status == "candidate"
    assert rows_against(one, "hcg") == ()


@pytest.mark.parametrize("clock", ["not-morning", "provisional"])
def test_a_severe_failure_still_open_is_no_contraindication_of_its_own(clock: str) -> None:
    one = man().testosterone(210, clock=clock).hematocrit(44)
    assert "R-DX-02" in open_codes(one.judged())
    assert rows_against(one, "clomiphene") == ("confirm-first",)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (low_man(t=(346.2, 346.2)), "up to 346.1 ng/dL free testosterone decides"),
        (low_man(t=(302, 304)).without("shbg").shbg(25), "low below 300 ng/dL"),
        (low_man(t=(320, 322)).without("shbg").shbg(33), "free testosterone"),
    ],
)
def test_a_near_miss_names_what_would_have_decided(one: Man, said: str) -> None:
    found = one.judged()
    assert found.recommendation.status == "not-indicated"
    (near,) = (n for n in found.near_misses if n.rule == "R-DX-02")
    assert said in near.text


# -- the reason names what decided, and by which value


REASONS = {
    "range-and-values": (
        low_man(t=(262, 243)),
        "Testosterone is low (262 and 243 ng/dL) with LH 3.1 IU/L in its range (1.7 to 9.4)",
    ),
    "free-testosterone": (
        low_man(t=(310, 320)).without("shbg").shbg(60),
        "with SHBG 60 nmol/L calculated free testosterone is",
    ),
    "low-by-low-shbg": (
        low_man(t=(290, 295)).without("shbg").shbg(12),
        "not below 220",
    ),
    "one-sample": (
        man().testosterone(262).lh(3),
        "Only one valid morning testosterone sample (262",
    ),
    "afternoon": (man().testosterone(262, clock="not-morning"), "drawn outside 07:00 to 11:00"),
    "why-unusable": (low_man().unusable("lh"), "cannot be used (the unit is missing)"),
    "no-fsh": (low_man(t=(500, 510)).without("fsh"), "FSH is not known"),
    "severe-b": (
        low_man().without("lh").lh("29.8", lab_range=("1.7", "8.6")),
        "LH 29.8 IU/L is more than twice its upper limit 8.6",
    ),
    "severe-f": (low_man(t=(40, 45)).without("lh").lh(10), "castrate level (40 and 45 ng/dL)"),
    "primary": (low_man().without("lh").lh(12), "LH 12 IU/L above its upper limit 9.4"),
    "mixed": (low_man().without("fsh").fsh(15), "FSH 15 IU/L, not LH 3.1 IU/L"),
}


@pytest.mark.parametrize(("one", "said"), REASONS.values(), ids=REASONS)
def test_the_reason_names_the_value_that_decided(one: Man, said: str) -> None:
    assert said in one.judged().axis.reason


def test_a_stop_and_an_open_point_name_their_value() -> None:
    liver = the(candidate().without("alt").lab("alt", 200).judged(), "contraindication")
    assert "ALT 200 U/L" in liver.detail
    prolactin = the(candidate().without("prolactin").lab("prolactin", 25).judged(), "axis-workup")
    assert "prolactin above its limit and not repeated" in prolactin.summary
    assert "25 ng/mL" in prolactin.detail


def test_what_cannot_be_assessed_is_named_on_the_first_line() -> None:
    found = low_man(t=(290, 295)).without("shbg").problem("obesity").judged()
    assert the(found, "cannot-assess").summary.endswith("yet: SHBG")


def test_a_candidate_is_told_what_the_start_still_lacks() -> None:
    finding = the(candidate().without("alt").judged(), "recalibration-candidate")
    assert "Still to measure before a start: Alanine aminotransferase." in finding.detail
    assert any(fix.kind == "order-lab" for fix in finding.fixes)


def test_the_alternative_does_not_call_a_label_use_off_label() -> None:
    one = low_man().without("lh").lh("1.0").lab("prolactin", 8).hematocrit(44)
    found = one.problem("pituitary-deficiency", -900).judged("testosterone-short")
    alternative = the(found, "recalibration-alternative")
    assert "off-label" not in alternative.detail
    assert "labelled" in alternative.detail


def test_the_default_range_is_told_with_its_limits() -> None:
    (lh,) = (e for e in low_man().judged().axis.evidence if e.analyte == "lh")
    assert "default range 1.7 to 9.4" in str(lh.note)


@pytest.mark.parametrize("value", [52, 54, 60])
def test_a_hematocrit_on_therapy_stands_in_the_summary(value: int) -> None:
    found = candidate().without("hematocrit").drug("clomiphene", -200).hematocrit(value).judged()
    assert f"Hematocrit {value} %" in the(found, "hematocrit-high").summary


def test_a_draw_that_does_not_count_says_why_in_words() -> None:
    found = man().testosterone(262, clock="not-morning").judged()
    (draw,) = the(found, "confirm-testosterone").evidence
    assert draw.note == "drawn outside 07:00 to 11:00"


# -- one matter, one finding


@pytest.mark.parametrize("orders", [(), ("clomiphene",), ("hcg",), ("testosterone-short",)])
def test_a_clot_on_therapy_is_told_once_with_the_evidence_of_both(orders: tuple[str, ...]) -> None:
    found = candidate().drug("clomiphene", -200).problem("vte", -20).judged(*orders)
    event = the(found, "thromboembolism")
    assert event.severity == "critical"
    assert "contraindication" not in codes(found)
    assert "also an absolute contraindication for" in event.detail
    row = knowledge().rules["R-CI-vte-recent"]
    assert {s.url for s in row.sources} <= {c.url for c in event.citations}


def test_a_recent_clot_in_an_untreated_man_is_a_reason_against_what_is_ordered() -> None:
    found = candidate().problem("vte", -20).judged("clomiphene")
    assert codes(found)["contraindication"] == "critical"
    assert "thromboembolism" not in codes(found)


def test_a_clot_from_before_the_drug_is_no_event_under_it() -> None:
    one = candidate().drug("clomiphene", -20).problem("vte", -30)
    assert codes(one.judged()) == {"contraindication": "critical"}
    swollen = codes(one.problem("vte-symptom", -2).judged())
    assert swollen["contraindication"] == "critical"
    assert swollen["thromboembolism"] == "warning"


# -- unknown is not normal


@pytest.mark.parametrize("drug", [None, "levothyroxine"])
def test_an_underactive_thyroid_without_a_tsh_is_not_taken_for_controlled(
    drug: str | None,
) -> None:
    one = candidate().without("tsh").problem("hypothyroidism")
    if drug is not None:
        one.drug(drug, -400)
    found = one.judged()
    clomiphene, _, hcg = found.recommendation.options
    assert not clomiphene.eligible
    assert "not-excluded" in clomiphene.blocked_by
    assert hcg.eligible  # its label speaks of it as a precaution only
    (open_row,) = (n for n in found.not_evaluable if n.rule == "R-CI-thyroid-adrenal")
    assert [fix.code for fix in open_row.fixes] == ["3016-3"]
    assert one.lab("tsh", 2).judged().recommendation.options[0].eligible


def test_a_row_that_could_not_be_judged_names_the_test_that_would_tell() -> None:
    found = candidate().unusable("alt", -3).judged("clomiphene")
    (open_row,) = (n for n in found.not_evaluable if n.rule == "R-CI-liver-tests-stop")
    assert "repeat" in open_row.fix
    assert [fix.code for fix in open_row.fixes] == ["1742-6"]


@pytest.mark.parametrize("row", ["psa-unreviewed", "eye-before-serm"])
def test_a_row_for_the_specialist_offers_the_referral(row: str) -> None:
    one = candidate()
    one.lab("psa", "4.1", -20) if row == "psa-unreviewed" else one.problem("visual-disturbance")
    found = one.judged("clomiphene")
    (finding,) = (f for f in found.findings if f.rule == f"R-CI-{row}")
    assert any(fix.kind == "refer" for fix in finding.fixes)


def test_two_orders_without_an_end_count_from_the_later_one() -> None:
    one = low_man().drug("clomiphene", -430, status="uncertain")
    one.episodes[0] = replace(one.episodes[0], known=day(-100))
    assert one.judged().axis.state == "indeterminate"
    assert "may still act" in one.judged().axis.reason


# -- what an answer waits for


SHBG_RISKS = {
    "a diagnosis": (low_man(t=(240, 250)).problem("obesity"), "obesity may alter it"),
    "the BMI": (low_man(t=(240, 250)).lab("bmi", 34), "a BMI of 34 kg/m2 may alter it"),
    "a drug": (
        low_man(t=(240, 250)).drug("glucocorticoid", -20),
        "systemic glucocorticoid, taken now, may alter it",
    ),
    "his age": (low_man(70, (240, 250)), "his age may alter it"),
}


@pytest.mark.parametrize(("one", "said"), SHBG_RISKS.values(), ids=SHBG_RISKS)
def test_what_may_alter_an_unknown_shbg_is_named(one: Man, said: str) -> None:
    found = one.without("shbg").judged()
    assert said in found.axis.reason
    assert said in the(found, "cannot-assess").detail
    assert said in found.recommendation.reasons[0].text


def test_an_answer_that_waits_says_for_what_and_what_would_settle_it() -> None:
    one = low_man().lab("prolactin", 25).problem("opioid-use")
    found = one.judged()
    assert found.recommendation.status == "confirm-first"
    told = {why.key: why for why in found.recommendation.reasons}
    assert set(told) == {"symptoms-unknown", "prolactin-once", "opioid-chronic"}
    assert "25 ng/mL" in told["prolactin-once"].text
    assert "Prolactin" in told["prolactin-once"].fix
    assert "cause" in told["opioid-chronic"].fix
    assert told["symptoms-unknown"].text in the(found, "cannot-assess").detail
    said = the(found, "axis-workup").detail
    assert told["prolactin-once"].text.removesuffix(".").lower() in said.lower()


@pytest.mark.parametrize(
    "one",
    [candidate(), candidate().drug("clomiphene"), man().testosterone(600).testosterone(610, -60)],
)
def test_an_answer_that_waits_for_nothing_gives_no_reasons(one: Man) -> None:
    found = one.lh(4, -30).fsh(4, -30).judged()
    assert found.recommendation.status not in ("confirm-first", "cannot-assess")
    assert found.recommendation.reasons == ()


def test_every_key_of_an_option_has_its_words_beside_it() -> None:
    one = candidate().problem("thrombophilia").problem("obesity").unusable("alt", -3)
    for option in one.judged().recommendation.options:
        assert len(option.blocked_by) == len(option.blocked_words)
        assert len(option.cautions) == len(option.caution_words)
        assert not {*option.blocked_by} & {*option.blocked_words}
    clomiphene = one.judged().recommendation.options[0]
    assert "could not be excluded: liver tests far above their limit" in clomiphene.blocked_words
