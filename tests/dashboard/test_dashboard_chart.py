"""The one spec: what it draws, on which axes, and that it renders."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, Desk, build_chart, on_clomiphene, reading, series
from msgspec import structs

from smartapp.dashboard.chart import Chart
from smartapp.dashboard.drawing import bundle
from smartapp.dashboard.lanes import Lanes, lanes
from smartapp.dashboard.results import chart_results, placed
from smartapp.dashboard.spec import spec
from smartapp.engine.assessment import Axis
from smartapp.knowledge import Knowledge
from smartapp.labs.reading import Range
from smartapp.patient.record import Dose, TherapyTimeline


def drawn(chart: Chart, knowledge: Knowledge) -> Lanes:
    return lanes(chart, knowledge, chart_results(chart, knowledge.catalogue))


def points(made: Lanes, key: str) -> list[dict[str, Any]]:
    return made.datasets[f"points_{key}"]


def test_lanes_keep_one_order_and_name_what_is_absent(knowledge: Knowledge) -> None:
    chart = build_chart(series=series(reading("psa", "1", 9), reading("lh", "3", 9)))
    made = drawn(chart, knowledge)
    assert [lane.key for lane in made.shape.hormones] == ["lh"]
    assert [lane.key for lane in made.shape.safety] == ["psa"]
    assert made.absent == ("Total testosterone", "FSH", "Estradiol", "SHBG")


def test_each_axis_names_its_unit(knowledge: Knowledge) -> None:
    titles = [lane.title for lane in drawn(build_chart(), knowledge).shape.lanes]
    assert any("(ng/dL)" in title for title in titles)
    assert all("(" in title for title in titles)


def test_lh_turns_logarithmic_only_when_it_spans_more_than_ten_times(knowledge: Knowledge) -> None:
    near = build_chart(series=series(reading("lh", "2", 90), reading("lh", "20", 9)))
    far = build_chart(series=series(reading("lh", "2", 90), reading("lh", "20.1", 9)))
    assert not drawn(near, knowledge).shape.hormones[0].log
    lane = drawn(far, knowledge).shape.hormones[0]
    assert lane.log
    assert "log scale" in lane.title


def test_a_zero_keeps_the_axis_linear(knowledge: Knowledge) -> None:
    chart = build_chart(series=series(reading("lh", "0", 90), reading("lh", "20", 9)))
    assert not drawn(chart, knowledge).shape.hormones[0].log


def test_marks_say_by_shape_what_a_result_is(knowledge: Knowledge) -> None:
    chart = build_chart(
        series=series(
            reading("testosterone", "212", 60),
            reading("testosterone", "400", 50, clock="not-morning"),
            reading("testosterone", "10", 40, comparator="<", low=None, original="< 10 ng/dL"),
            reading("testosterone", "1000", 30),
            reading("testosterone", "400", 20, effective=date(2026, 11, 2), clock="provisional"),
            reading("testosterone", "400", 10, status="preliminary"),
        )
    )
    rows = points(drawn(chart, knowledge), "testosterone")
    assert [row["shape"] for row in rows] == ["low", "in", "under", "high", "day", "in"]
    assert [row["solid"] for row in rows] == [True, False, True, True, False, False]
    assert rows[-1]["label"] == "400 P"


def test_a_censored_result_is_placed_only_where_its_whole_interval_lies() -> None:
    limit = reading("estradiol", "10", 1, comparator="<", low=None)
    assert placed(limit, Range(Decimal(5), Decimal(40), "laboratory", "")) == "unknown"
    assert placed(limit, Range(Decimal(11), Decimal(40), "laboratory", "")) == "low"
    assert placed(limit, None) == "unknown"


def test_what_cannot_be_compared_is_a_grey_square_and_not_in_range(knowledge: Knowledge) -> None:
    chart = build_chart(series=series(reading("lh", "4", 30, range=None)))
    (point,) = points(drawn(chart, knowledge), "lh")
    assert (point["shape"], point["place"]) == ("unknown", "unknown")
    assert "not compared" in point["say"]


def test_mens_ranges_and_limits_are_not_laid_on_somebody_else(knowledge: Knowledge) -> None:
    own = reading("estradiol", "71", 30)
    ours = structs.replace(
        reading("testosterone", "54", 30), range=Range(Decimal(264), Decimal(916), "default", "")
    )
    chart = build_chart(
        series=series(own, ours), axis=Axis("not-applicable", "Administrative gender is female.")
    )
    made = drawn(chart, knowledge)
    assert [row["place"] for row in points(made, "testosterone")] == ["unknown"]
    assert made.datasets["bands_testosterone"] == []
    assert made.datasets["limits_testosterone"] == []
    assert [row["place"] for row in points(made, "estradiol")] == ["high"]


def test_the_lane_of_the_gravest_finding_stands_among_the_hormones(knowledge: Knowledge) -> None:
    lanes_ = drawn(build_chart(), knowledge).shape
    assert [lane.key for lane in lanes_.hormones][:4] == [
        "testosterone", "lh", "fsh", "hematocrit",
    ]  # fmt: skip
    assert "hematocrit" not in [lane.key for lane in lanes_.safety]


def test_a_result_from_another_age_does_not_squeeze_the_axis(knowledge: Knowledge) -> None:
    chart = build_chart(
        series=series(
            reading("lh", "3", 9),
            reading("lh", "4", 30, effective=date(1, 1, 1)),
            reading("lh", "4", 20, effective=date(9999, 12, 31)),
        )
    )
    made = drawn(chart, knowledge)
    assert made.outside == 2
    assert len(points(made, "lh")) == 1


def test_no_line_joins_results_of_different_methods(knowledge: Knowledge) -> None:
    chart = build_chart(
        series=series(
            reading("testosterone", "300", 90, method="immunoassay"),
            reading("testosterone", "310", 60, method="lc-ms"),
            reading("testosterone", "320", 30, method="lc-ms"),
        )
    )
    assert [row["part"] for row in points(drawn(chart, knowledge), "testosterone")] == [0, 1, 1]


def test_the_band_steps_where_the_laboratorys_range_changes(knowledge: Knowledge) -> None:
    other = Range(Decimal(2), Decimal(9), "laboratory", "")
    chart = build_chart(
        series=series(
            reading("lh", "3", 90), reading("lh", "4", 60), reading("lh", "4", 30, range=other)
        )
    )
    bands = drawn(chart, knowledge).datasets["bands_lh"]
    assert [(band["lo"], band["hi"]) for band in bands] == [(1.7, 8.6), (2.0, 9.0)]
    assert bands[0]["t2"] == bands[1]["t"]


def test_an_unused_result_is_a_cross_and_never_a_value(knowledge: Knowledge) -> None:
    made = drawn(build_chart(), knowledge)
    cross = next(row for row in points(made, "testosterone") if row["shape"] == "unused")
    assert cross["y"] == made.params["lo_testosterone"]
    assert "suspected to be nmol/L" in cross["say"]


def test_limits_carry_their_words(knowledge: Knowledge) -> None:
    made = drawn(build_chart(), knowledge)
    cuts = [knowledge.protocol.hematocrit.warning, knowledge.protocol.hematocrit.stop]
    assert [row["y"] for row in made.datasets["limits_hematocrit"]] == [float(c) for c in cuts]
    title = next(lane.title for lane in made.shape.lanes if lane.key == "hematocrit")
    assert all(str(cut) in title for cut in cuts)


def test_a_bar_says_as_much_of_the_dose_as_fits(knowledge: Knowledge) -> None:
    running, _ = on_clomiphene()
    other_days = Dose(Decimal(25), "mg", Decimal("12.5"), "25 mg every other day", Decimal("87.5"))
    long = replace(running, start=date(2026, 1, 1), dose=other_days)
    short = replace(running, start=date(2026, 11, 1))
    (bar,) = drawn(build_chart(therapy=TherapyTimeline((long,))), knowledge).datasets["therapy"]
    assert bar["inside"] == "Clomiphene 25 mg (12.5 mg a day)"
    (bar,) = drawn(build_chart(therapy=TherapyTimeline((short,))), knowledge).datasets["therapy"]
    assert (bar["inside"], bar["before"]) == ("", "Clomiphene 25 mg")
    assert "25 mg daily" in bar["say"]


def test_therapy_bars_show_what_goes_on_and_what_is_not_known(knowledge: Knowledge) -> None:
    running, _ = on_clomiphene()
    chart = build_chart(
        therapy=TherapyTimeline((replace(running, status="uncertain", start=None), running))
    )
    unsure, sure = drawn(chart, knowledge).datasets["therapy"]
    assert (unsure["sure"], unsure["goes_on"]) == (False, False)
    assert (sure["sure"], sure["goes_on"]) == (True, True)
    assert "start not known" in unsure["when"]


def test_a_future_start_does_not_break_the_axis(knowledge: Knowledge) -> None:
    running, _ = on_clomiphene()
    soon = replace(running, start=NOW.date() + timedelta(days=20))
    made = drawn(build_chart(therapy=TherapyTimeline((soon,))), knowledge)
    assert made.params["t1"] > made.params["t0"]
    assert made.datasets["therapy"][0]["t"] <= made.datasets["therapy"][0]["t2"]


def test_the_server_draws_what_the_page_draws(desk: Desk) -> None:
    svg = desk.page("chart.svg")
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    for text in ("Total testosterone (ng/dL)", "LH (IU/L)", "238", "&lt;10"):
        assert text in svg
    assert 'aria-label="Total testosterone 238 ng/dL, below range' in svg


def test_the_spec_is_authored_once_per_shape(knowledge: Knowledge) -> None:
    made = drawn(build_chart(), knowledge)
    one, two = spec(made), spec(replace(made, datasets={**made.datasets, "times": []}))
    assert one["vconcat"] is two["vconcat"]
    assert two["datasets"]["times"] == []
    dark = spec(made, "dark")
    assert dark["config"]["background"] != one["config"]["background"]


def test_a_chart_without_lanes_is_refused(knowledge: Knowledge) -> None:
    with pytest.raises(ValueError, match="at least one lane"):
        spec(drawn(build_chart(series={}), knowledge))


def test_figures_in_the_spec_are_numbers_and_times_are_utc_wall_clock(desk: Desk) -> None:
    data = json.loads(desk.get("chart.json").data)["datasets"]
    newest = data["points_lh"][-1]
    assert newest["y"] == 2.8
    assert newest["t"] == "2026-11-10T08:10:00Z"


def test_the_script_is_one_module_kept_for_ever(desk: Desk, chart_home: Path) -> None:
    client = desk.app.test_client()
    first = client.get("/chart-assets/vega-embed.js")
    assert first.status_code == 303
    address = first.headers["Location"]
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.mimetype == "text/javascript"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < 400_000
    assert b"export{" in plain.data[-200:]
    assert client.get("/chart-assets/vega-embed.0000.js").status_code == 404
    assert f'data-embed="{address}"' in desk.page()


def test_a_damaged_script_is_made_again(chart_home: Path) -> None:
    made = bundle(chart_home)
    content = made.path.read_bytes()
    made.path.write_bytes(content[:100])
    again = bundle(chart_home)
    assert again == made
    assert again.path.read_bytes() == content
