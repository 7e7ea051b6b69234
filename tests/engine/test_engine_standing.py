"""Clinical rules 1, 6, 7: to whom, the gate, and the status."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from men import Man, Number, candidate, codes, day, knowledge, low_man, man, open_codes, the

from smartapp.engine.assessment import Assessment

GATE = knowledge().protocol.gate
_PRL = knowledge().catalogue.analytes["prolactin"].default_range.high
assert _PRL is not None
PROLACTIN: Decimal = _PRL


def status(one: Man) -> str:
    return one.judged().recommendation.status


def eligible(found: Assessment) -> list[str]:
    return [o.agent for o in found.recommendation.options if o.eligible]


# -- 1


def test_the_rules_are_for_adult_men() -> None:
    adult = knowledge().protocol.applicability.adult_age
    assert candidate(adult).judged().axis.state != "not-applicable"
    for one in (candidate(adult - 1), candidate(None)):
        found = one.judged("clomiphene")
        assert found.axis.state == "not-applicable"
        assert found.recommendation.status == "cannot-assess"
        assert not found.findings


@pytest.mark.parametrize("sex", ["not-male", "unknown"])
def test_another_or_an_unknown_sex_is_not_judged(sex: str) -> None:
    one = candidate()
    one.demographics = man(35, sex).demographics
    found = one.judged("clomiphene")
    assert (found.axis.state, found.axis.reason) == ("not-applicable", "Told by the test.")
    assert not found.findings


# -- 7: the candidate, and each thing that takes him off the list


def test_the_candidate() -> None:
    found = candidate().judged()
    assert found.recommendation.status == "candidate"
    assert eligible(found) == ["clomiphene", "hcg"]
    assert codes(found) == {"recalibration-candidate": "info"}
    assert not found.not_evaluable
    (enclomiphene,) = (o for o in found.recommendation.options if o.agent == "enclomiphene")
    assert enclomiphene.blocked_by == ("not-approved",)


def test_the_summary_is_cautious() -> None:
    finding = the(candidate().judged(), "recalibration-candidate")
    assert "may be considered" in finding.summary
    assert "off-label" in finding.detail


def test_a_fertility_wish_strengthens_it() -> None:
    finding = the(candidate().wishes("yes").judged(), "recalibration-candidate")
    assert "child" in finding.summary
    assert any(e.role == "wish" for e in finding.evidence)


def test_an_unknown_wish_is_asked_for() -> None:
    fixes = the(candidate().judged(), "recalibration-candidate").fixes
    assert any(f.kind == "questionnaire" and f.code == "wishes" for f in fixes)
    settled = the(candidate().wishes("no").judged(), "recalibration-candidate").fixes
    assert not any(f.kind == "questionnaire" for f in settled)


CONFIRM_FIRST: dict[str, Callable[[], Man]] = {
    "one sample": lambda: candidate().without("testosterone").testosterone(210),
    "invalid samples": lambda: (
        candidate().without("testosterone").testosterone(210, clock="not-morning")
    ),
    "discordant samples": lambda: (
        candidate().without("testosterone").testosterone(290, -30).testosterone(360, -60)
    ),
    "SHBG needed": lambda: (
        candidate().without("testosterone", "shbg").testosterone(320, -30).testosterone(320, -60)
    ),
    "FSH missing": lambda: candidate().without("fsh"),
    "LH missing": lambda: candidate().without("lh"),
    "prolactin missing": lambda: candidate().without("prolactin"),
    "symptoms unknown": lambda: _without_problems(candidate()),
    "fatigue only": lambda: _without_problems(candidate()).problem("fatigue"),
    "diagnoses unread": lambda: candidate().gap("conditions"),
    "medications unread": lambda: candidate().gap("medicationRequests"),
    "allergies unread": lambda: candidate().gap("AllergyIntolerance"),
    "hormones unread": lambda: candidate().gap("hormones"),
    "safety results unread": lambda: candidate().gap("safety"),
    "wash-out": lambda: candidate().drug("clomiphene", -200, -1),
    "visual-field defect": lambda: candidate().problem("visual-field-defect"),
    "hyperprolactinemia": lambda: candidate().problem("hyperprolactinemia"),
    "chronic opioid": lambda: candidate().drug("opioid", -200),
    "chronic glucocorticoid": lambda: candidate().drug("glucocorticoid", -200),
    "newest hematocrit unusable": lambda: candidate().unusable("hematocrit"),
}


def _without_problems(one: Man) -> Man:
    one.problems = []
    return one


@pytest.mark.parametrize("why", CONFIRM_FIRST)
def test_confirm_first(why: str) -> None:
    found = CONFIRM_FIRST[why]().judged()
    assert found.recommendation.status == "confirm-first"
    assert eligible(found) == []
    assert "recalibration-candidate" not in codes(found)
    # Never silent: some finding or open rule says what is missing.
    assert set(codes(found)) & {"cannot-assess", "confirm-testosterone", "axis-workup"}


def test_specialist_before_not_indicated_before_confirm_first() -> None:
    assert status(candidate().without("lh").lh(12)) == "specialist"
    assert status(candidate().without("fsh").fsh(20)) == "specialist"
    assert status(candidate().without("lh").lh("0.3")) == "specialist"
    assert status(candidate().problem("intracranial-lesion")) == "specialist"
    # First match: the lesion outranks the eugonadal axis, on-therapy outranks everything.
    eugonadal = candidate().without("testosterone").testosterone(600, -30).testosterone(620, -60)
    assert status(eugonadal) == "not-indicated"
    assert status(eugonadal.problem("intracranial-lesion")) == "specialist"
    assert status(eugonadal.drug("hcg")) == "on-therapy"


def test_a_lesion_without_any_testosterone_says_nothing_of_the_axis() -> None:
    found = man().problem("intracranial-lesion").judged()
    assert (found.recommendation.status, codes(found)) == ("cannot-assess", {})


def test_low_only_by_free_testosterone_above_the_line_is_the_specialists() -> None:
    one = candidate().without("testosterone", "shbg").shbg(100).problem("prediabetes")
    one.testosterone(400, -30).testosterone(400, -60)
    assert one.judged(profile="bssm").recommendation.status == "specialist"


def test_no_data_at_all() -> None:
    found = man().judged()
    assert found.recommendation.status == "cannot-assess"
    assert not found.findings
    assert status(man().lh(4).fsh(4)) == "cannot-assess"


# -- 6: E1 and E3


@pytest.mark.parametrize(
    "concept",
    ["low-libido", "erectile-dysfunction", "depression", "gynecomastia", "osteoporosis",
     "hot-flush"],
)  # fmt: skip
def test_symptoms_that_are_enough(concept: str) -> None:
    assert status(_without_problems(candidate()).problem(concept)) == "candidate"


def test_symptoms_count_while_active_or_recent() -> None:
    def with_libido(onset: int, *, active: bool) -> Man:
        return _without_problems(candidate()).problem("low-libido", onset, active=active)

    assert status(with_libido(-4000, active=True)) == "candidate"
    assert status(with_libido(-GATE.recent_days, active=False)) == "candidate"
    assert status(with_libido(-GATE.recent_days - 1, active=False)) == "confirm-first"


def test_the_name_of_the_illness_is_no_symptom() -> None:
    named = _without_problems(candidate()).problem("hypogonadism", text="Hypogonadism")
    assert status(named) == "confirm-first"
    told = _without_problems(candidate()).problem("hypogonadism", text="Symptomatic hypogonadism")
    assert status(told) == "candidate"


SYMPTOMS = knowledge().protocol.symptoms


@pytest.mark.parametrize(
    ("tool", "item", "value", "stands"),
    [
        ("qadam", "total", SYMPTOMS.qadam, "candidate"),
        ("qadam", "total", SYMPTOMS.qadam + 1, "confirm-first"),
        ("ams", "total", SYMPTOMS.ams, "candidate"),
        ("ams", "total", SYMPTOMS.ams - 1, "confirm-first"),
        ("nrs", "libido", SYMPTOMS.scale, "candidate"),
        ("nrs", "libido", SYMPTOMS.scale + 1, "confirm-first"),
        ("nrs", "energy", SYMPTOMS.scale, "candidate"),
        ("nrs", "energy", SYMPTOMS.scale + 1, "confirm-first"),
        ("nrs", "mood", 0, "confirm-first"),
    ],
)
def test_what_he_answers_is_a_symptom(tool: str, item: str, value: Number, stands: str) -> None:
    found = _without_problems(candidate()).told(tool, item, value).judged()
    assert found.recommendation.status == stands
    if stands == "candidate":
        said = the(found, "recalibration-candidate").evidence
        assert any(e.reference.startswith("QuestionnaireResponse") for e in said)


def test_the_newest_answer_of_two_years_counts() -> None:
    low, well = SYMPTOMS.scale, SYMPTOMS.scale + 4
    asked = _without_problems(candidate()).told("nrs", "libido", low, -60)
    assert status(asked) == "candidate"
    assert status(asked.told("nrs", "libido", well, -20)) == "confirm-first"

    def once(offset: int) -> Man:
        return _without_problems(candidate()).told("nrs", "libido", low, offset)

    assert status(once(-GATE.recent_days)) == "candidate"
    assert status(once(-GATE.recent_days - 1)) == "confirm-first"


def test_who_was_asked_and_named_no_symptom_is_not_unasked() -> None:
    found = _without_problems(candidate()).told("nrs", "energy", 9).judged()
    (item,) = (n for n in found.not_evaluable if n.rule == "R-ELIG-SYM")
    assert "names none" in item.reason


def test_unknown_symptoms_are_asked_for() -> None:
    found = _without_problems(candidate()).judged()
    assert "R-ELIG-SYM" in open_codes(found)
    assert codes(found) == {"cannot-assess": "info"}
    assert any(f.kind == "questionnaire" for f in the(found, "cannot-assess").fixes)


def test_pituitary_deficiency_is_for_hcg_only_and_on_label() -> None:
    one = _without_problems(candidate()).problem("pituitary-deficiency", -3000)
    found = one.judged()
    assert found.recommendation.status == "candidate"
    assert eligible(found) == ["hcg"]
    assert codes(found) == {"recalibration-candidate": "info"}
    (hcg,) = (o for o in found.recommendation.options if o.agent == "hcg")
    assert hcg.regulatory.startswith("On-label")
    assert codes(one.judged("clomiphene"))["contraindication"] == "critical"


# -- 6: the gate


def test_very_low_testosterone_twice_needs_an_mri() -> None:
    def man_with(t: Decimal, other: Decimal) -> Man:
        one = candidate().without("testosterone", "lh").lh(3)
        return one.testosterone(t, -30).testosterone(other, -60)

    cut, tiny = GATE.mri_t, Decimal("0.1")
    found = man_with(cut - tiny, cut - tiny).judged()
    assert found.recommendation.status == "confirm-first"
    assert codes(found) == {"axis-workup": "warning"}
    assert status(man_with(cut - tiny, cut)) == "candidate"
    assert status(man_with(cut - tiny, cut - tiny).problem("pituitary-mri")) == "candidate"


def test_prolactin() -> None:
    def with_prolactin(*values: tuple[Decimal, int]) -> Man:
        one = candidate().without("prolactin")
        for value, offset in values:
            one.lab("prolactin", value, offset)
        return one

    high, tiny = PROLACTIN, Decimal("0.1")
    assert status(with_prolactin((high, -30))) == "candidate"
    assert status(with_prolactin((high, -GATE.prolactin_days))) == "candidate"
    late = with_prolactin((high, -GATE.prolactin_days - 1)).judged()
    assert codes(late) == {"axis-workup": "info"}
    once = with_prolactin((high + tiny, -30)).judged()
    assert codes(once) == {"axis-workup": "warning"}
    assert status(with_prolactin((high + tiny, -60), (high, -30))) == "candidate"
    twice = with_prolactin((high + tiny, -60), (high + tiny, -30))
    assert status(twice) == "confirm-first"
    assert status(twice.problem("endocrine-evaluation")) == "candidate"
    censored = candidate().without("prolactin").lab("prolactin", high + 5, comparator="<")
    assert status(censored) == "confirm-first"


@pytest.mark.parametrize(
    ("agent", "days"),
    [("opioid", GATE.opioid_days), ("glucocorticoid", GATE.glucocorticoid_days)],
)
def test_chronic_drugs_ask_for_the_cause_first(agent: str, days: int) -> None:
    assert status(candidate().drug(agent, -days)) == "candidate"
    assert status(candidate().drug(agent, -days - 1)) == "confirm-first"
    assert status(candidate().drug(agent, -days - 100, -1)) == "candidate"
    assert status(candidate().problem(f"{agent}-use")) == "confirm-first"


def test_lh_below_its_limit_without_a_diagnosis_is_the_specialists() -> None:
    one = candidate().without("lh").lh("1.2")
    found = one.judged()
    assert found.recommendation.status == "specialist"
    assert codes(found) == {"axis-workup": "warning"}
    assert codes(one.judged("clomiphene"))["specialist-review"] == "warning"
    assert status(one.problem("pituitary-deficiency")) == "candidate"


# -- Every agent blocked


def test_every_agent_blocked_is_not_suitable() -> None:
    found = candidate().problem("vte", -70).judged()
    assert found.recommendation.status == "not-suitable"
    assert codes(found) == {"contraindication": "warning"}
    assert eligible(found) == []


def test_one_agent_left_is_still_a_candidate() -> None:
    found = candidate().problem("liver-severe").judged()
    assert found.recommendation.status == "candidate"
    assert eligible(found) == ["hcg"]
    assert codes(found)["contraindication"] == "warning"


# -- What could not be told


def test_cannot_assess_speaks_only_to_whom_it_matters() -> None:
    assert "cannot-assess" in codes(candidate().without("lh").judged())
    eugonadal = man().testosterone(600, -30).testosterone(610, -60)
    assert "cannot-assess" not in codes(eugonadal.judged())
    assert "cannot-assess" in codes(man().problem("hypogonadism").judged())
    assert "cannot-assess" in codes(man().unusable("testosterone").judged())
    assert "cannot-assess" in codes(man().drug("clomiphene").gap("Condition").judged())


def test_cannot_assess_is_graver_at_an_order() -> None:
    found = candidate().without("lh").judged("clomiphene")
    assert the(found, "cannot-assess").severity == "warning"


def test_open_rules_name_an_order_that_would_settle_them() -> None:
    found = candidate().without("lh", "fsh").judged()
    (item,) = (n for n in found.not_evaluable if n.rule == "R-DX-03")
    assert [f.kind for f in item.fixes] == ["order-lab", "order-lab"]
    assert item.fixes[0].code == knowledge().catalogue.analytes["lh"].order_loinc


def test_an_absolute_row_that_could_not_be_excluded_is_named() -> None:
    found = candidate().unusable("hematocrit").judged()
    assert "R-CI-hematocrit-stop" in open_codes(found)
    options = {o.agent: o for o in found.recommendation.options}
    assert "not-excluded" in options["clomiphene"].blocked_by


def test_the_man_low_by_two_samples_lists_what_is_near() -> None:
    near = candidate().without("lh").lh("9.2").judged().near_misses
    assert [n.rule for n in near] == ["R-DX-03"]
    assert "9.2" in near[0].text


def test_weeks_of_therapy_run_from_the_first_dose_of_the_run() -> None:
    one = low_man().drug("clomiphene", -200, -100).drug("clomiphene", -90)
    therapy = one.judged().therapy
    assert (therapy.status, therapy.weeks) == ("recalibration", 200 // 7)
    assert [a.start for a in therapy.agents] == [day(-200), day(-90)]
    apart = low_man().drug("clomiphene", -200, -150).drug("clomiphene", -90)
    assert apart.judged().therapy.weeks == 90 // 7


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        ([], "none"),
        (["levothyroxine"], "none"),
        (["anastrozole"], "adjunct"),
        (["anabolic-steroid"], "other-androgen"),
        (["testosterone-short", "anastrozole"], "testosterone"),
        (["testosterone-short", "hcg"], "recalibration"),
    ],
)
def test_therapy_status(agents: list[str], expected: str) -> None:
    one = low_man()
    for agent in agents:
        one.drug(agent)
    assert one.judged().therapy.status == expected
