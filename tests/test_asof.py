"""An earlier day of a chart in the whole app: judged by the same engine, and known to the audit."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from test_picker import House, house

from smartapp.demo import Behaviour
from smartapp.ledger import Ledger, audit
from smartapp.stories import load_stories


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[House]:
    behaviour = Behaviour(oauth=False, fhir_open=True)
    zone = 'timezone = "America/New_York"'
    with house(tmp_path, behaviour, 'auth = "none"', 'profile = "hapi"', zone) as made:
        yield made


def chart_of(ehr: House, key: str) -> str:
    """The address of the chart of a story."""
    stories = {story.key: story for story in load_stories(datetime.now(UTC).date())}
    opened = ehr.get(f"/open?iss={ehr.config.fhir_base}&patient={stories[key].patient_id}")
    assert opened.status_code == 303, opened.text
    return urlsplit(opened.headers["Location"]).path


def shown_days(ehr: House) -> list[str]:
    """For which moments findings were shown, as the audit has it."""
    ledger: Ledger = ehr.client.application.extensions["ledger"]
    table = audit.audit_table.c
    with ledger.transaction() as conn:
        rows = conn.execute(
            select(table.body).where(table.kind == audit.FINDINGS_SHOWN).order_by(table.seq)
        )
        return [json.loads(body)["detail"]["as_of"][:10] for (body,) in rows]


def steps(page: str) -> dict[str, str]:
    return {rel: day for day, rel in re.findall(r'href="\?as-of=([\d-]+)" rel="(\w+)"', page)}


def test_back_through_the_results_to_the_first_and_to_today_again(ehr: House) -> None:
    chart = chart_of(ehr, "clomiphene-responding")
    page = ehr.get(chart).text
    states, visited = [], []
    while "prev" in steps(page):
        visited.append(steps(page)["prev"])
        answer = ehr.get(f"{chart}?as-of={visited[-1]}")
        assert answer.status_code == 200
        page = answer.text
        states.append(re.sub(r"<[^>]+>", "", page.partition("<h1>")[2].partition("</h1>")[0]))
    assert [state.strip() for state in states[-2:]] == [
        "Secondary hypogonadism",
        "Not settled yet",
    ]
    assert steps(page)["next"] == visited[-2]
    assert "Known only as it stands today" in html.unescape(page)
    assert shown_days(ehr)[1:] == visited, "each day is noted"
    assert "Not today" not in ehr.get(f"{chart}?").text
    ehr.get(f"{chart}table?as-of={visited[0]}")
    assert shown_days(ehr)[1:] == visited, "and noted once"


def test_a_day_to_come_is_refused_and_today_is_today(ehr: House) -> None:
    chart = chart_of(ehr, "eugonadal")
    ahead = datetime.now(UTC).date() + timedelta(days=3)
    refused = ehr.get(f"{chart}?as-of={ahead}")
    assert refused.status_code == 400
    assert "still to come" in refused.text
    today = re.findall(r'name="as-of" value="([\d-]+)"', ehr.get(chart).text)[0]
    assert "Not today" not in ehr.get(f"{chart}?as-of={today}").text
    assert ehr.get(f"{chart}chart.json?as-of={ahead}").status_code == 400
