"""Generated men: what must hold of every one of them. The oracle reads the generated facts."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from men import AS_OF, Man, draft, knowledge, man

from smartapp.engine import assess, to_json

ABSOLUTE_FOR_SERM = ("thrombophilia", "liver-severe", "breast-cancer", "polycythemia-vera")
ABSOLUTE_FOR_HCG = ("thrombophilia", "prostate-cancer", "breast-cancer", "polycythemia-vera")
CONCEPTS = (
    *{*ABSOLUTE_FOR_SERM, *ABSOLUTE_FOR_HCG},
    "low-libido", "fatigue", "obesity", "klinefelter", "orchiectomy-both", "visual-disturbance",
    "pituitary-deficiency", "depression", "vte",
)  # fmt: skip
DRUGS = ("clomiphene", "hcg", "testosterone-short", "anastrozole", "opioid", "levothyroxine")
OFFSETS = st.integers(-400, 0)
TESTOSTERONE = st.decimals(30, 900, places=1)


@st.composite
def men(draw: st.DrawFn) -> Man:
    one = man(draw(st.sampled_from([25, 38, 52, 70])))
    for value, offset in draw(st.lists(st.tuples(TESTOSTERONE, OFFSETS), max_size=4)):
        clock = draw(st.sampled_from(["morning", "morning", "morning", "not-morning"]))
        one.testosterone(value, offset, clock=clock)
        if draw(st.booleans()):
            one.lh(draw(st.decimals("0.1", 60, places=1)), offset)
        if draw(st.booleans()):
            one.fsh(draw(st.decimals("0.1", 60, places=1)), offset)
    if draw(st.booleans()):
        one.shbg(draw(st.integers(8, 110)), draw(OFFSETS))
    if draw(st.booleans()):
        one.lab("prolactin", draw(st.integers(2, 60)), draw(OFFSETS))
    for value in draw(st.lists(st.integers(38, 62), max_size=3)):
        one.hematocrit(value, draw(OFFSETS))
    for concept in draw(st.lists(st.sampled_from(CONCEPTS), max_size=4)):
        one.problem(concept, draw(st.one_of(st.none(), OFFSETS)))
    for agent in draw(st.lists(st.sampled_from(DRUGS), max_size=2)):
        one.drug(agent, draw(OFFSETS))
    return one.wishes(draw(st.sampled_from(["yes", "no", "unknown"])))


def likely_candidate(draw: Any) -> Man:
    """A man built to be a candidate, so that the stops below are truly met."""
    one = man(35).testosterone(draw(st.decimals(151, 229, places=1)), -30)
    one.testosterone(draw(st.decimals(151, 229, places=1)), -60)
    one.lh(draw(st.decimals("1.8", "9.3", places=1))).fsh(4).lab("prolactin", 8).hematocrit(45)
    return one.problem("low-libido")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_never_an_option_that_is_absolutely_stopped(data: st.DataObject) -> None:
    one = likely_candidate(data.draw)
    assert one.judged().recommendation.status == "candidate"
    concept = data.draw(st.sampled_from(sorted({*ABSOLUTE_FOR_SERM, *ABSOLUTE_FOR_HCG})))
    found = one.problem(concept).judged()
    options = {o.agent: o for o in found.recommendation.options}
    if concept in ABSOLUTE_FOR_SERM:
        assert not options["clomiphene"].eligible
        assert not options["enclomiphene"].eligible
    if concept in ABSOLUTE_FOR_HCG:
        assert not options["hcg"].eligible


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_never_a_candidate_with_severe_primary_failure(data: st.DataObject) -> None:
    one = likely_candidate(data.draw)
    if data.draw(st.booleans()):
        one.without("lh").lh(data.draw(st.decimals("18.9", 90, places=1)))
    else:
        one.problem("orchiectomy-both")
    found = one.judged()
    assert found.recommendation.status == "not-suitable"
    assert not any(o.eligible for o in found.recommendation.options)


@given(men(), st.sampled_from([(), ("clomiphene",), ("testosterone-short",), ("hcg",)]))
@settings(max_examples=400, deadline=None)
def test_whatever_is_on_record_there_is_an_answer(one: Man, orders: tuple[str, ...]) -> None:
    found = one.judged(*orders)
    assert to_json(found)
    eligible = [o for o in found.recommendation.options if o.eligible]
    assert bool(eligible) == (found.recommendation.status == "candidate")
    told = {f.code for f in found.findings}
    assert ("recalibration-candidate" in told) == (found.recommendation.status == "candidate")
    assert len({f.id for f in found.findings}) == len(found.findings)
    for option in found.recommendation.options:
        assert option.eligible or option.blocked_by


@given(men(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_records_does_not_matter(one: Man, shuffle: random.Random) -> None:
    record = one.record()

    def mixed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(shuffle.sample(items, len(items)))

    other = replace(
        record,
        problems=mixed(record.problems),
        therapy=replace(record.therapy, episodes=mixed(record.therapy.episodes)),
        series=dict(mixed(tuple(record.series.items()))),
    )
    drafts = [draft("clomiphene")]
    assert to_json(assess(other, knowledge(), AS_OF, drafts)) == to_json(
        assess(record, knowledge(), AS_OF, drafts)
    )


@given(men(), st.sampled_from(sorted(knowledge().catalogue.conditions)))
@settings(max_examples=100, deadline=None)
def test_refuted_diagnoses_change_nothing(one: Man, concept: str) -> None:
    plain = to_json(one.judged())
    assert to_json(one.problem(concept, -10, refuted=True).judged()) == plain


@given(men())
@settings(max_examples=150, deadline=None)
def test_without_its_diagnoses_a_record_is_never_more_certain(one: Man) -> None:
    found = one.gap("Condition").judged()
    assert found.recommendation.status not in ("candidate",)
    assert not any(o.eligible for o in found.recommendation.options)


SEVERITY = {None: 0, "info": 1, "warning": 2, "critical": 3}


@given(men(), st.integers(0, 6), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_a_later_higher_hematocrit_never_lowers_its_finding(
    one: Man, more: int, offset: int
) -> None:
    known = sorted((r for r in one.labs if r.analyte == "hematocrit"), key=lambda r: r.drawn)
    if not known:
        return
    one.drug("hcg", -399)

    def severity() -> int:
        codes = {f.code: f.severity for f in one.judged().findings}
        return SEVERITY[codes.get("hematocrit-high")]

    before = severity()
    last = (known[-1].drawn - AS_OF.date()).days
    one.hematocrit(max(r.value for r in known) + more, min(0, last + offset))
    if one.labs[-1].drawn > known[-1].drawn:
        assert severity() >= before
