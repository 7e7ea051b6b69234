"""Clinical rules 3: is testosterone low? Every band, every profile, both sides of every line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from men import Man, Number, knowledge, man

from smartapp.engine.low_t import LowT, judge_low_t
from smartapp.engine.samples import take_samples
from smartapp.knowledge.protocol import LowT as Rules

D = Decimal
STEP = D("0.1")


def rules(profile: str) -> Rules:
    return knowledge(profile).protocol.low_t


def judged(one: Man, profile: str = "aua") -> LowT:
    case = one.case(profile)
    return judge_low_t(case, take_samples(case))


def pair(one: Number, other: Number | None = None, age: int | None = 35) -> Man:
    return man(age).testosterone(one, -30).testosterone(one if other is None else other, -60)


def test_no_sample_and_only_invalid_ones() -> None:
    assert judged(man()).reason == "none"
    invalid = judged(man().testosterone(210, clock="not-morning"))
    assert (invalid.answer, invalid.reason, invalid.confirm) == (
        "unknown", "only-invalid", "invalid",
    )  # fmt: skip


def test_one_sample_asks_for_a_second_up_to_the_line() -> None:
    top = rules("aua").single_top
    at = judged(man().testosterone(top))
    assert (at.answer, at.confirm) == ("unknown", "single")
    assert judged(man().testosterone(top + STEP)).answer == "not-low"


@pytest.mark.parametrize("shbg", [None, 30, 10])
def test_clearly_low_needs_no_shbg(shbg: int | None) -> None:
    one = pair(rules("aua").clearly_low - STEP)
    assert judged(one if shbg is None else one.shbg(shbg)).answer == "low"


def test_the_bands_are_half_open() -> None:
    low = rules("aua")
    # 230.7 itself belongs to the band that SHBG decides.
    assert judged(pair(low.clearly_low).shbg(30)).reason == "low"
    assert judged(pair(low.low_if_shbg_normal - STEP).shbg(30)).reason == "low"
    assert judged(pair(low.low_if_shbg_normal).shbg(30)).reason in ("low-free-t", "free-t-normal")
    assert judged(pair(low.free_t_top).shbg(60)).reason == "low-free-t"
    assert judged(pair(low.free_t_top + STEP).shbg(60)).answer == "not-low"


@pytest.mark.parametrize(
    ("shbg", "answer", "reason"),
    [
        (18, "low", "low"),
        ("17.9", "not-low", "free-t-normal"),
        (54, "low", "low"),
        ("54.1", "low", "low-free-t"),
    ],
)
def test_altered_shbg_sends_the_middle_band_to_free_testosterone(
    shbg: Number, answer: str, reason: str
) -> None:
    found = judged(pair(290).shbg(shbg))
    assert (found.answer, found.reason) == (answer, reason)


def test_older_men_may_have_more_shbg() -> None:
    assert judged(pair(290, age=49).shbg(60)).reason == "low-free-t"
    assert judged(pair(290, age=50).shbg(60)).reason == "low"
    assert judged(pair(290, age=50).shbg("76.1")).reason == "low-free-t"


def test_shbg_outside_an_accepted_laboratory_range_is_altered() -> None:
    assert judged(pair(290).shbg(20, lab_range=(22, 60))).reason == "free-t-normal"


def test_shbg_unknown_is_normal_only_without_a_risk() -> None:
    assert judged(pair(290)).answer == "low"
    for risky in (
        pair(290, age=65),
        pair(290, age=None),
        pair(290).lab("bmi", 30),
        pair(290).problem("obesity"),
        pair(290).problem("type-2-diabetes"),
        pair(290).problem("hiv"),
        pair(290).drug("glucocorticoid"),
        pair(290).drug("enzyme-inducer"),
        pair(290).gap("Condition"),
        pair(290).unusable("shbg"),
    ):
        found = judged(risky)
        assert (found.answer, found.reason, found.lacks) == ("unknown", "shbg-at-risk", "shbg")
    assert judged(pair(290).lab("bmi", "29.9")).answer == "low"
    assert judged(pair(290).problem("obesity", active=False)).answer == "low"


def test_without_shbg_the_upper_band_stays_open() -> None:
    found = judged(pair(320))
    assert (found.answer, found.reason) == ("unknown", "free-t-needed")


def test_measured_albumin_counts_only_near_the_sample() -> None:
    near = judged(pair(320).shbg(40).lab("albumin", "3.0", -30)).free_t
    far = judged(pair(320).shbg(40).lab("albumin", "3.0", -300)).free_t
    default = judged(pair(320).shbg(40)).free_t
    assert near is not None
    assert far is not None
    assert far == default
    assert near > far


# -- Straddling the line


def test_straddling_is_settled_by_low_free_testosterone() -> None:
    assert judged(pair(290, 310).shbg(60)).reason == "low-free-t"
    found = judged(pair(290, 310).shbg(20))
    assert (found.answer, found.confirm) == ("unknown", "discordant")
    # Above the upper line free testosterone is not asked.
    assert judged(pair(290, 350).shbg(60)).confirm == "discordant"


def test_straddling_is_settled_by_a_third_sample() -> None:
    assert judged(pair(290, 350).testosterone(280, -90)).answer == "low"
    assert judged(pair(290, 350).testosterone(360, -90)).answer == "not-low"
    # The pair that agrees goes through the table like any other.
    assert judged(pair(290, 350).testosterone(310, -90)).reason == "free-t-needed"


# -- Censored


def test_censored_samples_count_where_the_whole_interval_does() -> None:
    both = man().testosterone(20, -30, comparator="<").testosterone(20, -60, comparator="<")
    assert judged(both).answer == "low"
    assert judged(both).mean is None
    open_ = man().testosterone(400, -30, comparator="<").testosterone(210, -60)
    assert judged(open_).reason == "censored"
    high = man().testosterone(1500, -30, comparator=">").testosterone(600, -60)
    assert judged(high).answer == "not-low"


def test_no_free_testosterone_from_a_censored_value() -> None:
    assert judged(pair(320).shbg(100, comparator=">")).reason == "free-t-needed"


def test_the_newest_result_withheld_makes_the_rule_abstain() -> None:
    assert judged(pair(210).unusable("testosterone")).reason == "withheld"


# -- Profiles


def test_es_needs_both_below() -> None:
    low = rules("es").clearly_low
    assert judged(pair(low - STEP).shbg(30), "es").reason == "clearly-low"
    assert judged(pair(low - 20, low + STEP).shbg(18), "es").reason == "free-t-normal"
    assert judged(pair(rules("es").free_t_top).shbg(120), "es").answer == "low"
    assert judged(pair(rules("es").free_t_top + STEP).shbg(30), "es").answer == "not-low"


def test_es_asks_free_testosterone_whenever_shbg_is_altered() -> None:
    assert judged(pair(450).shbg(120), "es").reason == "low-free-t"
    assert judged(pair(450).shbg(120), "aua").reason == "not-low"


def test_an_altered_shbg_counts_only_while_a_valid_sample_goes_with_it() -> None:
    """It goes with the third sample alone: without that it is unknown, and no risk on record."""
    one = man().testosterone("721.4", -23, comparator=">").testosterone(372, -29).shbg("17.9", -326)
    assert judged(one, "es").reason == "not-low"
    assert judged(one.testosterone(587, -285), "es").reason == "free-t-needed"


def test_es_takes_the_laboratorys_limit_of_free_testosterone() -> None:
    one = pair(300).shbg(30)  # about 216 pmol/L
    assert judged(one, "es").answer == "low"
    one.lab("free-testosterone", 200, lab_range=(170, 700))
    assert judged(one, "es").answer == "not-low"
    assert judged(one, "aua").answer == "low"


def test_eau_and_bssm_send_everything_from_8_to_12_nmol_to_free_testosterone() -> None:
    for profile in ("eau", "bssm"):
        low = rules(profile)
        assert judged(pair(low.clearly_low - STEP), profile).answer == "low"
        assert judged(pair(low.clearly_low).shbg(12), profile).reason == "free-t-normal"
        assert judged(pair(low.clearly_low).shbg(60), profile).reason == "low-free-t"
        assert judged(pair(low.free_t_top + STEP).shbg(60), profile).answer == "not-low"


def test_bssm_looks_higher_with_diabetes_and_calls_that_the_specialists() -> None:
    high = rules("bssm").free_t_top_diabetes
    found = judged(pair(high).shbg(100).problem("type-2-diabetes"), "bssm")
    assert (found.answer, found.borderline) == ("low", True)
    assert judged(pair(high).shbg(100).problem("prediabetes"), "bssm").answer == "low"
    assert judged(pair(high).shbg(100), "bssm").answer == "not-low"
    above = pair(high + STEP).shbg(100).problem("prediabetes")
    assert judged(above, "bssm").answer == "not-low"
    assert judged(pair(high).shbg(100).gap("Condition"), "bssm").reason == "problems-unread"


def test_the_cuts_of_free_testosterone_differ() -> None:
    one = pair(300).shbg("28.6")  # between 220 and 225 pmol/L
    free_t = judged(one).free_t
    assert free_t is not None
    assert rules("aua").free_t_cut < free_t < rules("bssm").free_t_cut
    assert judged(one, "aua").answer == "not-low"
    assert judged(one, "bssm").answer == "low"


@pytest.mark.parametrize(
    ("value", "method", "said"),
    [
        (100, "dialysis", "they disagree"),
        (400, "dialysis", "same side"),
        (100, "analogue", "not comparable"),
        (100, None, "not comparable"),
    ],
)
def test_a_measured_free_testosterone_is_compared_and_decides_nothing(
    value: int, method: str | None, said: str
) -> None:
    plain = pair(290).shbg(10)
    one = pair(290).shbg(10).lab("free-testosterone", value, -30, method=method)
    assert judged(one).answer == judged(plain).answer == "not-low"
    (shown,) = (e for e in judged(one).evidence if e.role == "compared")
    assert said in (shown.note or "")


def figures(one: Man) -> dict[str, Decimal]:
    """What was calculated, by analyte."""
    shown = (e for e in judged(one).evidence if e.role == "calculated")
    return {e.analyte or "": e.value or D(0) for e in shown}


def test_bioavailable_testosterone_stands_beside_the_free_one() -> None:
    """Their ratio is that of the worked rows with the same albumin (evidence 2.2)."""
    one = pair(310).shbg(30).lab("albumin", "4.3", -30)
    assert set(figures(one)) == {"free-testosterone", "bioavailable-testosterone"}
    ratio = figures(one)["bioavailable-testosterone"] / figures(one)["free-testosterone"]
    assert abs(ratio - D("146.16") / D("216.24")) < D("0.001"), "N, by the albumin alone"


def test_the_albumin_that_was_used_is_evidence_and_a_default_is_said() -> None:
    measured = judged(pair(320).shbg(40).lab("albumin", "3.0", -30)).evidence
    assert [e.value for e in measured if e.analyte == "albumin"] == [Decimal("3.0")]
    assumed = judged(pair(320).shbg(40).lab("albumin", "3.0", -300)).evidence
    assert not [e for e in assumed if e.analyte == "albumin"]
    notes = [e.note or "" for e in assumed if e.role == "calculated"]
    assert len(notes) == 2
    assert all("assumed usual albumin" in note for note in notes)


@pytest.mark.parametrize(
    ("analyte", "value", "method", "said"),
    [
        ("bioavailable-testosterone", "140", None, "no more than 25 % apart"),
        ("bioavailable-testosterone", "300", None, "disagree by more than 25 %"),
        ("bioavailable-testosterone", "40", "precipitation", "disagree by more than 25 %"),
        ("bioavailable-testosterone", "300", "calculated", "calculated by the laboratory"),
        ("bioavailable-testosterone-percent", "49", None, "no more than 25 % apart"),
        ("bioavailable-testosterone-percent", "12", None, "disagree by more than 25 %"),
        ("free-testosterone", "300", "calculated", "calculated by the laboratory"),
    ],
)
def test_a_measured_bioavailable_testosterone_is_compared_and_decides_nothing(
    analyte: str, value: str, method: str | None, said: str
) -> None:
    plain = pair(310).shbg(30)
    one = pair(310).shbg(30).lab(analyte, value, -30, method=method)
    assert judged(one).answer == judged(plain).answer
    (shown,) = (e for e in judged(one).evidence if e.role == "compared")
    assert said in (shown.note or "")


def test_a_measured_limit_disagrees_only_as_far_as_it_must() -> None:
    near, far = (
        pair(310).shbg(30).lab("bioavailable-testosterone", value, -30, comparator="<")
        for value in ("200", "60")
    )
    assert "no more than" in next(
        e.note or "" for e in judged(near).evidence if e.role == "compared"
    )
    assert "disagree" in next(e.note or "" for e in judged(far).evidence if e.role == "compared")
