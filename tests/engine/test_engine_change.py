"""Change against noise: the reference change values, the man's own baseline, broken series."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from math import exp, log, sqrt
from pathlib import Path

import pytest
from men import Man, day, knowledge, low_man, man

from smartapp.engine.change import change_of, own_baseline
from smartapp.engine.samples import Sample, sample_of
from smartapp.errors import KnowledgeError
from smartapp.knowledge import load
from smartapp.knowledge.protocol import Variation

NOISE = knowledge().protocol.variation
# Within-man and analytical variation, per cent (evidence base 6.4).
CV = {
    "testosterone": (16, 5), "lh": (26, 5), "fsh": (8, 4), "estradiol": (14, 8), "shbg": (7.4, 5),
}  # fmt: skip
LINEAR = {"psa": (7, 5), "albumin": (2.6, 2)}
# The rules state these rounded to whole per cent.
TOLERANCE = {"testosterone": 0.5, "lh": 0.5}


@pytest.mark.parametrize("analyte", CV)
def test_the_values_follow_from_the_variation(analyte: str) -> None:
    within, analytic = CV[analyte]
    s = sqrt(log(1 + (within**2 + analytic**2) / 10_000))
    z = 1.96 * sqrt(2) * s
    near = TOLERANCE.get(analyte, 0.06)
    assert float(getattr(NOISE, f"{analyte}_up")) == pytest.approx(100 * (exp(z) - 1), abs=near)
    assert float(getattr(NOISE, f"{analyte}_down")) == pytest.approx(100 * (1 - exp(-z)), abs=near)


@pytest.mark.parametrize("analyte", LINEAR)
def test_the_linear_ones_too(analyte: str) -> None:
    within, analytic = LINEAR[analyte]
    value = 1.96 * sqrt(2) * sqrt(within**2 + analytic**2)
    for way in ("up", "down"):
        assert float(getattr(NOISE, f"{analyte}_{way}")) == pytest.approx(value, abs=0.06)


def test_a_site_may_choose_the_other_study(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('rcv-profile = "ahokoski"\n', "utf-8")
    protocol = load(site_file=site).protocol
    assert protocol.rcv_profile == "ahokoski"
    assert (protocol.variation.testosterone_up, protocol.variation.testosterone_down) == (32, 32)
    assert protocol.variation.lh_up == NOISE.lh_up
    assert "variation.testosterone-up" in protocol.overridden
    assert "variation.lh-up" not in protocol.overridden
    assert knowledge().protocol.rcv_profile == "guldhaug"
    site.write_text('rcv-profile = "guldhaug"\n', "utf-8")
    assert load(site_file=site).protocol.overridden == ()
    site.write_text('rcv-profile = "someone"\n', "utf-8")
    with pytest.raises(KnowledgeError, match="someone"):
        load(site_file=site)


def sample(one: Man, analyte: str, place: int) -> Sample:
    reading = one.case().readings[analyte][place]
    return sample_of(reading.drawn, (reading,))


@pytest.mark.parametrize("name", [f.name for f in fields(Variation)])
def test_a_change_is_real_from_its_value_on(name: str) -> None:
    analyte, way = name.rsplit("_", 1)
    limit = getattr(NOISE, name)
    sign = 1 if way == "up" else -1
    base = Decimal(100)

    def real(percent: Decimal) -> bool | None:
        one = man().lab(analyte, base, -50).lab(analyte, base + sign * percent, -10)
        change = change_of(one.case(), sample(one, analyte, -1), sample(one, analyte, 0))
        return change.up if way == "up" else change.down

    assert real(limit) is True
    assert real(limit - Decimal("0.1")) is False


def test_a_limit_has_no_change() -> None:
    one = man().lab("lh", 3, -50).lab("lh", 1, -10, comparator="<")
    change = change_of(one.case(), sample(one, "lh", -1), sample(one, "lh", 0))
    assert (change.percent, change.up, change.down, change.broken) == (None, None, None, False)


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        ({"method": "lc-ms"}, {"method": "immunoassay"}, True),
        ({"performer": "A"}, {"performer": "B"}, True),
        ({"method": "lc-ms", "performer": "A"}, {"method": "lc-ms", "performer": "A"}, False),
        ({"method": "lc-ms"}, {}, False),
        ({}, {}, False),
    ],
)
def test_a_series_breaks_where_method_or_laboratory_changes(
    before: dict[str, str], after: dict[str, str], broken: bool
) -> None:
    one = man().lab("lh", 3, -50, **before).lab("lh", 30, -10, **after)  # type: ignore[arg-type]
    change = change_of(one.case(), sample(one, "lh", -1), sample(one, "lh", 0))
    assert change.broken is broken
    assert change.up is (None if broken else True)


def test_the_own_baseline_is_the_last_untreated_morning_before_the_start() -> None:
    one = low_man().drug("clomiphene", -20).testosterone(500, -5)
    found = own_baseline(one.case(), "testosterone", day(-20))
    assert found is not None and (found.drawn, found.span.value) == (day(-30), 210)
    on_the_day = low_man().testosterone(190, -20).drug("clomiphene", -20)
    found = own_baseline(on_the_day.case(), "testosterone", day(-20))
    assert found is not None and found.span.value == 190
    twice = low_man().testosterone(230, -30).drug("clomiphene", -20)
    found = own_baseline(twice.case(), "testosterone", day(-20))
    assert found is not None and found.span.value == 220
    afternoon = low_man().testosterone(150, -25, clock="not-morning").drug("clomiphene", -20)
    found = own_baseline(afternoon.case(), "testosterone", day(-20))
    assert found is not None and found.drawn == day(-30)


def test_no_baseline_is_taken_from_treatment_or_from_long_ago() -> None:
    window = knowledge().protocol.samples.window
    treated = man().drug("hcg", -400, -100).lab("lh", 3, -200).drug("clomiphene", -50)
    assert own_baseline(treated.case(), "lh", day(-50)) is None
    old = man().lab("lh", 3, -50 - window).drug("clomiphene", -50)
    assert own_baseline(old.case(), "lh", day(-50)) is not None
    older = man().lab("lh", 3, -51 - window).drug("clomiphene", -50)
    assert own_baseline(older.case(), "lh", day(-50)) is None
