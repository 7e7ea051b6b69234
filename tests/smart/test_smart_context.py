"""What comes with the token beside the patient, and how the EHR looks."""

from __future__ import annotations

from typing import Any

import pytest
import responses
from smart_ehr import APP, FHIR, Browser, Clock, Ehr, House

from smartapp.smart import Issuer, Issuers, LaunchContext
from smartapp.smart.context import ContextItem
from smartapp.smart.fhir_context import read_context
from smartapp.smart.style import contrast, style_sheet

STYLE = "https://ehr.example/styles/1.json"
DARK_ON_LIGHT = {
    "color_background": "#edeae3",
    "color_text": "#303030",
    "color_highlight": "#0b5394",
    "color_error": "#9e2d2d",
    "dim_font_size": "15px",
    "font_family_body": "Georgia, Times, 'Times New Roman', serif",
    "font_family_heading": "'Helvetica Neue', Arial",
}


def item(role: str = "launch", **parts: str) -> ContextItem:
    named = {"reference": None, "canonical": None, "identifier": None, "type": None} | parts
    return ContextItem(role=role, **named)


@pytest.mark.clause("B9.2")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (["ImagingStudy/1"], [item(reference="ImagingStudy/1")]),
        ([{"reference": "ImagingStudy/1"}], [item(reference="ImagingStudy/1")]),
        (
            [{"identifier": {"system": "urn:x", "value": "7"}, "type": "ServiceRequest"}],
            [item(identifier="urn:x|7", type="ServiceRequest")],
        ),
        (
            [{"canonical": "https://a.example/Questionnaire/1|2.0", "type": "Questionnaire"}],
            [item(canonical="https://a.example/Questionnaire/1|2.0", type="Questionnaire")],
        ),
        (
            [{"reference": "Patient/2", "role": "https://a.example/partner"}],
            [item("https://a.example/partner", reference="Patient/2")],
        ),
        ([{"reference": "Patient/2"}, "Encounter/3"], []),
        ([{"reference": "Basic/1", "role": ""}], []),
        ([{"reference": "Basic/1", "role": "partner"}], []),
        ([{"type": "Basic"}, None, 7, [], {"reference": "../x"}, {"reference": 3}], []),
        ([{"identifier": {"system": 7}}, {"identifier": "x"}], []),
        ("ImagingStudy/1", []),
        (None, []),
    ],
)
def test_what_else_was_open_comes_in_two_shapes(said: Any, kept: list[ContextItem]) -> None:
    assert list(read_context(said)) == kept


def test_a_thousand_items_are_cut() -> None:
    assert len(read_context([f"Basic/{n}" for n in range(1000)])) == 50


def launched(house: House, ehr: Ehr, **said: Any) -> tuple[Browser, LaunchContext]:
    ehr.token |= said
    browser = house.browser()
    launch = browser.open_chart()
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    with house.app.test_request_context(headers={"Cookie": f"__Host-hpg={cookie.value}"}):
        return browser, house.sessions.current(launch)


@pytest.mark.clause("B9.2")
@pytest.mark.clause("B9.4")
@pytest.mark.clause("B9.6")
@pytest.mark.clause("B9.9")
def test_context_is_kept_and_what_nobody_knows_is_no_matter(house: House, ehr: Ehr) -> None:
    _, context = launched(
        house, ehr,
        fhirContext=["ImagingStudy/1"], intent="something-new", tenant="north/7",
        authorization_details=[{}], ah_practice="Practice/1", patient_banner=7,
    )  # fmt: skip
    assert context.fhir_context == (item(reference="ImagingStudy/1"),)
    assert context.extra == {"intent": "something-new", "tenant": "north/7"}


@pytest.mark.parametrize("odd", [7, "", "x" * 300, ["order-review"], None])
def test_an_odd_intent_is_none(house: House, ehr: Ehr, odd: Any) -> None:
    _, context = launched(house, ehr, intent=odd)
    assert context.extra == {}


def sheet(browser: Browser, context: LaunchContext) -> str:
    answer = browser.get(f"/chart/{context.launch_id}/ehr-style.css")
    assert answer.status_code == 200
    assert answer.mimetype == "text/css"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return answer.text


@pytest.mark.clause("B9.5")
def test_the_ehrs_colours_come_as_a_sheet_of_ours_asked_once(
    house: House, ehr: Ehr, mock: responses.RequestsMock, clock: Clock
) -> None:
    mock.get(STYLE, json=DARK_ON_LIGHT)
    browser, context = launched(house, ehr, smart_style_url=STYLE)
    css = sheet(browser, context)
    assert "@media (prefers-color-scheme: light)" in css
    for part in ("--page: #edeae3;", "--ink: #303030;", "--link: #0b5394;", "font-size: 15px;"):
        assert part in css
    assert 'font-family: "Georgia", "Times", "Times New Roman", serif, sans-serif;' in css
    assert "9e2d2d" not in css, "the colours of findings stay ours"
    sheet(browser, context)
    assert ehr.called("styles/1.json") == 1
    clock.pass_(minutes=10)
    sheet(browser, context)
    assert ehr.called("styles/1.json") == 2


