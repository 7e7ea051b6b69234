"""The whole way through, as a physician walks it, in a real browser over real HTTP."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from browser_steps import Ehr, app_frame, open_finding, results_of
from playwright.sync_api import Page, Route, expect

from smartapp.serve import DemoPair

pytestmark = pytest.mark.browser


def test_from_the_patient_list_to_a_removed_draft(page: Page, pair: DemoPair) -> None:
    ehr = Ehr(page, pair)

    ehr.open_chart("severe-primary")
    card = page.get_by_test_id("card").first
    expect(card).to_have_attribute("data-indicator", "warning")
    expect(card).to_contain_text("testicular failure")

    ehr.open_app()
    app = app_frame(page)
    expect(app.locator("h1")).to_contain_text(re.compile("primary", re.IGNORECASE))
    finding = app.locator("details.finding", has_text="testicular failure").first
    open_finding(finding)
    expect(finding.locator(".evidence")).to_contain_text("ng/dL")
    expect(finding.locator(".evidence")).to_contain_text("Observation/")
    expect(finding.locator(".ground")).to_contain_text("R-ELIG-STOP-01")
    sources = finding.locator(".sources a")
    expect(sources.first).to_have_attribute("href", f"{pair.app_url}/rules")
    expect(sources.last).to_have_attribute("href", re.compile("^http"))

    ehr.draft("severe-primary", "clomiphene 25 mg")
    critical = page.locator("[data-testid=card][data-indicator=critical]").first
    expect(critical).to_contain_text("testicular failure")
    page.get_by_test_id("sign").click()
    critical = page.locator("[data-testid=card][data-indicator=critical]").first
    expect(critical).to_be_visible()
    expect(page.get_by_test_id("signed")).to_have_count(0)
    critical.get_by_test_id("suggestion").filter(has_text=re.compile("remove", re.I)).click()
    expect(page.get_by_test_id("no-drafts")).to_be_visible()


def test_the_cards_link_opens_the_app_at_its_finding(page: Page, pair: DemoPair) -> None:
    ehr = Ehr(page, pair)
    ehr.open_chart("severe-primary")
    page.get_by_test_id("smart-link").first.click()
    app = app_frame(page)
    first = app.locator("details.finding").first
    expect(first).to_have_attribute("open", "")
    expect(first).to_contain_text("testicular failure")


def test_a_result_corrected_between_card_and_launch_is_told(
    page: Page, tmp_path: Path, free_ports: tuple[int, int]
) -> None:
    with DemoPair(tmp_path, *free_ports) as pair:
        ehr = Ehr(page, pair)
        ehr.open_chart("severe-primary")
        expect(page.get_by_test_id("card").first).to_contain_text("testicular failure")
        for result in results_of("severe-primary", "10501-5"):
            result["status"] = "corrected"
            result["valueQuantity"]["value"] = 3.1
            pair.correct(result)
        page.get_by_test_id("smart-link").first.click()
        app = app_frame(page)
        shown = app.locator("#shown")
        expect(shown).to_contain_text(re.compile(r"shown at \d\d:\d\d", re.IGNORECASE))
        expect(shown).to_contain_text("prefetch")
        expect(shown).to_contain_text("Severe primary testicular failure")
        expect(app.locator("h1")).not_to_contain_text("primary")
        expect(app.locator("details.finding[open]")).to_have_count(0)


def test_the_chart_is_drawn_and_speaks(page: Page, pair: DemoPair) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    ehr = Ehr(page, pair)
    ehr.open_chart("clomiphene-responding")
    ehr.open_app()
    app = app_frame(page)
    expect(app.locator("#chart svg").first).to_be_visible(timeout=30_000)
    assert problems == [], "a strict Content-Security-Policy and no script error"


def test_two_patients_in_one_browser_never_mix(page: Page, pair: DemoPair) -> None:
    first, second = Ehr(page, pair), Ehr(page.context.new_page(), pair)
    first.open_chart("severe-primary")
    second.open_chart("eugonadal")
    names = first.name, second.name
    assert names[0] != names[1]
    for ehr in (first, second):
        ehr.open_app()
        expect(app_frame(ehr.page).locator(".strip")).to_contain_text(ehr.name)
    for _ in range(2):
        for ehr, own, other in ((first, *names), (second, *reversed(names))):
            frame = app_frame(ehr.page)
            frame.locator("nav a", has_text="Table").click()
            expect(frame.locator(".strip")).to_contain_text(own)
            expect(frame.locator(".strip")).not_to_contain_text(other)
            frame.locator("nav a", has_text="Overview").click()
            expect(frame.locator(".strip")).to_contain_text(own)


def test_another_browser_cannot_open_the_launch(page: Page, pair: DemoPair) -> None:
    ehr = Ehr(page, pair)
    ehr.open_chart("severe-primary")
    ehr.open_app()
    expect(app_frame(page).locator(".strip")).to_contain_text(ehr.name)
    address = next(f.url for f in page.frames if "/chart/" in f.url and pair.app_url in f.url)
    assert page.context.browser is not None
    stranger = page.context.browser.new_context().new_page()
    answer = stranger.goto(address)
    assert answer is not None
    assert answer.status >= 400
    expect(stranger.locator("body")).not_to_contain_text(ehr.name)
    stranger.context.close()


def test_a_launch_without_the_cookie_says_so_and_offers_a_way_out(
    page: Page, pair: DemoPair
) -> None:
    """The browser throws away the cookie that the launch sets inside the frame."""

    def forget(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        kept = {k: v for k, v in answer.headers.items() if k.lower() != "set-cookie"}
        route.fulfill(status=answer.status, headers=kept, body=answer.body())

    page.route(re.compile(r"/launch\?"), forget)
    ehr = Ehr(page, pair)
    ehr.open_chart("severe-primary")
    ehr.open_app()
    app = app_frame(page)
    expect(app.locator("h1")).to_contain_text("cookie")
    expect(app.locator("a.way-out")).to_have_attribute("href", re.compile("/launch"))


def test_errors_are_readable_inside_a_frame(page: Page, pair: DemoPair) -> None:
    ehr = Ehr(page, pair)
    ehr.open_chart("severe-primary")
    ehr.open_app()
    expect(app_frame(page).locator(".strip")).to_contain_text(ehr.name)
    for path, says in (
        ("/launch?iss=https://evil.example/fhir&launch=x", "not set up"),
        ("/launch", "without a chart"),
        ("/callback?state=never-given&code=x", "cannot be continued"),
        ("/chart/never-was/", "over"),
        ("/nothing/here", "nothing at this address"),
    ):
        page.evaluate(
            "url => { document.querySelector('iframe').src = url }", f"{pair.app_url}{path}"
        )
        expect(app_frame(page).locator("body")).to_contain_text(says)


def test_the_ledger_knows_who_opened_what_and_is_whole(page: Page, pair: DemoPair) -> None:
    ehr = Ehr(page, pair)
    ehr.open_chart("eugonadal")
    ehr.open_app()
    expect(app_frame(page).locator(".strip")).to_contain_text(ehr.name)
    with sqlite3.connect(pair.home / "ledger.sqlite3") as store:
        kinds = [kind for (kind,) in store.execute("SELECT kind FROM audit ORDER BY seq")]
        opened = store.execute(
            "SELECT body FROM audit WHERE kind = 'chart-opened' ORDER BY seq DESC LIMIT 1"
        ).fetchone()[0]
    assert {"hook-answered", "chart-opened", "findings-shown"} <= set(kinds)
    assert "Practitioner/" in opened


def test_logs_of_a_walk_hold_no_name_id_or_token(
    page: Page, pair: DemoPair, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    with caplog.at_level("DEBUG"):
        ehr = Ehr(page, pair)
        ehr.open_chart("testosterone-suppressed")
        ehr.open_app()
        expect(app_frame(page).locator(".strip")).to_contain_text(ehr.name)
        ehr.draft("testosterone-suppressed", "clomiphene 50 mg")
    ours = [r for r in caplog.records if r.name.startswith("smartapp") and ".demo" not in r.name]
    written = "\n".join(r.getMessage() for r in ours)
    assert ours, "the app does write log lines"
    secrets = set(re.findall(r"(?:code|state|launch)=([^&\s]+)", " ".join(sent)))
    for secret in {*secrets, ehr.patient_id, *ehr.name.split()}:
        assert secret not in written


@pytest.mark.parametrize("client", ["hpg-monitor", "hpg-monitor-confidential"])
def test_same_site_and_under_a_path(
    page: Page, tmp_path: Path, client: str, free_ports: tuple[int, int]
) -> None:
    with DemoPair(
        tmp_path, *free_ports, base_path="/apps/hpg", same_site=True, client=client
    ) as pair:
        ehr = Ehr(page, pair)
        ehr.open_chart("severe-primary")
        expect(page.get_by_test_id("card").first).to_contain_text("testicular failure")
        page.get_by_test_id("smart-link").first.click()
        app = app_frame(page)
        expect(app.locator(".strip")).to_contain_text(ehr.name)
        expect(app.locator("details.finding").first).to_have_attribute("open", "")
        expect(app.locator("#chart svg").first).to_be_visible(timeout=30_000)
        app.locator("nav a", has_text="Not used").click()
        expect(app.locator("h1")).to_contain_text("Not used")
