"""The axis as a picture: his values, where the block is, where drugs act, and the same in words."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any, get_args

import pytest
from conftest import NOW, Desk, build_chart, on_clomiphene, reading, series

from smartapp.dashboard import Chart
from smartapp.dashboard.axispicture import ACTS_AT, BLOCKS, AxisPicture, Station, axis_picture
from smartapp.dashboard.results import chart_results
from smartapp.engine.assessment import Axis, AxisState, Therapy
from smartapp.knowledge import Knowledge
from smartapp.labs.reading import Unused

STATES = [state for state in get_args(AxisState) if state != "not-applicable"]
PLAIN_STATES = {"eugonadal", "on-therapy", "indeterminate", "insufficient"}


def drawn_from(chart: Chart, knowledge: Knowledge) -> AxisPicture:
    made = axis_picture(chart, knowledge, chart_results(chart, knowledge.catalogue))
    assert made is not None
    return made


def picture(knowledge: Knowledge, **changes: Any) -> AxisPicture:
    return drawn_from(build_chart(**changes), knowledge)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def drawing(page: str) -> ET.Element:
    return ET.fromstring(re.findall(r'<svg class="axis".*?</svg>', page, re.DOTALL)[0])


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_told_and_marked_where_it_lies(
    state: AxisState, knowledge: Knowledge, desk: Desk
) -> None:
    made = picture(knowledge, axis=Axis(state, "Because."))
    marked = {stop.key for stop in made.stops if stop.mark}
    assert made.told
    assert marked == set(BLOCKS.get(state, ()))
    assert bool(marked) == (state not in PLAIN_STATES)
    desk.charts["launch-1"] = build_chart(axis=Axis(state, "Because."))
    page = desk.page("axis")
    assert page.count('class="station blocked"') == len(marked)
    assert made.told in text_of(page)


def test_a_central_block_is_not_placed_more_exactly_than_it_can_be(knowledge: Knowledge) -> None:
    made = picture(knowledge)
    assert [(stop.key, stop.mark) for stop in made.stops if stop.mark] == [
        ("hypothalamus", "a block may lie here"),
        ("pituitary", "a block may lie here"),
    ]


def test_his_newest_values_stand_on_the_arrows(knowledge: Knowledge) -> None:
    told = {signal.name: signal for stop in picture(knowledge).stops for signal in stop.signals}
    assert told["LH"].sentence == "LH 2.8 IU/L, in range, 10 Nov 2026, 08:10"
    assert told["Total testosterone"].value == "238 ng/dL"
    assert told["Total testosterone"].place == "below range"
    assert told["Estradiol"].value == "< 10 pg/mL"


def test_a_missing_value_is_missing_and_a_refused_newer_one_is_said(knowledge: Knowledge) -> None:
    newer = Unused("Observation/x", "no unit was sent", "lh", NOW, None, "9")
    older = replace(newer, effective=NOW.replace(year=2020))
    void = replace(newer, void=True)
    row = reading("lh", "3.1", 40)
    said = []
    for unused in (newer, older, void):
        made = picture(knowledge, series=series(row, unused=(unused,)))
        signals = {signal.name: signal for stop in made.stops for signal in stop.signals}
        said.append("could not be used" in signals["LH"].sentence)
        assert signals["FSH"].sentence == "FSH no usable result"
    assert said == [True, False, False]


def test_drugs_stand_where_they_act_taken_ones_apart_from_options(knowledge: Knowledge) -> None:
    options = picture(knowledge)
    assert {(a.name, a.status, s.key) for s in options.stops for a in s.agents} == {
        ("Clomiphene", "option", "hypothalamus"),
        ("hCG", "option", "testes"),
    }, "a blocked option is not drawn"
    _, agent = on_clomiphene()
    ended = replace(agent, agent="fsh", status="stopped")
    perhaps = replace(agent, agent="anastrozole", status="uncertain")
    shot = replace(agent, agent="testosterone-short")
    chart = build_chart()
    therapy = Therapy("recalibration", (perhaps, agent, ended, shot))
    chart = replace(chart, assessment=replace(chart.assessment, therapy=therapy))
    drawn = [
        (a.short, a.status, s.key) for s in drawn_from(chart, knowledge).stops for a in s.agents
    ]
    assert drawn == [
        ("Clomiphene", "active", "hypothalamus"),
        ("hCG", "option", "testes"),
        ("Testosterone", "active", "body"),
        ("Anastrozole", "uncertain", "body"),
    ]


def test_every_drug_that_acts_on_the_axis_has_a_place_and_words(knowledge: Knowledge) -> None:
    acting = {d.drug_class for d in knowledge.catalogue.drugs.values() if d.hpg_active}
    assert acting == set(ACTS_AT)
    assert set(ACTS_AT.values()) <= set(get_args(Station))
    for section in ("picture-drug", "picture-short"):
        assert set(knowledge.wording.phrases[section]) == acting
    assert set(knowledge.wording.phrases["picture-state"]) == set(STATES)
    assert set(knowledge.wording.phrases["picture-mark"]) == {s for s, at in BLOCKS.items() if at}


def test_the_drawing_is_well_formed_named_and_without_style(desk: Desk) -> None:
    page = desk.page("axis")
    svg = drawing(page)
    assert svg.get("role") == "img"
    assert [child.tag for child in list(svg)[:2]] == ["title", "desc"]
    assert "style=" not in page
    described = " ".join("".join(svg[1].itertext()).split())
    for sentence in ("LH 2.8 IU/L, in range", "a block may lie here", "hCG (an option) takes"):
        assert sentence in described
        assert sentence in text_of(page.partition("</svg>\n<h2>")[2]), "the same in words"


def test_a_unit_from_outside_stays_text(desk: Desk) -> None:
    row = reading("lh", "3.1", 12, original="3.1 </text><script>alert(1)</script>")
    desk.charts["launch-1"] = build_chart(series=series(row))
    page = desk.page("axis")
    assert "<script>alert" not in page
    assert "alert(1)" in "".join(drawing(page).itertext())


def test_nobody_else_is_drawn(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(axis=Axis("not-applicable", "not an adult man"))
    page = desk.page("axis")
    assert '<svg class="axis"' not in page
    assert "made for adult men" in text_of(page)
    assert "/axis" not in desk.page()


def test_the_verdict_leads_to_the_picture(desk: Desk) -> None:
    assert 'href="/chart/launch-1/axis"' in desk.page()
