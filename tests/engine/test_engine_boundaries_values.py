"""Both sides of every line a value is held against, and what is said of a value close to one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from men import Man, candidate, codes, knowledge, low_man, man, open_codes, taking, the

from smartapp.engine.assessment import Evidence
from smartapp.engine.low_t import judge_low_t, judge_shbg
from smartapp.engine.samples import take_samples
from smartapp.engine.span import show
from smartapp.knowledge import Knowledge

PROTOCOL = knowledge().protocol
ANALYTES = knowledge().catalogue.analytes
LOW_T, HCT, RESP, E2 = PROTOCOL.low_t, PROTOCOL.hematocrit, PROTOCOL.response, PROTOCOL.estradiol
SEMEN, SEVERE = PROTOCOL.semen, PROTOCOL.severe
MARGIN = PROTOCOL.options.near_miss
TINY = Decimal("0.01")
START = -200


def top(analyte: str) -> Decimal:
    high = ANALYTES[analyte].default_range.high
    assert high is not None
    return high


LH_HIGH, FSH_HIGH, PROLACTIN = top("lh"), top("fsh"), top("prolactin")
LH_STOP = LH_HIGH * SEVERE.lh_multiple


def pair(one: Decimal | int, other: Decimal | int | None = None, shbg: int | None = 20) -> Man:
    """Two mornings, the newer first; LH and FSH in range, SHBG in range (or not measured)."""
    it = man().testosterone(one, -30).testosterone(one if other is None else other, -60)
    it.lh(3).fsh(4)
    return it if shbg is None else it.shbg(shbg)


def with_lh(value: Decimal) -> Man:
    return low_man().without("lh").lh(value)


def with_prolactin(value: Decimal, one: Man) -> Man:
    return one.without("prolactin").lab("prolactin", value)


def on_drug(agent: str = "clomiphene", daily: Decimal | int = 25) -> Man:
    one = man().testosterone(210, START - 10).testosterone(220, START - 40)
    one.lh(3, START - 10).fsh(4, START - 10).hematocrit(45, START - 10)
    return one.drug(agent, START, dose=taking(daily, 7))


def hct(value: Decimal, before: Decimal | int = 45, comparator: str | None = None) -> Man:
    one = on_drug().without("hematocrit").hematocrit(before, START - 10)
    return one.hematocrit(value, -5, comparator=comparator)


def response(value: Decimal | int) -> Man:
    return on_drug().testosterone(value, -5)


def e2(value: Decimal) -> Man:
    return on_drug().lab("estradiol", value, -5)


def semen(value: Decimal, comparator: str | None = None) -> Man:
    return on_drug().lab("sperm-concentration", value, -5, comparator=comparator)


# -- near misses: from the margin up to the line itself

Near = tuple[str, str, Man, str, Decimal, bool]
NEAR: list[Near] = [
    ("testosterone on the line", "R-DX-02", pair(LOW_T.low_if_shbg_normal),
     "recalibration-candidate", LOW_T.low_if_shbg_normal, True),
    ("testosterone at the end of the margin", "R-DX-02",
     pair(LOW_T.low_if_shbg_normal * (1 + MARGIN)),
     "recalibration-candidate", LOW_T.low_if_shbg_normal, True),
    ("testosterone beyond the margin", "R-DX-02",
     pair(LOW_T.low_if_shbg_normal * (1 + MARGIN) + TINY),
     "recalibration-candidate", LOW_T.low_if_shbg_normal, False),
    ("LH on the stop", "R-ELIG-STOP-01", with_lh(LH_STOP), "severe-primary-failure", LH_STOP,
     True),
    ("LH at the margin of the stop", "R-ELIG-STOP-01", with_lh(LH_STOP * (1 - MARGIN)),
     "severe-primary-failure", LH_STOP, True),
    ("LH below that margin", "R-ELIG-STOP-01", with_lh(LH_STOP * (1 - MARGIN) - TINY),
     "severe-primary-failure", LH_STOP, False),
    ("LH on the stop, but a drug acts", "R-ELIG-STOP-01", with_lh(LH_STOP).drug("clomiphene", -10),
     "severe-primary-failure", LH_STOP, False),
    ("LH on the stop, but a drug washes out", "R-ELIG-STOP-01",
     with_lh(LH_STOP).drug("clomiphene", -20, -10), "severe-primary-failure", LH_STOP, False),
    ("prolactin on its limit, low testosterone", "R-ELIG-GATE-01",
     with_prolactin(PROLACTIN, low_man()), "axis-workup", PROLACTIN, True),
    ("prolactin on its limit, testosterone not low", "R-ELIG-GATE-01",
     with_prolactin(PROLACTIN, pair(600)), "axis-workup", PROLACTIN, False),
    ("estradiol on its limit", "A-E2", e2(E2.limit), "estradiol-high", E2.limit, True),
    ("estradiol at the margin", "A-E2", e2(E2.limit * (1 - MARGIN)), "estradiol-high", E2.limit,
     True),
    ("estradiol below the margin", "A-E2", e2(E2.limit * (1 - MARGIN) - TINY), "estradiol-high",
     E2.limit, False),
    ("sperm on the limit", "A-SEM", semen(SEMEN.concentration), "semen-decline",
     SEMEN.concentration, True),
    ("sperm at the margin", "A-SEM", semen(SEMEN.concentration * (1 + MARGIN)), "semen-decline",
     SEMEN.concentration, True),
    ("sperm beyond the margin", "A-SEM", semen(SEMEN.concentration * (1 + MARGIN) + TINY),
     "semen-decline", SEMEN.concentration, False),
    ("sperm told only as more than the limit", "A-SEM", semen(SEMEN.concentration, ">"),
     "semen-decline", SEMEN.concentration, False),
    ("hematocrit at the margin", "A-HCT", hct(HCT.warning * (1 - MARGIN), 48), "hematocrit-high",
     HCT.warning, True),
    ("hematocrit below the margin", "A-HCT", hct(HCT.warning * (1 - MARGIN) - TINY, 48),
     "hematocrit-high", HCT.warning, False),
    ("hematocrit told only as less than a value near the line", "A-HCT",
     hct(HCT.warning - 1, 48, "<"), "hematocrit-high", HCT.warning, False),
    ("response at the margin below too high", "R-RESP-01", response(RESP.over * (1 - MARGIN)),
     "response-over", RESP.over, True),
    ("response below that margin", "R-RESP-01", response(RESP.over * (1 - MARGIN) - TINY),
     "response-over", RESP.over, False),
    ("response at the margin above no response", "R-RESP-05", response(RESP.low * (1 + MARGIN)),
     "response-partial", RESP.low, True),
    ("response beyond that margin", "R-RESP-05", response(RESP.low * (1 + MARGIN) + TINY),
     "response-partial", RESP.low, False),
    ("response at the margin above the lower end", "R-RESP-02",
     response(RESP.target * (1 + MARGIN)), "response-lost", RESP.target, True),
    ("response beyond the margin of the lower end", "R-RESP-02",
     response(RESP.target * (1 + MARGIN) + TINY), "response-lost", RESP.target, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "one", "code", "cut", "said"), [n[1:] for n in NEAR], ids=[n[0] for n in NEAR]
)
def test_a_value_close_to_a_line_is_told_with_the_line(
    rule: str, one: Man, code: str, cut: Decimal, said: bool
) -> None:
    told = [
        n
        for n in one.judged().near_misses
        if (n.rule, n.code) == (rule, code) and show(cut) in n.text
    ]
    assert bool(told) is said


# -- low testosterone


def with_cut(**changed: Decimal) -> Knowledge:
    low_t = replace(LOW_T, **changed)
    return replace(knowledge(), protocol=replace(PROTOCOL, low_t=low_t))


def answer(one: Man, profile: str = "aua") -> tuple[str, str]:
    case = one.case(profile)
    judged = judge_low_t(case, take_samples(case))
    return judged.answer, judged.reason


def free_t(one: Man) -> Decimal:
    case = one.case()
    found = judge_low_t(case, take_samples(case)).free_t
    assert found is not None
    return found


@pytest.mark.parametrize(
    "one", [pair(320, shbg=45), pair(280, 320, shbg=45)], ids=["band", "across"]
)
def test_free_testosterone_exactly_at_the_cut_is_not_low(one: Man) -> None:
    at = free_t(one)
    assert one.judged(site=with_cut(free_t_cut=at)).axis.state != "secondary"
    assert one.judged(site=with_cut(free_t_cut=at + TINY)).axis.state == "secondary"


CUT = LOW_T.pair_cut
ANSWERS: list[tuple[str, Man, str, tuple[str, str]]] = [
    ("one sample on the line of the pair is not below it", pair(CUT, CUT - 1), "aua",
     ("unknown", "discordant")),
    ("both on the line do not straddle", pair(CUT, shbg=None), "aua",
     ("unknown", "free-t-needed")),
    ("straddling up to the top of the band asks free testosterone",
     pair(200, LOW_T.free_t_top, shbg=45), "aua", ("low", "low-free-t")),
    ("straddling beyond it does not", pair(200, LOW_T.free_t_top + TINY, shbg=45), "aua",
     ("unknown", "discordant")),
    ("a third sample on the line sides with the higher one",
     pair(CUT - 10, CUT + 10, shbg=None).testosterone(CUT, -90), "aua",
     ("unknown", "free-t-needed")),
    ("a third sample just below it sides with the lower one",
     pair(CUT - 10, CUT + 10, shbg=None).testosterone(CUT - TINY, -90), "aua", ("low", "low")),
    ("a sample on the line counts with a higher third one",
     pair(CUT, CUT - 10, shbg=None).testosterone(CUT + 80, -90), "aua",
     ("unknown", "free-t-needed")),
    ("a third sample told only as a limit across the line decides nothing",
     pair(CUT - 10, CUT + 10, shbg=None).testosterone(CUT + 50, -90, comparator="<"), "aua",
     ("unknown", "discordant")),
    ("a single sample at the top asks for another", man().testosterone(LOW_T.single_top), "aua",
     ("unknown", "single")),
    ("a single sample above it does not", man().testosterone(LOW_T.single_top + TINY), "aua",
     ("not-low", "single-above")),
    ("es: one of two on its line is not both below", pair(Decimal(264), 200, shbg=None), "es",
     ("unknown", "free-t-needed")),
    ("es: both just below it", pair(Decimal(264) - TINY, 200, shbg=None), "es",
     ("low", "clearly-low")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "profile", "expected"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS]
)
def test_the_lines_of_low_testosterone(one: Man, profile: str, expected: tuple[str, str]) -> None:
    assert answer(one, profile) == expected


def test_low_by_free_testosterone_at_the_top_is_still_for_a_candidate() -> None:
    case = pair(LOW_T.candidate_top, shbg=60).case()
    judged = judge_low_t(case, take_samples(case))
    assert (judged.answer, judged.borderline) == ("low", False)
    wider = with_cut(free_t_top=Decimal(400), free_t_top_diabetes=Decimal(400))
    assert pair(LOW_T.candidate_top + 1, shbg=60).judged(site=wider).recommendation.status == (
        "specialist"
    )


@pytest.mark.parametrize(
    ("value", "age", "lab_range", "expected"),
    [
        (PROTOCOL.shbg.low, 35, None, "normal"),
        (PROTOCOL.shbg.low - TINY, 35, None, "altered"),
        (PROTOCOL.shbg.high, 35, None, "normal"),
        (PROTOCOL.shbg.high + TINY, 35, None, "altered"),
        (PROTOCOL.shbg.high + TINY, PROTOCOL.shbg.older_age - 1, None, "altered"),
        (PROTOCOL.shbg.high + TINY, PROTOCOL.shbg.older_age, None, "normal"),
        (PROTOCOL.shbg.high_older + TINY, PROTOCOL.shbg.older_age, None, "altered"),
        (25, 35, (25, 50), "normal"),
        (25 - TINY, 35, (25, 50), "altered"),
        (50, 35, (25, 50), "normal"),
        (50 + TINY, 35, (25, 50), "altered"),
        (50, 35, (25, None), "normal"),
        (25, 35, (None, 50), "normal"),
    ],
)
def test_shbg_is_altered_beyond_its_limits_or_the_laboratorys(
    value: Decimal | int, age: int, lab_range: tuple[int | None, int | None] | None, expected: str
) -> None:
    case = low_man(age).without("shbg").shbg(value, lab_range=lab_range).case()
    assert judge_shbg(case, take_samples(case)) == expected


def test_the_albumin_nearest_to_the_draw_is_reckoned_with() -> None:
    constants = knowledge().catalogue.vermeulen
    assert constants is not None
    most = constants.albumin_max_days
    default, near = pair(320), pair(320).lab("albumin", "3.0", -30)
    assert free_t(near) != free_t(default)
    assert free_t(near.lab("albumin", "5.0", -33)) == free_t(pair(320).lab("albumin", "3.0", -30))
    assert free_t(pair(320).lab("albumin", "3.0", -30 - most)) == free_t(near)
    assert free_t(pair(320).lab("albumin", "3.0", -30 - most - 1)) == free_t(default)
    assert free_t(pair(320).lab("albumin", "3.0", -30, comparator="<")) == free_t(default)


def test_what_free_testosterone_was_reckoned_from_is_shown() -> None:
    axis = pair(320, shbg=45).lab("albumin", "4.4", -30).judged().axis
    assert {"testosterone", "shbg"} <= {e.analyte for e in axis.evidence}
    without = pair(320, shbg=45).judged().axis

    def words(evidence: tuple[Evidence, ...]) -> str:
        return " ".join(e.note or "" for e in evidence if e.analyte == "free-testosterone")

    assert words(axis.evidence) != words(without.evidence)


# -- severe primary failure


def failing(*volumes: Decimal | int, comparators: tuple[str | None, ...] = ()) -> Man:
    """Low testosterone, LH above its limit, FSH far above, these volumes of one day."""
    one = low_man().without("lh", "fsh").lh(LH_HIGH + 1).fsh(FSH_HIGH * 2 + 1)
    for place, volume in enumerate(volumes):
        comparator = comparators[place] if comparators else None
        one.lab("testis-volume", volume, -40, comparator=comparator)
    return one


SMALL = SEVERE.testis_volume
TESTES: list[tuple[str, Man, str, bool]] = [
    ("both just below", failing(SMALL - TINY, SMALL - TINY), "severe-primary", False),
    ("one on the line", failing(SMALL, SMALL - TINY), "primary", False),
    ("one alone, on the line: the other cannot change it", failing(SMALL), "primary", False),
    ("one alone, below: the other would tell", failing(SMALL - TINY), "primary", True),
    ("one told as less than a larger volume", failing(4, 8, comparators=(None, "<")), "primary",
     True),
    ("one told as at most the line", failing(4, SMALL, comparators=(None, "<=")), "primary", True),
    ("FSH on its line", failing(4, 4).without("fsh").fsh(FSH_HIGH * 2), "primary", False),
    ("one castrate testosterone of two",
     low_man(t=(SEVERE.castrate_t - 1, SEVERE.castrate_t)).without("lh").lh(LH_HIGH + 1),
     "primary", False),
    ("both castrate",
     low_man(t=(SEVERE.castrate_t - 1, SEVERE.castrate_t - 1)).without("lh").lh(LH_HIGH + 1),
     "severe-primary", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "state", "open_"), [t[1:] for t in TESTES], ids=[t[0] for t in TESTES]
)
def test_the_lines_of_severe_failure(one: Man, state: str, open_: bool) -> None:
    found = one.judged()
    assert found.axis.state == state
    assert ("R-ELIG-STOP-01" in open_codes(found)) is open_


def hcg_test(after72: Decimal | int, after96: Decimal | int | None) -> str:
    one = low_man().without("lh").lh(LH_HIGH + 1).lab("testosterone-hcg-pre", 200, -40)
    one.lab("testosterone-hcg-72h", after72, -37)
    if after96 is not None:
        one.lab("testosterone-hcg-96h", after96, -36)
    return one.judged().axis.state


def test_one_answer_to_hcg_is_an_answer() -> None:
    flat = 200 * SEVERE.hcg_ratio - TINY
    assert hcg_test(flat, flat) == "severe-primary"
    assert hcg_test(flat, None) == "severe-primary"
    assert hcg_test(flat, flat + TINY) == "primary"
    assert hcg_test(flat + TINY, flat) == "primary"


# -- hematocrit


HEMATOCRITS: list[tuple[str, Man, str | None]] = [
    ("a rise as large as the line, beyond the noise", hct(37, 34), "info"),
    ("a rise just short of it", hct(37 - TINY, 34), None),
    ("a rise as large as the noise",
     hct(45 + 45 * HCT.rcv / 100, 45), None),
    ("a rise just beyond the noise", hct(45 + 45 * HCT.rcv / 100 + TINY, 45), "info"),
    ("from a baseline told only as a limit",
     on_drug().without("hematocrit").hematocrit(40, START - 10, comparator="<").hematocrit(49, -5),
     None),
    ("the baseline of the day it began",
     on_drug().without("hematocrit").hematocrit(44, START).hematocrit(49, -5), "info"),
    ("none before the first of two drugs",
     on_drug().drug("anastrozole", -100).without("hematocrit").hematocrit(44, START + 1)
     .hematocrit(49, -5), None),
    ("at the stop once", hct(HCT.stop), "warning"),
    ("at the single stop", hct(HCT.single_stop), "critical"),
    ("just below the single stop", hct(HCT.single_stop - TINY), "warning"),
    ("the last of the window",
     on_drug().without("hematocrit").drug("hcg", -800).hematocrit(HCT.warning, -HCT.window),
     "warning"),
    ("a day older", man().drug("hcg", -800).hematocrit(HCT.warning, -HCT.window - 1), None),
    ("confirmed by one of the last day of the window",
     man().drug("hcg", -800).hematocrit(HCT.stop, -300).hematocrit(HCT.stop, -HCT.window),
     "critical"),
    ("not by one a day older",
     man().drug("hcg", -800).hematocrit(HCT.stop, -300).hematocrit(HCT.stop, -HCT.window - 1),
     "warning"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "severity"), [h[1:] for h in HEMATOCRITS], ids=[h[0] for h in HEMATOCRITS]
)
def test_the_lines_of_hematocrit(one: Man, severity: str | None) -> None:
    assert codes(one.judged()).get("hematocrit-high") == severity


def test_a_hematocrit_at_the_stop_asks_to_be_confirmed_and_stops_an_order_only_then() -> None:
    def finding(one: Man, *orders: str) -> tuple[str, list[str]]:
        it = the(one.judged(*orders), "hematocrit-high")
        return it.summary, [f.kind for f in it.fixes]

    once, below = finding(hct(HCT.stop)), finding(hct(HCT.stop - TINY))
    assert once[0] != below[0].replace(show(HCT.stop - TINY), show(HCT.stop))
    assert "remove-order" not in finding(hct(HCT.stop), "clomiphene")[1]
    assert "remove-order" in finding(hct(HCT.single_stop), "clomiphene")[1]


# -- thyroid


@pytest.mark.parametrize(
    ("tsh", "lab_range", "grade"),
    [
        (top("tsh"), None, None),
        (top("tsh") + TINY, None, "R"),
        (Decimal("0.4"), None, None),
        (Decimal("0.39"), None, "R"),
        (PROTOCOL.contraindications.tsh_stop_low, None, "R"),
        (PROTOCOL.contraindications.tsh_stop_low - TINY, None, "A"),
        (PROTOCOL.contraindications.tsh_stop_high, None, "R"),
        (PROTOCOL.contraindications.tsh_stop_high + TINY, None, "A"),
        (Decimal("0.2"), (None, 4), None),
        (Decimal(6), (Decimal("0.4"), None), None),
    ],
)
def test_the_lines_of_tsh(
    tsh: Decimal, lab_range: tuple[Decimal | int | None, Decimal | int | None] | None,
    grade: str | None,
) -> None:  # fmt: skip
    one = candidate().without("tsh").lab("tsh", tsh, lab_range=lab_range)
    said = codes(one.judged("clomiphene"))
    assert said.get("contraindication") == ("critical" if grade == "A" else None)
    assert said.get("precaution") == ("warning" if grade == "R" else None)


@pytest.mark.parametrize(
    ("tsh", "normal"),
    [
        (Decimal("0.4"), True),
        (Decimal("0.39"), False),
        (top("tsh"), True),
        (top("tsh") + TINY, False),
    ],
)
def test_an_overactive_thyroid_counts_unless_tsh_lies_in_its_range(
    tsh: Decimal, normal: bool
) -> None:
    one = candidate().without("tsh").lab("tsh", tsh).problem("hyperthyroidism")
    assert ("contraindication" in codes(one.judged("clomiphene"))) is not normal
