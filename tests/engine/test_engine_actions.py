"""The action table (clinical rules 9): both sides of every line, drawn from the protocol itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from men import Man, cards, codes, draft, knowledge, man, the

PROTOCOL = knowledge().protocol
E2, PSA, LIVER, TG = PROTOCOL.estradiol, PROTOCOL.psa, PROTOCOL.liver, PROTOCOL.lipids
SEMEN, BONE, FLUID, MOOD = PROTOCOL.semen, PROTOCOL.bone, PROTOCOL.fluid, PROTOCOL.mood
ANALYTES = knowledge().catalogue.analytes
TINY = Decimal("0.01")
START = -200


def treated(agent: str = "clomiphene", age: int = 35, start: int = START) -> Man:
    """A man with a whole baseline before the drug, and a quiet course on it."""
    one = man(age).testosterone(210, start - 10).testosterone(220, start - 40)
    one.lh(3, start - 10).fsh(4, start - 10).lab("prolactin", 8, start - 10)
    one.hematocrit(45, start - 10).lab("alt", 25, start - 10).lab("psa", 1, start - 10)
    one.lab("estradiol", 25, start - 10)
    return one.drug(agent, start).testosterone(520, -20)


def uln(analyte: str) -> Decimal:
    high = ANALYTES[analyte].default_range.high
    assert high is not None
    return high


def e2(value: Decimal | int, agent: str = "clomiphene", **more: Any) -> Man:
    return treated(agent).without("testosterone").lab("estradiol", value, -5, **more)


def on_inhibitor(value: Decimal | int, **more: Any) -> Man:
    return treated().drug("anastrozole", -100).lab("estradiol", value, -5, **more)


def ratio(estradiol: Decimal | int, testosterone: int = 400) -> Man:
    return treated().testosterone(testosterone, -5).lab("estradiol", estradiol, -5)


def psa(*values: tuple[Decimal | int, int], age: int = 55) -> Man:
    one = treated(age=age)
    for value, offset in values:
        one.lab("psa", value, offset)
    return one


def alt(times: Decimal, agent: str = "clomiphene", analyte: str = "alt") -> Man:
    return treated(agent).lab(analyte, uln(analyte) * times, -5)


def tg(value: Decimal | int, agent: str = "clomiphene", **more: Any) -> Man:
    return treated(agent).lab("triglycerides", value, -5, **more)


def semen(value: Decimal | int, baseline: Decimal | int | None = 60, **more: Any) -> Man:
    one = treated()
    if baseline is not None:
        one.lab("sperm-concentration", baseline, START - 5)
    return one.lab("sperm-concentration", value, -5, **more)


def bone(score: Decimal, agent: str = "anastrozole", **more: Any) -> Man:
    one = treated().drug(agent, -100) if agent != "clomiphene" else treated()
    return one.lab("bone-t-score", score, -300, **more)


def pressure(systolic: Decimal | int, *offsets: int, diastolic: Decimal | int = 80) -> Man:
    one = treated()
    for offset in offsets:
        one.lab("systolic", systolic, offset).lab("diastolic", diastolic, offset)
    return one


def weight(gain: Decimal | int, days: int) -> Man:
    return treated().lab("weight", 80, -5 - days).lab("weight", 80 + Decimal(gain), -5)


def phq(total: Decimal | int, item: int = 0, baseline: Decimal | int | None = None) -> Man:
    one = treated()
    if baseline is not None:
        one.told("phq-9", "total", baseline, START - 5)
    return one.told("phq-9", "total", total).told("phq-9", "self-harm", item)


HALF = 60 * SEMEN.fall
FIRST_YEAR = START + PSA.rise_days

# (rule, kind, code, severity or None for silence, man, label)
CASES: list[tuple[str, str, str, str | None, Man, str]] = [
    # A-E2
    ("A-E2", "positive", "estradiol-high", "info", e2(E2.limit + TINY), "above the limit"),
    ("A-E2", "boundary", "estradiol-high", None, e2(E2.limit), "at the limit"),
    ("A-E2", "positive", "estradiol-high", "warning",
     e2(E2.limit + TINY).problem("breast-pain", -20), "with a breast complaint"),
    ("A-E2", "positive", "estradiol-high", "warning",
     e2(E2.limit + TINY).problem("edema", -20), "with edema"),
    ("A-E2", "negative", "estradiol-high", "info",
     e2(E2.limit + TINY).problem("breast-pain", -400), "with a complaint from before"),
    ("A-E2", "negative", "estradiol-high", None,
     e2(E2.limit).problem("breast-pain", -20), "a complaint without the value"),
    ("A-E2", "boundary", "estradiol-high", "info", e2(E2.high), "at the line to act"),
    ("A-E2", "positive", "estradiol-high", "warning", e2(E2.high + TINY), "above it"),
    ("A-E2", "boundary", "estradiol-high", "warning",
     e2(E2.very_high).problem("breast-mass", -20), "a mass, at the highest line"),
    ("A-E2", "positive", "estradiol-high", "critical",
     e2(E2.very_high + TINY).problem("breast-mass", -20), "a mass, above it"),
    ("A-E2", "positive", "estradiol-high", "critical",
     e2(E2.very_high + TINY).problem("vte", -20), "a clot, above it"),
    ("A-E2", "positive", "estradiol-high", "critical",
     e2(E2.very_high + TINY).problem("visual-disturbance", -20), "an eye event, above it"),
    ("A-E2", "negative", "estradiol-high", "warning", e2(E2.very_high + TINY), "without events"),
    ("A-E2", "negative", "estradiol-high", "warning",
     e2(E2.very_high + TINY).problem("vte", -20, active=False), "an event that is over"),
    ("A-E2", "negative", "estradiol-high", None,
     treated().without("estradiol").lab("estradiol", 90, START), "drawn the day it began"),
    ("A-E2", "positive", "estradiol-high", "warning",
     treated().without("estradiol").lab("estradiol", 90, START + 1), "drawn the day after"),
    ("A-E2", "negative", "estradiol-high", None,
     e2(90).drug("clomiphene", -700, -650).without("estradiol")
     .lab("estradiol", 90, -5 - E2.window - 1), "too old"),
    ("A-E2", "negative", "estradiol-high", None, man().lab("estradiol", 90, -5), "off treatment"),
    # A-E2lo
    ("A-E2lo", "positive", "estradiol-low", "warning", on_inhibitor(E2.low - TINY), "below"),
    ("A-E2lo", "boundary", "estradiol-low", None, on_inhibitor(E2.low), "at the line"),
    ("A-E2lo", "negative", "estradiol-low", None, e2(E2.low - TINY), "without an inhibitor"),
    ("A-E2lo", "negative", "estradiol-low", None,
     treated().drug("anastrozole", -3).lab("estradiol", 5, -5), "before the inhibitor"),
    # A-TE
    ("A-TE", "positive", "t-e2-ratio-low", "info", ratio(40 + TINY), "below"),
    ("A-TE", "boundary", "t-e2-ratio-low", None, ratio(400 / E2.ratio), "at the line"),
    ("A-TE", "positive", "t-e2-ratio-low", "warning",
     ratio(50).lab("sperm-concentration", SEMEN.concentration - TINY, -9), "with few sperm"),
    ("A-TE", "boundary", "t-e2-ratio-low", "info",
     ratio(50).lab("sperm-concentration", SEMEN.concentration, -9), "with just enough sperm"),
    ("A-TE", "negative", "t-e2-ratio-low", "info",
     ratio(50).drug("anastrozole", -100).lab("sperm-concentration", 5, -9), "on an inhibitor"),
    ("A-TE", "negative", "t-e2-ratio-low", None,
     treated().testosterone(400, -6).lab("estradiol", 50, -5), "of different days"),
    ("A-TE", "negative", "t-e2-ratio-low", None,
     treated("testosterone-short").testosterone(400, -5).lab("estradiol", 50, -5),
     "under testosterone"),
    # A-PSA
    ("A-PSA", "positive", "psa-rise", "warning",
     psa((PSA.limit + TINY, -5), (PSA.limit + TINY, -30)), "above the limit twice"),
    ("A-PSA", "positive", "psa-rise", "info", psa((PSA.limit + TINY, -5)), "above it once"),
    ("A-PSA", "boundary", "psa-rise", "info",
     psa((PSA.limit + TINY, -5), (PSA.limit + TINY, -5 - PSA.confirm_min + 1)), "too near"),
    ("A-PSA", "boundary", "psa-rise", "warning",
     psa((PSA.limit + TINY, -5), (PSA.limit + TINY, -5 - PSA.confirm_min)), "just apart"),
    ("A-PSA", "boundary", "psa-rise", "warning",
     psa((PSA.limit + TINY, -5), (PSA.limit + TINY, -5 - PSA.confirm_max)), "far apart"),
    ("A-PSA", "boundary", "psa-rise", "info",
     psa((PSA.limit + TINY, -5), (PSA.limit + TINY, -5 - PSA.confirm_max - 1)), "too far apart"),
    ("A-PSA", "negative", "psa-rise", None,
     psa((1, -5), (6, -30), (6, -60)), "come down again"),
    ("A-PSA", "boundary", "psa-rise", None,
     psa((1 + PSA.rise, -5), (1 + PSA.rise, -30)), "risen to the line"),
    ("A-PSA", "positive", "psa-rise", "warning",
     psa((1 + PSA.rise + TINY, -5), (1 + PSA.rise + TINY, -30)), "risen, confirmed"),
    ("A-PSA", "positive", "psa-rise", "info", psa((1 + PSA.rise + TINY, -5)), "risen, once"),
    ("A-PSA", "positive", "psa-rise", "critical", psa((PSA.very_high + TINY, -5)), "very high"),
    ("A-PSA", "boundary", "psa-rise", "info", psa((PSA.very_high, -5)), "at the very high line"),
    ("A-PSA", "positive", "psa-rise", "warning",
     psa((Decimal("2.1"), -5), (Decimal("2.1"), -30)).drug("5ari", -5 - 30 - PSA.inhibitor_days),
     "doubled under finasteride"),
    ("A-PSA", "boundary", "psa-rise", None,
     psa((Decimal("2.1"), -5)).drug("5ari", -5 - PSA.inhibitor_days + 1), "not yet doubled"),
    ("A-PSA", "boundary", "psa-rise", "info",
     psa((Decimal("2.1"), -5)).drug("5ari", -5 - PSA.inhibitor_days), "just doubled"),
    ("A-PSA", "negative", "psa-rise", None,
     psa((Decimal("2.1"), -5)).drug("5ari", -900, -6), "finasteride stopped"),
    # A-LIV
    ("A-LIV", "boundary", "liver-enzymes-high", None, alt(LIVER.enzyme_raised), "at the first"),
    ("A-LIV", "positive", "liver-enzymes-high", "info",
     alt(LIVER.enzyme_raised + TINY), "above the first"),
    ("A-LIV", "boundary", "liver-enzymes-high", "info", alt(LIVER.enzyme_high), "at the second"),
    ("A-LIV", "positive", "liver-enzymes-high", "warning",
     alt(LIVER.enzyme_high + TINY, analyte="ast"), "above the second"),
    ("A-LIV", "boundary", "liver-enzymes-high", "warning", alt(LIVER.enzyme_stop), "at the stop"),
    ("A-LIV", "positive", "liver-enzymes-high", "critical",
     alt(LIVER.enzyme_stop + TINY), "above the stop"),
    ("A-LIV", "negative", "liver-enzymes-high", "warning",
     alt(LIVER.enzyme_stop + TINY, "hcg"), "above the stop, no SERM"),
    ("A-LIV", "positive", "liver-enzymes-high", "critical",
     alt(LIVER.bilirubin + TINY, analyte="bilirubin"), "bilirubin above its stop"),
    ("A-LIV", "boundary", "liver-enzymes-high", None,
     alt(LIVER.bilirubin, analyte="bilirubin"), "bilirubin at its stop"),
    # A-TG
    ("A-TG", "boundary", "triglycerides-high", None, tg(TG.raised), "at the first"),
    ("A-TG", "positive", "triglycerides-high", "info", tg(TG.raised + 1), "above the first"),
    ("A-TG", "boundary", "triglycerides-high", "info", tg(TG.high), "at the second"),
    ("A-TG", "positive", "triglycerides-high", "warning", tg(TG.high + 1), "above the second"),
    ("A-TG", "boundary", "triglycerides-high", "warning", tg(TG.stop), "at the stop"),
    ("A-TG", "positive", "triglycerides-high", "critical", tg(TG.stop + 1), "above the stop"),
    ("A-TG", "negative", "triglycerides-high", "warning",
     tg(TG.stop + 1, "hcg"), "above the stop, no SERM"),
    # A-SEM
    ("A-SEM", "positive", "semen-decline", "critical", semen(0), "none any more"),
    ("A-SEM", "boundary", "semen-decline", "warning", semen(TINY), "hardly any"),
    ("A-SEM", "negative", "semen-decline", "warning", semen(0, 0), "never any"),
    ("A-SEM", "negative", "semen-decline", "warning", semen(0, None), "none, before unknown"),
    ("A-SEM", "positive", "semen-decline", "warning", semen(SEMEN.warning - TINY, 12), "few"),
    ("A-SEM", "boundary", "semen-decline", "info", semen(SEMEN.warning, 12), "just not few"),
    ("A-SEM", "positive", "semen-decline", "warning", semen(HALF - TINY), "more than halved"),
    ("A-SEM", "boundary", "semen-decline", None, semen(HALF), "halved"),
    ("A-SEM", "positive", "semen-decline", "info", semen(SEMEN.concentration - TINY, 20), "low"),
    ("A-SEM", "boundary", "semen-decline", None, semen(SEMEN.concentration, 20), "just not low"),
    # A-BMD
    ("A-BMD", "positive", "bone-loss", "warning", bone(-BONE.t_score), "at the line"),
    ("A-BMD", "boundary", "bone-loss", None, bone(-BONE.t_score + TINY), "just above it"),
    ("A-BMD", "positive", "bone-loss", "warning",
     treated().drug("anastrozole", -100).problem("fracture-low-trauma", -20), "a fracture"),
    ("A-BMD", "negative", "bone-loss", None,
     treated().drug("anastrozole", -100).problem("fracture-low-trauma", -120), "a fracture before"),
    ("A-BMD", "negative", "bone-loss", None,
     bone(-BONE.t_score, "clomiphene"), "without an inhibitor"),
    # A-GYN
    ("A-GYN", "positive", "gynecomastia", "warning",
     treated().problem("gynecomastia", START), "on the first day"),
    ("A-GYN", "boundary", "gynecomastia", "info",
     treated().problem("gynecomastia", START - 1), "on the day before"),
    ("A-GYN", "positive", "gynecomastia", "warning",
     treated().problem("breast-pain", -9), "tenderness"),
    ("A-GYN", "positive", "gynecomastia", "critical",
     treated().problem("breast-mass", -9), "a mass"),
    ("A-GYN", "negative", "gynecomastia", None,
     treated().problem("gynecomastia", -9, active=False), "over"),
    ("A-GYN", "negative", "gynecomastia", None,
     man().problem("gynecomastia", -9), "off treatment"),
    # A-FLU
    ("A-FLU", "positive", "fluid-retention", "info", treated().problem("edema", -9), "edema"),
    ("A-FLU", "positive", "fluid-retention", "warning",
     treated("hcg").problem("edema", -9), "edema on hCG"),
    ("A-FLU", "positive", "fluid-retention", "warning",
     treated().drug("anastrozole", -90).problem("edema", -9), "edema on an inhibitor"),
    ("A-FLU", "negative", "fluid-retention", None,
     treated("hcg").problem("edema", START - 1), "edema from before"),
    ("A-FLU", "positive", "fluid-retention", "critical",
     treated().problem("heart-failure", -9), "heart failure"),
    ("A-FLU", "negative", "fluid-retention", None,
     treated().problem("heart-failure", START - 1), "heart failure from before"),
    ("A-FLU", "positive", "fluid-retention", "warning",
     pressure(FLUID.systolic + 1, -5, -20), "systolic above twice"),
    ("A-FLU", "boundary", "fluid-retention", None,
     pressure(FLUID.systolic, -5, -20), "systolic at the line"),
    ("A-FLU", "positive", "fluid-retention", "warning",
     pressure(120, -5, -20, diastolic=FLUID.diastolic + 1), "diastolic above twice"),
    ("A-FLU", "boundary", "fluid-retention", None,
     pressure(120, -5, -20, diastolic=FLUID.diastolic), "diastolic at the line"),
    ("A-FLU", "negative", "fluid-retention", None, pressure(FLUID.systolic + 1, -5), "once"),
    ("A-FLU", "boundary", "fluid-retention", "warning",
     pressure(FLUID.systolic + 1, -5, -FLUID.pressure_days), "just recent enough"),
    ("A-FLU", "boundary", "fluid-retention", None,
     pressure(FLUID.systolic + 1, -5, -FLUID.pressure_days - 1), "one too old"),
    ("A-FLU", "negative", "fluid-retention", None,
     pressure(FLUID.systolic + 1, -10, -20).lab("systolic", 130, -5), "come down again"),
    ("A-FLU", "positive", "fluid-retention", "info",
     weight(FLUID.weight, FLUID.weight_days), "gained"),
    ("A-FLU", "boundary", "fluid-retention", None,
     weight(FLUID.weight - TINY, FLUID.weight_days), "gained not enough"),
    ("A-FLU", "boundary", "fluid-retention", None,
     weight(FLUID.weight, FLUID.weight_days + 1), "gained too slowly"),
    # A-INJ
    ("A-INJ", "positive", "injection-site-reaction", "info",
     treated("hcg").problem("injection-site", START), "pain"),
    ("A-INJ", "boundary", "injection-site-reaction", None,
     treated("hcg").problem("injection-site", START - 1), "from before"),
    ("A-INJ", "positive", "injection-site-reaction", "warning",
     treated("hcg").problem("skin-infection", -9), "infection"),
    ("A-INJ", "positive", "injection-site-reaction", "critical",
     treated("hcg").problem("anaphylaxis", -9), "anaphylaxis"),
    ("A-INJ", "negative", "injection-site-reaction", None,
     treated().problem("anaphylaxis", -9), "nothing injected"),
]  # fmt: skip

# fmt: off
CASES += [
    ("A-MOOD", "positive", "mood-change", "critical", phq(3, item=int(MOOD.item)), "item 9"),
    ("A-MOOD", "boundary", "mood-change", None, phq(MOOD.watch - 1), "below the first line"),
    ("A-MOOD", "boundary", "mood-change", "info", phq(MOOD.watch), "at the first line"),
    ("A-MOOD", "boundary", "mood-change", "info", phq(MOOD.high - 1), "below the line to act"),
    ("A-MOOD", "positive", "mood-change", "warning", phq(MOOD.high), "at the line to act"),
    ("A-MOOD", "positive", "mood-change", "warning", phq(1 + MOOD.rise, 0, 1), "risen"),
    ("A-MOOD", "boundary", "mood-change", "info", phq(MOOD.rise, 0, 1), "risen a point less"),
    ("A-MOOD", "positive", "mood-change", "info", treated().problem("irritability", -9),
     "irritability"),
    ("A-MOOD", "negative", "mood-change", None, treated().problem("irritability", START - 1),
     "irritability from before"),
    ("A-MOOD", "negative", "mood-change", None,
     treated().told("phq-9", "self-harm", 1, -20).told("phq-9", "self-harm", 0), "item 9 over"),
    ("A-MOOD", "positive", "mood-change", "critical",
     man().testosterone(210).told("phq-9", "self-harm", 1), "item 9 before treatment"),
    ("A-MOOD", "negative", "mood-change", None, man().told("phq-9", "self-harm", 1),
     "a man of whom nothing is asked"),
    ("A-MOOD", "boundary", "mood-change", "critical",
     treated().told("phq-9", "self-harm", 1, -MOOD.window), "item 9 of the last day"),
    ("A-MOOD", "boundary", "mood-change", None,
     treated().told("phq-9", "self-harm", 1, -MOOD.window - 1), "item 9 too old"),
    ("A-GYN", "positive", "gynecomastia", "warning", treated().told("signs", "breast", 1), "told"),
    ("A-GYN", "positive", "gynecomastia", "critical",
     treated().told("signs", "breast-mass", 1), "a mass told"),
    ("A-GYN", "negative", "gynecomastia", None,
     treated().told("signs", "breast", 1, -30).told("signs", "breast", 0), "told, and over"),
    ("A-FLU", "positive", "fluid-retention", "info", treated().told("signs", "edema", 1), "told"),
    ("A-FLU", "positive", "fluid-retention", "warning",
     treated("hcg").told("signs", "edema", 1), "told on hCG"),
    ("A-INJ", "positive", "injection-site-reaction", "info",
     treated("hcg").told("signs", "injection-site", 1), "told"),
    ("A-E2", "positive", "estradiol-high", "warning",
     e2(E2.limit + TINY).told("signs", "breast", 1), "with a complaint he told"),
    ("A-VIS", "positive", "visual-symptoms", "critical",
     treated().told("signs", "visual", 1), "told"),
    ("A-VIS", "negative", "visual-symptoms", None,
     treated("hcg").told("signs", "visual", 1), "told, on no SERM"),
    ("A-VIS", "boundary", "visual-symptoms", "critical",
     treated().told("signs", "visual", 1, -PROTOCOL.safety.sign_days), "told on the last day"),
    ("A-VIS", "boundary", "visual-symptoms", None,
     treated().told("signs", "visual", 1, -PROTOCOL.safety.sign_days - 1), "told too long ago"),
    ("A-VTE", "positive", "thromboembolism", "warning",
     treated().told("signs", "thromboembolic", 1), "told"),
    ("A-VTE", "boundary", "thromboembolism", None,
     treated().told("signs", "thromboembolic", 1, -PROTOCOL.safety.vte_symptom - 1),
     "told too long ago"),
]
# fmt: on


def told() -> Iterator[Any]:
    for rule, kind, code, severity, one, label in CASES:
        yield pytest.param(
            code, severity, one, id=f"{rule}: {label}", marks=pytest.mark.rule(rule, kind)
        )


@pytest.mark.parametrize(("code", "severity", "one"), list(told()))
def test_the_action_table(code: str, severity: str | None, one: Man) -> None:
    found = one.judged()
    assert codes(found).get(code) == severity
    if severity is not None:
        finding = the(found, code)
        assert finding.evidence
        assert finding.card is (severity != "info")


# -- not evaluable

OPEN: list[tuple[str, Man, str]] = [
    ("A-E2", e2(30, comparator=">"), "a limit only"),
    ("A-E2", e2(30).unusable("estradiol", -2), "the newest cannot be used"),
    ("A-E2lo", on_inhibitor(24, comparator="<"), "a limit only"),
    ("A-E2lo", treated().without("estradiol").drug("anastrozole", -100), "never measured"),
    ("A-TE", treated().testosterone(400, -5).lab("estradiol", 50, -5, comparator=">"), "a limit"),
    ("A-PSA", psa((3, -5)).unusable("psa", -2), "the newest cannot be used"),
    ("A-PSA", treated(age=40).without("psa"), "never measured at 40"),
    ("A-PSA", treated().without("psa").lab("psa", 2, -5), "nothing to compare with"),
    ("A-LIV", treated().without("alt"), "never measured on a SERM"),
    ("A-LIV", treated().lab("alt", 50, -5, comparator=">"), "a limit only"),
    ("A-TG", tg(150, comparator=">"), "a limit only"),
    ("A-SEM", semen(8, comparator=">"), "a limit only"),
    ("A-SEM", treated().wishes("yes"), "a child wished for, never measured"),
    ("A-BMD", treated().drug("anastrozole", -100), "never measured"),
    ("A-BMD", bone(Decimal(-2), comparator="<"), "a limit only"),
    ("A-GYN", treated().problem("gynecomastia", None), "undated"),
    ("A-FLU", treated().problem("edema", None), "undated"),
    ("A-FLU", treated().unusable("weight", -2), "the newest weight cannot be used"),
    ("A-INJ", treated("hcg").problem("skin-infection", None), "undated"),
    ("A-MOOD", treated().told("phq-9", "total", 4), "a total without its item 9"),
]


@pytest.mark.parametrize(
    ("rule", "one"),
    [
        pytest.param(r, m, id=f"{r}: {label}", marks=pytest.mark.rule(r, "not-evaluable"))
        for r, m, label in OPEN
    ],
)
def test_the_action_table_left_open(rule: str, one: Man) -> None:
    items = [n for n in one.judged().not_evaluable if n.rule == rule]
    assert items
    assert all(n.reason and n.fix for n in items)


def test_what_need_not_be_measured_is_not_asked_for() -> None:
    asked = {n.rule for n in treated("hcg", age=39).without("psa", "alt").judged().not_evaluable}
    assert not asked & {"A-PSA", "A-LIV", "A-SEM", "A-TG", "A-E2", "A-BMD"}


def test_a_graver_tier_that_may_hold_hides_no_lesser_one() -> None:
    found = e2(E2.limit + 1, comparator=">").judged()
    assert codes(found)["estradiol-high"] == "info"
    assert any(n.rule == "A-E2" for n in found.not_evaluable)


# -- first-year rise of PSA


def test_the_rise_counts_when_it_began_in_the_first_year() -> None:
    def risen(first: int) -> dict[str, str]:
        one = man(55).drug("clomiphene", -500).lab("psa", 1, -510)
        return codes(one.lab("psa", 3, first).lab("psa", 3, first + 30).judged())

    assert risen(-500 + PSA.rise_days)["psa-rise"] == "warning"
    assert "psa-rise" not in risen(-500 + PSA.rise_days + 1)


def test_a_baseline_too_old_is_none() -> None:
    def compared(age: int) -> dict[str, str]:
        one = treated(age=55).without("psa").lab("psa", 1, START - age)
        return codes(one.lab("psa", 3, -5).judged())

    assert compared(PSA.baseline_days)["psa-rise"] == "info"
    assert "psa-rise" not in compared(PSA.baseline_days + 1)


@pytest.mark.parametrize(
    ("analyte", "values"),
    [
        ("psa", (2, 3, 5, 6, 9, 11, 20)),
        ("alt", (40, 70, 95, 140, 400)),
        ("ast", (40, 70, 95, 140, 400)),
        ("triglycerides", (150, 250, 600, 1100)),
        ("estradiol", (30, 45, 70, 120)),
        ("sperm-concentration", (-50, -20, -15, -9, -1, 0)),
    ],
)
def test_a_later_worse_value_never_lowers_the_severity(
    analyte: str, values: tuple[int, ...]
) -> None:
    grave = {None: 0, "info": 1, "warning": 2, "critical": 3}
    code = {
        "psa": "psa-rise", "alt": "liver-enzymes-high", "ast": "liver-enzymes-high",
        "triglycerides": "triglycerides-high", "estradiol": "estradiol-high",
        "sperm-concentration": "semen-decline",
    }[analyte]  # fmt: skip
    one, before = treated(age=60).lab("sperm-concentration", 60, START - 3), 0
    for place, value in enumerate(values):
        one.lab(analyte, abs(value), -150 + 20 * place)
        now = grave[codes(one.judged()).get(code)]
        assert now >= before, (value, now)
        before = now


# -- at an order


def test_a_finding_speaks_at_an_order_it_bears_on() -> None:
    low = on_inhibitor(E2.low - TINY)
    assert "estradiol-low" in cards(low.judged("anastrozole"))
    assert "estradiol-low" not in cards(low.judged("clomiphene"))
    assert "estradiol-low" not in cards(low.judged("tamoxifen"))
    thin = treated().lab("bone-t-score", "-2.6", -30)
    assert "bone-loss" not in codes(thin.judged())
    found = thin.judged("anastrozole")
    assert the(found, "bone-loss").severity == "warning"
    assert the(found, "bone-loss").fixes[0].kind == "remove-order"
    allergic = treated("hcg").problem("anaphylaxis", -9)
    assert "injection-site-reaction" in cards(allergic.judged("hcg"))
    assert "injection-site-reaction" not in cards(allergic.judged("clomiphene"))


def test_info_rows_stay_on_the_dashboard() -> None:
    assert "estradiol-high" not in cards(e2(E2.limit + TINY).judged())
    assert "estradiol-high" not in cards(e2(E2.limit + TINY).judged(draft("clomiphene")))


def test_one_draw_tells_its_numbers() -> None:
    finding = the(ratio(50).judged(), "t-e2-ratio-low")
    assert "400 ng/dL over estradiol 50 pg/mL" in finding.detail
    assert finding.summary.startswith("Testosterone to estradiol 8")


def test_a_near_miss_says_what_acts() -> None:
    found = e2(42).judged()
    (near,) = (n for n in found.near_misses if n.code == "estradiol-high")
    assert near.text == "Estradiol 42 pg/mL, acts above 42.6 pg/mL."
    found = semen(Decimal("16.5")).without("sperm-concentration").lab(
        "sperm-concentration", "16.5", -5
    ).judged()  # fmt: skip
    assert any(n.code == "semen-decline" for n in found.near_misses)


def test_an_unknown_beginning_counts_everything_as_under_the_drug() -> None:
    one = man().drug("clomiphene", None).lab("estradiol", 70, -5).problem("breast-pain", None)
    found = codes(one.judged())
    assert found["estradiol-high"] == "warning"
    assert found["gynecomastia"] == "warning"


def test_a_confounder_of_hematocrit_is_named_and_decides_nothing() -> None:
    plain = the(treated().hematocrit(53, -5).judged(), "hematocrit-high")
    found = the(treated().hematocrit(53, -5).drug("sglt2", -300).judged(), "hematocrit-high")
    assert "SGLT2 inhibitor is taken" in found.detail
    assert "SGLT2 inhibitor is taken" not in plain.detail
    assert (found.id, found.severity) == (plain.id, plain.severity)
    assert any(e.role == "confounder" for e in found.evidence)


def test_who_is_asked_to_repeat_and_who_is_referred() -> None:
    def kinds(one: Man, code: str) -> set[str]:
        return {fix.kind for fix in the(one.judged(), code).fixes}

    once = (PSA.limit + TINY, -5)
    assert kinds(psa(once), "psa-rise") == {"order-lab"}
    assert kinds(psa(once, (PSA.limit + TINY, -30)), "psa-rise") == {"refer"}
    assert kinds(psa((PSA.very_high + TINY, -5)), "psa-rise") == {"order-lab", "refer"}
    assert kinds(tg(TG.raised + 1), "triglycerides-high") == set()
    assert kinds(tg(TG.high + 1), "triglycerides-high") == {"order-lab"}
    assert kinds(semen(SEMEN.concentration - TINY, 20), "semen-decline") == set()
    assert kinds(semen(1), "semen-decline") == {"order-lab"}


def test_a_result_on_a_line_is_a_near_miss_of_its_rule() -> None:
    for rule, one in (("A-LIV", alt(LIVER.enzyme_raised)), ("A-TG", tg(TG.raised))):
        assert rule in {n.rule for n in one.judged().near_misses}
    assert "A-TG" not in {n.rule for n in tg(100).judged().near_misses}


def test_finasteride_stopped_on_the_day_of_the_draw_still_counts() -> None:
    one = psa((Decimal("2.1"), -5)).drug("5ari", -900, -5)
    assert codes(one.judged())["psa-rise"] == "info"


def test_a_confirming_psa_is_as_old_as_the_window() -> None:
    one = man(55).drug("clomiphene", -900).lab("psa", 5, -PSA.window).lab("psa", 5, -200)
    assert codes(one.judged())["psa-rise"] == "warning"


def test_a_change_of_phq_9_is_told_with_both_totals() -> None:
    one = treated().told("phq-9", "total", 2, START - 5).told("phq-9", "total", 8, -20)
    found = the(one.told("phq-9", "self-harm", 0, -20).judged(), "mood-change")
    assert "by 6 points" in found.summary
    said = {e.role: e.original for e in found.evidence}
    assert (said["fired"], said["baseline"]) == ("8 (0-27)", "2 (0-27)")