@pytest.mark.clause("B9.5")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/style.json",
        "http://ehr.example/style.json",
        "https://ehr.example@evil.example/style.json",
        "https://ehr.example.evil.example/style.json",
        "https://ehr.example:8443/style.json",
        "//ehr.example/style.json",
        "data:application/json,{}",
    ],
)
def test_a_style_from_elsewhere_is_not_fetched(
    house: House, ehr: Ehr, mock: responses.RequestsMock, url: str
) -> None:
    browser, context = launched(house, ehr, smart_style_url=url)
    asked = len(mock.calls)
    assert sheet(browser, context) == ""
    assert len(mock.calls) == asked


@pytest.mark.clause("B9.5")
@pytest.mark.parametrize(
    "broken",
    [
        {"status": 404},
        {"status": 302, "headers": {"Location": "https://evil.example"}},
        {"body": "<html>"},
        {"body": "[]"},
        {"body": "{" + '"a":1,' * 20_000 + '"b":2}'},
    ],
)
def test_a_style_that_cannot_be_had_changes_nothing(
    house: House, ehr: Ehr, mock: responses.RequestsMock, broken: dict[str, Any]
) -> None:
    mock.get(STYLE, **broken)
    browser, context = launched(house, ehr, smart_style_url=STYLE)
    assert sheet(browser, context) == ""


def test_without_a_style_nothing_is_asked_and_nobody_else_may_look(house: House, ehr: Ehr) -> None:
    browser, context = launched(house, ehr)
    assert sheet(browser, context) == ""
    stranger = house.browser()
    stranger.open_chart("another")
    assert stranger.get(f"/chart/{context.launch_id}/ehr-style.css").status_code == 410


@pytest.mark.clause("B9.5")
@pytest.mark.parametrize(
    "odd",
    [
        "red", "#12345", "#xyzxyz", "url(https://evil.example)", "#fff;} body{display:none",
        "rgb(0,0,0)", "", 7, None, ["#fff"], "expression(alert(1))",
    ],
)  # fmt: skip
def test_an_odd_colour_is_left_out(odd: Any) -> None:
    css = style_sheet(DARK_ON_LIGHT | {"color_text": odd})
    assert "--ink" not in css
    assert "--page: #edeae3;" in css
    assert "--page" not in style_sheet({"color_background": odd})


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ("15px", "15px"), ("1rem", "16px"), ("1.25em", "20px"), ("13.5px", "13.5px"),
        ("8px", None), ("40px", None), ("100%", None), ("15", None), ("15px;", None), (15, None),
        ("calc(1px)", None), ("-15px", None),
    ],
)  # fmt: skip
def test_a_font_size_is_a_readable_length(size: Any, taken: str | None) -> None:
    expected = "" if taken is None else f":root {{ font-size: {taken}; }}"
    assert style_sheet({"dim_font_size": size}) == expected


@pytest.mark.parametrize(
    "odd", ['x"; } body { }', "a, url(x)", "@import x", "", 7, "a,,b", "x" * 400, "a\\22"]
)
def test_an_odd_font_is_left_out(odd: Any) -> None:
    assert style_sheet({"font_family_body": odd, "font_family_heading": odd}) == ""


def test_what_would_be_hard_to_read_is_left_out() -> None:
    """A ground goes into the dress it fits; text that does not stand off from it stays ours."""
    assert "scheme: dark" in style_sheet({"color_background": "#101418"})
    assert style_sheet({"color_background": "#808080"}) == ""
    pale = style_sheet({"color_background": "#fff", "color_text": "#aaa"})
    assert "--page: #fff;" in pale
    assert "--ink" not in pale
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


def test_an_allow_listed_origin_may_hold_the_style(
    house: House, ehr: Ehr, mock: responses.RequestsMock
) -> None:
    elsewhere = "https://cdn.example/s.json"
    mock.get(elsewhere, json=DARK_ON_LIGHT)
    issuer = Issuer(fhir_base=FHIR, client_id="hpg-monitor", style_origins=("https://cdn.example",))
    object.__setattr__(house.sessions, "issuers", Issuers([issuer]))
    browser, context = launched(house, ehr, smart_style_url=elsewhere)
    assert "--page" in sheet(browser, context)
    assert APP not in sheet(browser, context)
