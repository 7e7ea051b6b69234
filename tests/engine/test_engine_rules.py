"""Every rule four times: where it speaks, where it does not, on its line, and where it cannot tell.

What is expected is written short: "code" or "code:severity" is said, "!code" is not, "?RULE" is
left open, "@state" and "=status" are the axis and the recommendation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from men import Man, candidate, codes, knowledge, low_man, man, taking

PROTOCOL = knowledge().protocol
TINY = Decimal("0.01")
HCT, GATE, ORDERS, SAFETY = PROTOCOL.hematocrit, PROTOCOL.gate, PROTOCOL.orders, PROTOCOL.safety
DOSE, RESP, MON = PROTOCOL.dose, PROTOCOL.response, PROTOCOL.monitoring
START = -200
ADULT = PROTOCOL.applicability.adult_age
LOW = PROTOCOL.low_t.low_if_shbg_normal
WINDOW = PROTOCOL.samples.window
LH, FSH = (knowledge().catalogue.analytes[key].default_range for key in ("lh", "fsh"))
Orders = tuple[str, ...]


def high(limits: object) -> Decimal:
    value = limits.high  # type: ignore[attr-defined]
    assert isinstance(value, Decimal)
    return value


LH_HIGH, FSH_HIGH = high(LH), high(FSH)
STOP = LH_HIGH * PROTOCOL.severe.lh_multiple


def pair(value: Decimal | int) -> Man:
    return man().testosterone(value, -30).testosterone(value, -60).lh(3).fsh(4).shbg(30)


def with_lh(value: Decimal | int | str, one: Man | None = None) -> Man:
    return (one or candidate()).without("lh").lh(value)


def on_drug(agent: str = "clomiphene", **more: Any) -> Man:
    """A quiet course with a whole baseline before it."""
    one = man().testosterone(210, START - 10).testosterone(220, START - 40)
    one.lh(3, START - 10).fsh(4, START - 10).lab("prolactin", 8, START - 10)
    one.hematocrit(45, START - 10).lab("alt", 25, START - 10)
    return one.drug(agent, START, **more)


def response(*values: Decimal | int) -> Man:
    """On clomiphene with these testosterone values, sixty days apart, the last one new."""
    one = on_drug(dose=taking(25, 7))
    for place, value in enumerate(reversed(values)):
        one.testosterone(value, -5 - 60 * place)
    return one


def on_hcg(per_week: Decimal | int | None, testosterone: Decimal | int) -> Man:
    one = on_drug("hcg", per_week=per_week)
    return one.testosterone(testosterone, -5)


def feeling(now: int, testosterone: int) -> Man:
    """Energy of 3 before treatment, and of `now` under it."""
    one = response(testosterone).told("nrs", "energy", 3, START - 5)
    return one.told("nrs", "energy", now, -5)


def dosed(agent: str, per_day: Decimal | int) -> Man:
    return man().drug(agent, START, dose=taking(per_day, 7))


def normal() -> Man:
    return man().testosterone(600, -30).testosterone(620, -60).lh(4).fsh(4)


# fmt: off
CASES: list[tuple[str, str, str, Man, Orders, str]] = [
    ("R-APP-01", "positive", "an adult man", low_man(), (), "@secondary"),
    ("R-APP-01", "negative", "not a man", man(40, "not-male").testosterone(20), (),
     "@not-applicable"),
    ("R-APP-01", "boundary", "of age", low_man(ADULT), (), "@secondary"),
    ("R-APP-01", "boundary", "a year younger", low_man(ADULT - 1), (), "@not-applicable"),
    ("R-APP-01", "not-evaluable", "age unknown", low_man(None), (), "@not-applicable"),

    ("R-DX-01", "positive", "two mornings count", pair(200), (), "@secondary"),
    ("R-DX-01", "negative", "afternoons do not",
     man().testosterone(200, clock="not-morning").testosterone(210, -60, clock="not-morning"), (),
     "@insufficient confirm-testosterone"),
    ("R-DX-01", "boundary", "on the last day of the window",
     man().testosterone(200, -WINDOW).testosterone(210, -60).lh(3, -60).fsh(4, -60).shbg(30, -60),
     (), "@secondary"),
    ("R-DX-01", "boundary", "a day older",
     man().testosterone(200, -WINDOW - 1).testosterone(210, -60).lh(3, -60).fsh(4, -60), (),
     "@indeterminate confirm-testosterone"),
    ("R-DX-01", "not-evaluable", "no clock time",
     man().testosterone(200, clock="provisional"), (), "@insufficient ?R-DX-02"),

    ("R-DX-02", "positive", "low", pair(LOW - 1), (), "@secondary"),
    ("R-DX-02", "negative", "not low", pair(600), (), "@eugonadal"),
    ("R-DX-02", "boundary", "just below the line", pair(LOW - TINY), (), "@secondary"),
    ("R-DX-02", "boundary", "on the line free testosterone decides",
     pair(LOW).without("shbg"), (), "@indeterminate"),
    ("R-DX-02", "not-evaluable", "SHBG lacks where it decides",
     pair(LOW + 10).without("shbg"), (), "?R-DX-02"),

    ("R-DX-03", "positive", "low with LH in range", low_man(), (), "@secondary"),
    ("R-DX-03", "negative", "not low, nothing raised", normal(), (), "@eugonadal"),
    ("R-DX-03", "boundary", "LH at its limit", with_lh(LH_HIGH), (), "@secondary"),
    ("R-DX-03", "boundary", "LH above it", with_lh(LH_HIGH + TINY), (), "@primary"),
    ("R-DX-03", "not-evaluable", "no LH", low_man().without("lh"), (), "@insufficient ?R-DX-03"),

    ("R-DX-04", "positive", "a drug acts", on_drug(), (), "@on-therapy"),
    ("R-DX-04", "negative", "another drug does not", low_man().drug("levothyroxine"), (),
     "@secondary"),
    ("R-DX-04", "boundary", "the last day of the wash-out",
     low_man().drug("enclomiphene", -300, -13), (), "@indeterminate ?R-DX-04"),
    ("R-DX-04", "not-evaluable", "the medications could not be read",
     low_man().gap("MedicationRequest"), (), "@indeterminate"),

    ("R-DX-05", "positive", "LH gone without a reason", with_lh("0.2"), (), "suppressed-axis"),
    ("R-DX-05", "negative", "LH gone under hCG", man().drug("hcg").lh("0.2", -5), (),
     "!suppressed-axis"),
    ("R-DX-05", "boundary", "LH at the line", with_lh(PROTOCOL.axis.suppressed_lh), (),
     "!suppressed-axis"),
    ("R-DX-05", "boundary", "LH just below",
     with_lh(PROTOCOL.axis.suppressed_lh - TINY), (), "suppressed-axis"),
    ("R-DX-05", "not-evaluable", "LH told only as a limit",
     low_man().without("lh").lh(2, comparator="<"), (), "!suppressed-axis ?R-DX-03"),

    ("R-REF-01", "positive", "the laboratory's limit is used",
     low_man().without("lh").lh(8, lab_range=(2, 7)), (), "@primary"),
    ("R-REF-01", "negative", "without one the default is", with_lh(8), (), "@secondary"),
    ("R-REF-01", "boundary", "on the laboratory's limit",
     low_man().without("lh").lh(7, lab_range=(2, 7)), (), "@secondary"),
    ("R-REF-01", "not-evaluable", "told only as a limit across it",
     low_man().without("lh").lh(8, comparator="<", lab_range=(2, 7)), (), "?R-DX-03"),

    ("R-ELIG-STOP-01", "positive", "far above", with_lh(STOP + 1), (),
     "@severe-primary severe-primary-failure:warning"),
    ("R-ELIG-STOP-01", "negative", "testosterone not low", with_lh(STOP + 1, normal()), (),
     "@compensated !severe-primary-failure"),
    ("R-ELIG-STOP-01", "boundary", "on the line", with_lh(STOP), (),
     "@primary !severe-primary-failure"),
    ("R-ELIG-STOP-01", "boundary", "just above it", with_lh(STOP + TINY), ("clomiphene",),
     "severe-primary-failure:critical"),
    ("R-ELIG-STOP-01", "not-evaluable", "testis volume unknown with LH high",
     with_lh(LH_HIGH + 1).without("fsh").fsh(FSH_HIGH * 3), (), "?R-ELIG-STOP-01"),

    ("R-ELIG-GATE-01", "positive", "prolactin raised once",
     candidate().without("prolactin").lab("prolactin", 40), (), "=confirm-first axis-workup"),
    ("R-ELIG-GATE-01", "negative", "all settled", candidate(), (), "=candidate !axis-workup"),
    ("R-ELIG-GATE-01", "boundary", "prolactin of the last allowed day",
     candidate().without("prolactin").lab("prolactin", 8, -GATE.prolactin_days), (), "=candidate"),
    ("R-ELIG-GATE-01", "boundary", "a day older",
     candidate().without("prolactin").lab("prolactin", 8, -GATE.prolactin_days - 1), (),
     "=confirm-first"),
    ("R-ELIG-GATE-01", "not-evaluable", "no prolactin", candidate().without("prolactin"), (),
     "?R-ELIG-GATE-01"),

    ("R-ELIG-01", "positive", "a candidate", candidate(), (), "=candidate recalibration-candidate"),
    ("R-ELIG-01", "negative", "not low", normal(), (), "!recalibration-candidate"),
    ("R-ELIG-01", "boundary", "the line of testosterone", pair(LOW), (),
     "!recalibration-candidate"),
    ("R-ELIG-01", "not-evaluable", "symptoms unknown", low_man().lab("prolactin", 8), (),
     "!recalibration-candidate ?R-ELIG-SYM"),

    ("R-ELIG-02", "positive", "testosterone ordered for a candidate", candidate(),
     ("testosterone-short",), "recalibration-alternative:info"),
    ("R-ELIG-02", "negative", "not a candidate", normal(), ("testosterone-short",),
     "!recalibration-alternative"),
    ("R-ELIG-02", "boundary", "clomiphene ordered instead", candidate(), ("clomiphene",),
     "!recalibration-alternative"),
    ("R-ELIG-02", "not-evaluable", "FSH unknown", candidate().without("fsh"),
     ("testosterone-short",), "!recalibration-alternative cannot-assess"),

    ("R-ELIG-03", "positive", "ordered on a healthy axis", normal(), ("clomiphene",),
     "not-indicated:warning"),
    ("R-ELIG-03", "negative", "nothing ordered or taken", normal(), (), "!not-indicated"),
    ("R-ELIG-03", "boundary", "an inhibitor is no recalibration", normal(), ("anastrozole",),
     "!not-indicated"),
    ("R-ELIG-03", "not-evaluable", "one sample", man().testosterone(250), ("clomiphene",),
     "!not-indicated confirm-testosterone:warning"),

    ("R-ELIG-04", "positive", "primary with function left", with_lh(LH_HIGH + 1), (),
     "=specialist specialist-review:info"),
    ("R-ELIG-04", "negative", "a plain candidate", candidate(), (), "!specialist-review"),
    ("R-ELIG-04", "boundary", "FSH just above its limit",
     low_man().without("fsh").fsh(FSH_HIGH + TINY), (), "@mixed specialist-review"),
    ("R-ELIG-04", "boundary", "FSH at its limit", low_man().without("fsh").fsh(FSH_HIGH), (),
     "@secondary !specialist-review"),
    ("R-ELIG-04", "not-evaluable", "FSH unknown", low_man().without("fsh"), (),
     "!specialist-review ?R-DX-03"),

    ("R-ELIG-SYM", "positive", "a complaint", candidate(), (), "=candidate"),
    ("R-ELIG-SYM", "negative", "fatigue alone", low_man().lab("prolactin", 8).problem("fatigue"),
     (), "=confirm-first"),
    ("R-ELIG-SYM", "boundary", "over, of the last allowed day",
     low_man().lab("prolactin", 8).problem("low-libido", -GATE.recent_days, active=False), (),
     "=candidate"),
    ("R-ELIG-SYM", "boundary", "a day older",
     low_man().lab("prolactin", 8).problem("low-libido", -GATE.recent_days - 1, active=False), (),
     "=confirm-first"),
    ("R-ELIG-SYM", "not-evaluable", "nothing recorded", low_man().lab("prolactin", 8), (),
     "?R-ELIG-SYM"),

    ("R-WU-01", "positive", "iron stores high",
     candidate().without("ferritin").lab("ferritin", PROTOCOL.workup.ferritin + 1), (),
     "axis-workup:warning"),
    ("R-WU-01", "negative", "all measured", candidate(), (), "!axis-workup"),
    ("R-WU-01", "boundary", "iron stores at the line",
     candidate().without("ferritin").lab("ferritin", PROTOCOL.workup.ferritin), (),
     "!axis-workup"),
    ("R-WU-01", "not-evaluable", "no prolactin", candidate().without("prolactin"), (),
     "axis-workup:info ?R-ELIG-GATE-01"),

    ("R-FERT-01", "positive", "testosterone ordered with the wish", low_man().wishes("yes"),
     ("testosterone-topical",), "testosterone-fertility:critical"),
    ("R-FERT-01", "negative", "no wish", low_man().wishes("no"), ("testosterone-topical",),
     "!testosterone-fertility"),
    ("R-FERT-01", "boundary", "the wish without testosterone", low_man().wishes("yes"),
     ("clomiphene",), "!testosterone-fertility"),
    ("R-FERT-01", "not-evaluable", "the wish unknown: it is asked for", candidate(),
     ("testosterone-topical",),
     "!testosterone-fertility recalibration-alternative ?R-FERT-01"),

    ("R-DUP-01", "positive", "two SERMs", low_man().drug("clomiphene"), ("enclomiphene",),
     "duplicate-therapy:warning"),
    ("R-DUP-01", "negative", "a SERM with hCG", low_man().drug("clomiphene"), ("hcg",),
     "!duplicate-therapy"),
    ("R-DUP-01", "boundary", "hCG at the published dose beside testosterone",
     low_man().drug("testosterone-short").drug("hcg", per_week=ORDERS.hcg_beside_testosterone),
     (), "duplicate-therapy:info"),
    ("R-DUP-01", "boundary", "hCG above it",
     low_man().drug("testosterone-short").drug("hcg", per_week=ORDERS.hcg_beside_testosterone + 1),
     (), "duplicate-therapy:warning"),
    ("R-DUP-01", "not-evaluable", "a dose that could not be read is not within it",
     low_man().drug("testosterone-short").drug("hcg"), (), "duplicate-therapy:warning"),

    ("R-BASE-01", "positive", "hematocrit lacks", candidate().without("hematocrit"), ("hcg",),
     "baseline-incomplete:warning"),
    ("R-BASE-01", "negative", "a whole baseline", candidate(), ("clomiphene",),
     "!baseline-incomplete"),
    ("R-BASE-01", "boundary", "of the last allowed day",
     candidate().without("hematocrit").hematocrit(45, -ORDERS.baseline_days), ("hcg",),
     "!baseline-incomplete"),
    ("R-BASE-01", "boundary", "a day older",
     candidate().without("hematocrit").hematocrit(45, -ORDERS.baseline_days - 1), ("hcg",),
     "baseline-incomplete"),
    ("R-BASE-01", "not-evaluable", "a result that cannot be used is none",
     candidate().without("prolactin").unusable("prolactin"), ("hcg",), "baseline-incomplete"),

    ("A-HCT", "positive", "at the line to act", on_drug().hematocrit(HCT.warning, -5), (),
     "hematocrit-high:warning"),
    ("A-HCT", "negative", "a plain value", on_drug().hematocrit(45, -5), (), "!hematocrit-high"),
    ("A-HCT", "boundary", "just below it", on_drug().hematocrit(HCT.warning - TINY, -5), (),
     "hematocrit-high:info"),
    ("A-HCT", "boundary", "at the stop twice",
     on_drug().hematocrit(HCT.stop, -5).hematocrit(HCT.stop, -5 - HCT.confirm_min), (),
     "hematocrit-high:critical"),
    ("A-HCT", "not-evaluable", "the newest cannot be used",
     on_drug().hematocrit(56, -15).unusable("hematocrit", -5), (), "!hematocrit-high ?A-HCT"),

    ("A-VIS", "positive", "an eye problem on a SERM",
     on_drug().problem("visual-disturbance", -20), (), "visual-symptoms:critical"),
    ("A-VIS", "negative", "on hCG", on_drug("hcg").problem("visual-disturbance", -20), (),
     "!visual-symptoms"),
    ("A-VIS", "boundary", "on the first day", on_drug().problem("visual-disturbance", START), (),
     "visual-symptoms"),
    ("A-VIS", "boundary", "on the day before",
     on_drug().problem("visual-disturbance", START - 1), (), "!visual-symptoms"),
    ("A-VIS", "not-evaluable", "without a date", on_drug().problem("visual-disturbance", None),
     (), "!visual-symptoms ?A-VIS"),

    ("A-VTE", "positive", "a clot on therapy", on_drug().problem("vte", -20), (),
     "thromboembolism:critical"),
    ("A-VTE", "negative", "over", on_drug().problem("vte", -20, active=False), (),
     "!thromboembolism"),
    ("A-VTE", "boundary", "a symptom of the last allowed day",
     on_drug().problem("vte-symptom", -SAFETY.vte_symptom), (), "thromboembolism:warning"),
    ("A-VTE", "boundary", "a day older",
     on_drug().problem("vte-symptom", -SAFETY.vte_symptom - 1), (), "!thromboembolism"),
    ("A-VTE", "not-evaluable", "the diagnoses could not be read", on_drug().gap("Condition"), (),
     "!thromboembolism ?R-CA-01"),

    ("R-CA-01", "positive", "LH lacks in a man with low testosterone", candidate().without("lh"),
     (), "cannot-assess:info"),
    ("R-CA-01", "negative", "nothing is open", candidate(), (), "!cannot-assess"),
    ("R-CA-01", "boundary", "LH lacks in a man whose testosterone is not low",
     normal().without("lh"), (), "!cannot-assess"),
    ("R-CA-01", "not-evaluable", "results could not be read", on_drug().gap("Observation"), (),
     "cannot-assess ?R-CA-01"),

    ("R-DOSE-01", "positive", "above the published range",
     dosed("clomiphene", DOSE.clomiphene_high + 1), (), "dose-outside-regimen:warning"),
    ("R-DOSE-01", "negative", "within it", dosed("clomiphene", 25), (), "!dose-outside-regimen"),
    ("R-DOSE-01", "boundary", "at the upper end", dosed("clomiphene", DOSE.clomiphene_high), (),
     "!dose-outside-regimen"),
    ("R-DOSE-01", "boundary", "at the lower end", dosed("clomiphene", DOSE.clomiphene_low), (),
     "!dose-outside-regimen"),
    ("R-DOSE-01", "boundary", "below it", dosed("clomiphene", DOSE.clomiphene_low - TINY), (),
     "dose-outside-regimen"),
    ("R-DOSE-01", "not-evaluable", "timing unread", man().drug("clomiphene", START), (),
     "!dose-outside-regimen ?R-DOSE-01"),

    ("R-RESP-01", "positive", "above the ceiling", response(RESP.over + 1), (), "response-over"),
    ("R-RESP-01", "negative", "in the band", response(600), (), "!response-over"),
    ("R-RESP-01", "boundary", "at the ceiling", response(RESP.over), (), "!response-over"),
    ("R-RESP-01", "boundary", "far above it", response(RESP.far_over + 1), (),
     "response-over:critical"),
    ("R-RESP-01", "not-evaluable", "told only as a limit",
     on_drug().testosterone(800, -5, comparator=">"), (), "?R-RESP-01"),

    ("R-RESP-02", "positive", "was in the band, fell", response(600, 310), (), "response-lost"),
    ("R-RESP-02", "negative", "still in the band", response(600, 500), (), "!response-lost"),
    ("R-RESP-02", "boundary", "fell less than noise", response(500, 400), (), "!response-lost"),
    ("R-RESP-02", "not-evaluable", "another method since",
     on_drug().testosterone(600, -60, method="immunoassay").testosterone(310, -5, method="lc-ms"),
     (), "!response-lost ?R-RESP-02"),

    ("R-RESP-03", "positive", "LH answers, testosterone does not",
     response(RESP.low - 80).lh(12, -5), (), "response-testicular-failure:warning"),
    ("R-RESP-03", "positive", "LH does not answer",
     response(RESP.low - 80).lh("3.2", -5), (), "response-central-failure:warning"),
    ("R-RESP-03", "negative", "testosterone in the band", response(600).lh(12, -5), (),
     "!response-testicular-failure !response-central-failure"),
    ("R-RESP-03", "boundary", "at the line", response(RESP.low).lh(12, -5), (),
     "!response-testicular-failure response-partial"),
    ("R-RESP-03", "not-evaluable", "no LH", response(RESP.low - 80), (),
     "!response-testicular-failure ?R-RESP-03"),

    ("R-RESP-04", "positive", "low on a full dose of hCG", on_hcg(RESP.hcg_week, RESP.low - 50),
     (), "response-testicular-failure"),
    ("R-RESP-04", "negative", "in the band", on_hcg(RESP.hcg_week, 600), (),
     "!response-testicular-failure"),
    ("R-RESP-04", "boundary", "a little less hCG", on_hcg(RESP.hcg_week - 100, RESP.low - 50),
     (), "!response-testicular-failure response-partial"),
    ("R-RESP-04", "not-evaluable", "the dose unread", on_hcg(None, RESP.low - 50), (),
     "!response-testicular-failure ?R-RESP-04"),

    ("R-RESP-05", "positive", "low on a lower dose of hCG", on_hcg(3000, RESP.low - 50), (),
     "response-partial"),
    ("R-RESP-05", "negative", "in the band", on_hcg(3000, 600), (), "!response-partial"),
    ("R-RESP-05", "boundary", "just below the band", response(RESP.target - 1), (),
     "response-partial"),
    ("R-RESP-05", "boundary", "in the band by a hair", response(RESP.target), (),
     "!response-partial"),
    ("R-RESP-05", "not-evaluable", "an afternoon draw",
     on_drug().testosterone(350, -5, clock="not-morning"), (), "?R-RESP-05"),

    ("R-RESP-06", "positive", "between, and symptoms better", feeling(8, 350), (),
     "response-in-target"),
    ("R-RESP-06", "negative", "between, and no better", feeling(3, 350), (), "response-partial"),
    ("R-RESP-06", "boundary", "better by less than counts", feeling(4, 350), (),
     "response-partial"),
    ("R-RESP-06", "not-evaluable", "nobody asked: partial, and the next step named",
     response(350), (), "response-partial ?R-RESP-06"),

    ("R-RESP-07", "positive", "in the band and no better", feeling(3, 600), (),
     "response-biochemical-only"),
    ("R-RESP-07", "negative", "in the band and better", feeling(8, 600), (),
     "response-in-target"),
    ("R-RESP-07", "boundary", "better by as much as counts", feeling(5, 600), (),
     "response-in-target"),
    ("R-RESP-07", "not-evaluable", "nobody asked: by testosterone alone", response(600), (),
     "response-in-target !response-biochemical-only ?R-RESP-07"),

    ("R-MON-01", "positive", "never looked at again", man().drug("clomiphene", START), (),
     "monitoring-due"),
    ("R-MON-01", "negative", "just begun", man().drug("clomiphene", -5), (), "!monitoring-due"),
    ("R-MON-01", "boundary", "the last day of the first window",
     man().drug("clomiphene", -MON.clomiphene_first_high), (), "!monitoring-due"),
    ("R-MON-01", "boundary", "a day later",
     man().drug("clomiphene", -MON.clomiphene_first_high - 1), (), "monitoring-due"),
    ("R-MON-01", "not-evaluable", "the start unknown", man().drug("clomiphene", None), (),
     "!monitoring-due ?R-MON-01"),

    ("R-MON-02", "positive", "an order that is fine", candidate().wishes("no"), ("clomiphene",),
     "monitoring-plan:info"),
    ("R-MON-02", "negative", "nothing ordered", candidate(), (), "!monitoring-plan"),
    ("R-MON-02", "boundary", "an order that is not", candidate().problem("thrombophilia"),
     ("clomiphene",), "!monitoring-plan"),
    ("R-MON-02", "not-evaluable", "the baseline lacks", candidate().without("prolactin"),
     ("clomiphene",), "!monitoring-plan baseline-incomplete"),
]
# fmt: on


@pytest.mark.parametrize(
    ("one", "orders", "expected"),
    [
        pytest.param(
            one, orders, expected, id=f"{rule} {label}", marks=pytest.mark.rule(rule, kind)
        )
        for rule, kind, label, one, orders, expected in CASES
    ],
)
def test_a_rule(one: Man, orders: Orders, expected: str) -> None:
    found = one.judged(*orders)
    said = codes(found, course=True)
    open_rules = {item.rule for item in found.not_evaluable}
    for word in expected.split():
        if word.startswith("!"):
            assert word[1:] not in said
        elif word.startswith("?"):
            assert word[1:] in open_rules
        elif word.startswith("@"):
            assert found.axis.state == word[1:]
        elif word.startswith("="):
            assert found.recommendation.status == word[1:]
        else:
            code, _, severity = word.partition(":")
            assert code in said
            assert severity in ("", said[code])
