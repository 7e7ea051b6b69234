"""Clinical rules 8: the matrix, row by row, with what makes each hold and what just does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from men import Man, candidate, codes, day, draft, knowledge, man, the

from smartapp.engine.assessment import Option
from smartapp.engine.axis import judge_axis
from smartapp.engine.stops import _judge, judge_stops

RULES = knowledge().protocol.contraindications
ANALYTES = knowledge().catalogue.analytes
TINY = Decimal("0.01")
AGENTS = ("clomiphene", "enclomiphene", "hcg", "fsh", "tamoxifen", "anastrozole")
Change = Callable[[Man], Man]


def uln(analyte: str) -> Decimal:
    high = ANALYTES[analyte].default_range.high
    assert high is not None
    return high


def rows(one: Man, agent: str) -> dict[str, str]:
    case = one.case()
    against = judge_stops(case, judge_axis(case), (agent,))[agent]
    return {hit.row.key: hit.grade for hit in against.hits}


def problem(concept: str, onset: int | None = -200, **more: object) -> Change:
    return lambda one: one.problem(concept, onset, **more)


def lab(analyte: str, value: Decimal | int, offset: int = -20) -> Change:
    return lambda one: one.without(analyte).lab(analyte, value, offset)


ALT, AST, BILIRUBIN = uln("alt"), uln("ast"), uln("bilirubin")
OVER = problem("vte", -184, active=True)

# row → what makes it hold, what comes near without
ROWS: dict[str, tuple[list[Change], list[Change]]] = {
    "hypersensitivity": (
        [lambda m: m.allergy("clomiphene", "hcg", "fsh", "tamoxifen", "letrozole")],
        [lambda m: m.allergy("clomiphene", "hcg", type="intolerance")],
    ),
    "intolerance": (
        [lambda m: m.allergy("enclomiphene", "hcg", "fsh", "tamoxifen", "anastrozole",
                             type="intolerance")],
        [lambda m: m.allergy("clomiphene")],
    ),
    "allergy-related-serm": (
        [lambda m: m.allergy("tamoxifen"), lambda m: m.allergy("toremifene")],
        [lambda m: m.allergy("raloxifene")],
    ),
    "severe-primary": (
        [lambda m: m.without("lh").lh(uln("lh") * 2 + TINY), problem("orchiectomy-both")],
        [lambda m: m.without("lh").lh(uln("lh") * 2)],
    ),
    "pituitary-deficiency": (
        [problem("pituitary-deficiency", active=False)],
        [problem("pituitary-other")],
    ),
    "intracranial-lesion": (
        [problem("intracranial-lesion", -3000, active=False), problem("prolactinoma")],
        [problem("intracranial-minor")],
    ),
    "intracranial-minor": ([problem("intracranial-minor")], [problem("migraine")]),
    "vte-recent": (
        [problem("vte", -RULES.vte_days), problem("vte", None), problem("vte", -5, active=None)],
        [problem("vte", -RULES.vte_days - 1), problem("vte", -5, active=False)],
    ),
    "thrombophilia": ([problem("thrombophilia", active=False)], [problem("vte-symptom")]),
    "vte-past": (
        [problem("vte", -RULES.vte_days - 1), problem("vte", -5, active=False),
         problem("vte-history")],
        [problem("vte", -RULES.vte_days)],
    ),
    "prostate-cancer": (
        [problem("prostate-cancer"), problem("prostate-uncertain"),
         problem("androgen-deprivation")],
        [problem("prostate-cancer", active=False)],
    ),
    "prostate-cancer-history": (
        [problem("prostate-cancer-history", active=False),
         problem("prostate-cancer", active=False)],
        [problem("prostate-pin")],
    ),
    "prostate-pin": ([problem("prostate-pin")], [problem("prostatic-obstruction")]),
    "psa-unreviewed": (
        [lab("psa", RULES.psa + TINY), problem("psa-elevated"), problem("prostate-nodule")],
        [lab("psa", RULES.psa), lab("psa", 9, -RULES.psa_days - 1)],
    ),
    "breast-cancer": ([problem("breast-cancer", active=False)], [problem("gynecomastia")]),
    "androgen-tumor": (
        [problem("testicular-tumor"), problem("adrenal-tumor")],
        [problem("testicular-tumor", active=False), problem("testicular-cancer-history")],
    ),
    "liver-disease": (
        [problem("liver-severe", -4000), problem("liver-severe", active=False),
         problem("viral-hepatitis", -4000), problem("viral-hepatitis", active=None)],
        [problem("liver-minor"), problem("viral-hepatitis", active=False)],
    ),
    "liver-tests-stop": (
        [lab("alt", ALT * 3 + 1), lab("ast", AST * 3 + 1),
         lab("bilirubin", BILIRUBIN * 2 + TINY)],
        [lab("alt", ALT * 3), lab("ast", AST * 3), lab("bilirubin", BILIRUBIN * 2),
         lab("alt", ALT * 9, -RULES.liver_days - 1)],
    ),
    "liver-minor": (
        [problem("liver-minor"), problem("hepatitis-history", active=False),
         problem("viral-hepatitis", active=False)],
        [problem("liver-enzymes"), problem("viral-hepatitis")],
    ),
    "liver-tests-raised": (
        [lab("alt", ALT * RULES.transaminase_caution), lab("ast", AST * 3),
         problem("liver-enzymes")],
        [lab("alt", ALT * RULES.transaminase_caution - TINY), lab("alt", ALT * 3 + 1)],
    ),
    "thyroid-adrenal": (
        [lab("tsh", RULES.tsh_stop_low - TINY), lab("tsh", RULES.tsh_stop_high + TINY),
         lambda m: m.without("tsh").problem("hyperthyroidism"),
         problem("adrenal-disease")],
        [lab("tsh", RULES.tsh_stop_low), lab("tsh", RULES.tsh_stop_high),
         problem("hyperthyroidism"),  # with a normal TSH
         lambda m: m.without("tsh").problem("hyperthyroidism").drug("antithyroid"),
         lambda m: m.problem("adrenal-disease").drug("glucocorticoid", -20),
         lambda m: m.problem("hypothyroidism").drug("levothyroxine"),
         lab("tsh", 50, -RULES.thyroid_days - 1)],
    ),
    "thyroid-adrenal-watched": (
        [lab("tsh", uln("tsh") + TINY), lab("tsh", RULES.tsh_stop_high),
         lambda m: m.problem("adrenal-disease").drug("glucocorticoid", -20)],
        [lab("tsh", uln("tsh")), lab("tsh", RULES.tsh_stop_high + TINY)],
    ),
    "eye-on-serm": (
        [lambda m: m.drug("clomiphene", -700, -600).problem("visual-disturbance", -700),
         lambda m: m.drug("clomiphene", -700, -600)
         .problem("eye-vascular", -600 + RULES.eye_days)],
        [lambda m: m.drug("clomiphene", -700, -600)
         .problem("eye-vascular", -600 + RULES.eye_days + 1),
         lambda m: m.drug("clomiphene", -700, -600).problem("visual-disturbance", -701),
         lambda m: m.drug("hcg", -700, -600).problem("visual-disturbance", -650)],
    ),
    "eye-before-serm": (
        [problem("visual-disturbance"), problem("eye-vascular", active=False),
         lambda m: m.drug("clomiphene", -700, -600).problem("visual-disturbance", -701)],
        [lambda m: m.drug("clomiphene", -700, -600).problem("visual-disturbance", -650)],
    ),
    "eye-vascular-hcg": ([problem("eye-vascular")], [problem("visual-disturbance")]),
    "hematocrit-stop": (
        [lab("hematocrit", RULES.hematocrit_stop)],
        [lab("hematocrit", RULES.hematocrit_stop - TINY),
         lab("hematocrit", 58, -RULES.hematocrit_days - 1)],
    ),
    "polycythemia-vera": ([problem("polycythemia-vera")], [problem("secondary-polycythemia")]),
    "hematocrit-relative": (
        [lab("hematocrit", RULES.hematocrit_relative),
         lab("hematocrit", RULES.hematocrit_stop - TINY)],
        [lab("hematocrit", RULES.hematocrit_relative - TINY),
         lab("hematocrit", RULES.hematocrit_stop)],
    ),
    "androgen-current": (
        [lambda m: m.drug("testosterone-topical"), lambda m: m.drug("anabolic-steroid")],
        [lambda m: m.drug("testosterone-topical", -800, -700),
         lambda m: m.drug("testosterone-topical", status="uncertain")],
    ),
    "gnrh": ([lambda m: m.drug("gnrh-analogue")], [lambda m: m.drug("gnrh-analogue", -900, -800)]),
    "opioid-chronic": (
        [lambda m: m.drug("opioid", -200), problem("opioid-use")],
        [lambda m: m.drug("opioid", -20),
         lambda m: m.drug("opioid", -200).without("testosterone")],
    ),
    "glucocorticoid-chronic": (
        [lambda m: m.drug("glucocorticoid", -200)],
        [lambda m: m.drug("glucocorticoid", -20)],
    ),
    "prolactin-raiser": (
        [lambda m: m.drug("prolactin-raiser")],
        [lambda m: m.drug("prolactin-raiser", -200, -100)],
    ),
    "cardiac": (
        [problem("heart-failure"), problem("stroke", -RULES.event_days),
         problem("myocardial-infarction", -5, active=False), problem("tia", None)],
        [problem("heart-failure", active=False), problem("stroke", -RULES.event_days - 1),
         problem("tia", None, active=False)],
    ),
    "reversible-cause": (
        [problem("obesity"), problem("type-2-diabetes"), problem("sleep-apnea"),
         lab("bmi", RULES.bmi)],
        [lab("bmi", RULES.bmi - TINY), problem("prediabetes")],
    ),
    "urinary-obstruction": ([problem("prostatic-obstruction")], [
        problem("prostatic-obstruction", active=False)]),
    "fluid-sensitive": (
        [problem(c) for c in ("asthma", "migraine", "epilepsy", "renal-disease")],
        [problem("asthma", active=False)],
    ),
    "mood": (
        [problem(c) for c in ("depression", "bipolar", "suicidality")],
        [problem("depression", active=False)],
    ),
    "triglycerides": (
        [lab("triglycerides", RULES.triglycerides + 1), problem("hypertriglyceridemia")],
        [lab("triglycerides", RULES.triglycerides)],
    ),
    "osteoporosis": ([problem("osteoporosis")], [problem("osteoporosis", active=False)]),
    "porphyria": ([problem("porphyria", active=False)], [problem("hemochromatosis")]),
    "precocious-puberty": ([problem("precocious-puberty")], [
        problem("precocious-puberty", active=False)]),
    "fsh-high": ([lab("fsh", uln("fsh") * 2 + TINY)], [lab("fsh", uln("fsh") * 2)]),
    "warfarin": ([lambda m: m.drug("warfarin")], [lambda m: m.drug("anticoagulant")]),
    "lh-high-normal": ([lab("lh", uln("lh"))], [lab("lh", 4), lab("lh", uln("lh") + TINY)]),
    "unapproved": ([lambda m: m], []),
}  # fmt: skip

MATRIX = {row.key: row for row in knowledge().matrix}


def test_every_row_is_tried() -> None:
    assert set(ROWS) == set(MATRIX)


def rows_of(*kinds: str, among: Iterable[str] = ROWS) -> list[Any]:
    """Each row, marked as a case of its rule."""
    return [
        pytest.param(key, id=key, marks=[pytest.mark.rule(f"R-CI-{key}", kind) for kind in kinds])
        for key in among
    ]


@pytest.mark.parametrize("key", rows_of("positive"))
def test_a_row_holds_for_its_agents_with_its_grade(key: str) -> None:
    for change in ROWS[key][0]:
        for agent in AGENTS:
            held = rows(change(candidate()), agent).get(key)
            assert held == MATRIX[key].grades.get(agent), (agent, change)


@pytest.mark.parametrize(
    "key", rows_of("negative", "boundary", among=[key for key in ROWS if ROWS[key][1]])
)
def test_a_row_does_not_hold_just_short_of_it(key: str) -> None:
    for change in ROWS[key][1]:
        for agent in AGENTS:
            assert key not in rows(change(candidate()), agent), (agent, change)


ABSOLUTE = [(key, agent) for key, row in MATRIX.items() for agent, g in row.grades.items()
            if g == "A" and agent in ("clomiphene", "enclomiphene", "hcg")]  # fmt: skip


@pytest.mark.parametrize(("key", "agent"), ABSOLUTE)
def test_an_absolute_row_takes_the_option_away_and_stops_the_order(key: str, agent: str) -> None:
    one = ROWS[key][0][0](candidate())
    found = one.judged(agent)
    (option,) = (o for o in found.recommendation.options if o.agent == agent)
    assert not option.eligible
    assert key in option.blocked_by
    critical = [f for f in found.findings if f.severity == "critical" and f.card]
    assert critical
    assert any(f.kind == "remove-order" for finding in critical for f in finding.fixes)


def test_the_matrix_agrees_with_the_rules_where_they_name_the_agents() -> None:
    grades = {key: row.grades for key, row in MATRIX.items()}
    vte = grades["vte-recent"]
    assert {vte[a] for a in ("clomiphene", "enclomiphene", "tamoxifen", "hcg")} == {"A"}
    assert vte["anastrozole"] == "P"
    assert "hcg" not in grades["pituitary-deficiency"]
    assert grades["prostate-cancer-history"]["hcg"] == "A"
    assert grades["prostate-cancer-history"]["clomiphene"] == "R"
    assert set(grades["hematocrit-stop"].values()) == {"A"}
    serms = {"clomiphene", "enclomiphene", "tamoxifen"}
    assert grades["androgen-current"] == dict.fromkeys(serms | {"hcg", "hcg-alfa"}, "R")
    for row, urinary in (("intracranial-lesion", "R"), ("thyroid-adrenal", "P")):
        assert (grades[row]["hcg"], grades[row]["hcg-alfa"]) == (urinary, "A")


def test_what_stops_by_a_result_offers_its_repeat() -> None:
    one = candidate().without("hematocrit").hematocrit(55)
    fixes = the(one.judged(), "contraindication").fixes
    assert [f.text for f in fixes if f.kind == "order-lab"] == ["Order Hematocrit"]


def test_recombinant_hcg_is_stopped_where_its_label_stops_it() -> None:
    one = candidate().lab("tsh", 15)
    assert codes(one.judged("hcg"))["precaution"] == "info"
    assert codes(one.judged("hcg-alfa"))["contraindication"] == "critical"


@pytest.mark.parametrize(
    ("gap", "agent"), [("Condition", "clomiphene"), ("AllergyIntolerance", "hcg")]
)
def test_what_could_not_be_read_excludes_nothing(gap: str, agent: str) -> None:
    case = candidate().gap(gap).case()
    against = judge_stops(case, judge_axis(case), (agent,))[agent]
    assert against.unclear
    assert not against.absolute


# Holds for every man, whatever is known of him.
ALWAYS = {"unapproved"}


@pytest.mark.parametrize(
    "key", rows_of("not-evaluable", among=[key for key in ROWS if key not in ALWAYS])
)
def test_a_row_of_which_nothing_could_be_read_is_left_open(key: str) -> None:
    one = man()
    for kind in ("Condition", "MedicationRequest", "AllergyIntolerance", "Observation", "safety"):
        one.gap(kind)
    case = one.case()
    row = MATRIX[key]
    assert _judge(case, judge_axis(case), row, next(iter(row.grades))).answer is None


def test_the_newest_result_withheld_excludes_nothing() -> None:
    case = candidate().unusable("hematocrit").case()
    against = judge_stops(case, judge_axis(case), ("hcg",))["hcg"]
    assert [row.key for row in against.unclear] == ["hematocrit-stop"]


# -- How it is said


def test_one_finding_a_row_names_every_agent_it_stands_against() -> None:
    found = candidate().problem("thrombophilia").judged()
    finding = the(found, "contraindication")
    assert (finding.severity, finding.card, finding.agent) == ("warning", True, None)
    assert "clomiphene and hCG" in finding.summary
    assert finding.evidence[0].reference.startswith("Condition/thrombophilia")


def test_nothing_is_said_to_a_man_who_is_no_candidate() -> None:
    one = candidate().without("testosterone").testosterone(600, -30).testosterone(620, -60)
    assert codes(one.problem("thrombophilia").judged()) == {}


def test_a_stop_is_critical_while_the_drug_is_taken() -> None:
    one = candidate().drug("clomiphene").problem("thrombophilia")
    assert the(one.judged(), "contraindication").severity == "critical"
    unsure = candidate().drug("clomiphene", status="uncertain").problem("thrombophilia")
    assert "contraindication" not in codes(unsure.judged())


def test_precautions() -> None:
    obese = candidate().problem("obesity")
    assert the(obese.judged(), "precaution").severity == "info"
    assert the(obese.judged(), "precaution").decision == "suitability"
    assert the(obese.judged("clomiphene"), "precaution").severity == "info"
    cyst = candidate().problem("intracranial-minor")
    assert the(cyst.judged(), "precaution").severity == "info"
    assert the(cyst.judged("clomiphene"), "precaution").severity == "warning"
    assert "Relative" in the(cyst.judged("clomiphene"), "precaution").summary
    taken = candidate().drug("clomiphene").problem("intracranial-minor")
    assert the(taken.judged(), "precaution").severity == "warning"
    assert "precaution" not in codes(candidate().drug("clomiphene").problem("obesity").judged())


def test_a_draft_regimen_needs_an_agent_free_of_relative_rows_too() -> None:
    def regimens(one: Man) -> tuple[str, ...]:
        return one.wishes("no").judged().recommendation.options[0].regimens

    assert regimens(candidate()) == ("clomiphene-25-qod", "clomiphene-25-daily")
    assert regimens(candidate().problem("intracranial-minor")) == ()
    assert regimens(candidate().without("hematocrit")) == ()
    assert regimens(candidate().problem("obesity")) != ()


def test_a_tsh_told_only_as_a_limit_excludes_no_thyroid_far_out_of_range() -> None:
    for comparator, limit in (("<", "0.3"), (">", "5")):
        one = candidate().without("tsh").lab("tsh", limit, -20, comparator=comparator)
        clomiphene = one.judged().recommendation.options[0]
        assert not clomiphene.eligible
        assert "not-excluded" in clomiphene.blocked_by
    within = candidate().without("tsh").lab("tsh", "0.05", -20, comparator="<")
    assert "thyroid-adrenal" in rows(within, "clomiphene")


def test_what_the_baseline_lacks_is_a_caution_and_closes_no_option() -> None:
    """Rules 10 want it before a draft; of a man who was not tested no stop is known."""

    def options(one: Man) -> dict[str, Option]:
        return {o.agent: o for o in one.judged().recommendation.options}

    whole = options(candidate(45))["clomiphene"]
    assert (whole.eligible, "not-measured" in whole.cautions) == (True, False)
    assert whole.regimens
    bare = options(candidate(45).without("hematocrit", "alt", "psa"))
    serm, hcg = bare["clomiphene"], bare["hcg"]
    assert (serm.eligible, serm.regimens, hcg.eligible) == (True, (), True)
    assert serm.cautions[-1] == hcg.cautions[-1] == "not-measured"
    said = "not yet measured: Hematocrit, Alanine aminotransferase, Prostate-specific antigen"
    assert serm.caution_words[-1].startswith(said)
    assert "Alanine" not in hcg.caution_words[-1]
    young = options(candidate(30).without("psa"))
    assert "not-measured" not in young["clomiphene"].cautions
    # An AST will do; and what is no option is not told to be measured for it.
    assert "not-measured" not in options(candidate().without("alt").lab("ast", 20))["hcg"].cautions
    assert "not-measured" not in bare["enclomiphene"].cautions


def test_a_drug_that_may_still_be_taken_is_not_excluded() -> None:
    """An older order of it stands as active, although a newer one ended."""

    def disputed(agent: str) -> Man:
        one = candidate().drug(agent, -1500, -1200)
        one.episodes[-1] = replace(one.episodes[-1], disputed=True)
        return one

    found = disputed("gnrh-analogue").judged()
    assert found.recommendation.status == "confirm-first"
    assert all("not-excluded" in o.blocked_by for o in found.recommendation.options)
    ordered = disputed("gnrh-analogue").judged(draft("clomiphene"))
    said = next(f for f in ordered.findings if f.code == "cannot-assess")
    assert (said.severity, said.card) == ("warning", True)
    assert disputed("warfarin").judged().recommendation.status == "candidate"
    over = candidate().drug("gnrh-analogue", -1500, -1200).judged()
    assert over.recommendation.status == "candidate"


def test_a_diagnosis_that_is_over_since_nobody_knows_when_is_marked() -> None:
    def note(**more: Any) -> str:
        found = candidate().problem("vte", -900, active=False, **more).judged()
        said = (e for f in found.findings for e in f.evidence)
        return next(e.note or "" for e in said if e.reference.startswith("Condition/vte"))

    assert note() == ("vte; over since a day nobody wrote down: known only as it stands today")
    assert note(abated=day(-800)) == "vte"
