"""Asking an EHR that refuses, wanders off, or is merely busy."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import responses

from smartapp.errors import FhirUnauthorized
from smartapp.fhir import transport
from smartapp.fhir.client import MAX_PAGES, FhirClient
from smartapp.fhir.model import Gap
from smartapp.fhir.plans import SearchPlan
from smartapp.fhir.reading import read_pages

BASE = "https://ehr.example/fhir/r4"
PAGE = '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Observation","id":"%s"}}]%s}'
LABS = SearchPlan("hormones", "Observation?patient=p1")
GOALS = SearchPlan("goals", "Goal?patient=p1")


def page(id_: str, next_: str | None = None) -> str:
    link = f',"link":[{{"relation":"next","url":"{next_}"}}]' if next_ else ""
    return PAGE % (id_, link)


@pytest.fixture
def ehr() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are written down instead of waited."""
    taken: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", taken.append)
    return taken


def client(token: str | None = "secret-token", **more: str) -> FhirClient:
    return FhirClient(BASE, token=token, **more)


# --- the plain way -----------------------------------------------------------------------------


def test_asks_with_the_token_for_fhir_json_and_keeps_the_keys(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    ehr.get(f"{BASE}/Goal?patient=p1", '{"resourceType":"Bundle"}')
    fetched = client().run([LABS, GOALS], 2)
    assert [p.key for p in fetched.pages] == ["hormones", "goals"]
    assert fetched.gaps == ()
    for call in ehr.calls:
        assert call.request.headers["Authorization"] == "Bearer secret-token"
        assert call.request.headers["Accept"] == "application/fhir+json"
        assert "secret-token" not in (call.request.url or "")


def test_an_open_server_gets_no_credentials_not_even_from_netrc(
    ehr: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine ehr.example login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    client(None).run([LABS], 2)
    client("t").run([LABS], 2)
    assert "Authorization" not in ehr.calls[0].request.headers
    assert ehr.calls[1].request.headers["Authorization"] == "Bearer t"


def test_cookies_are_neither_kept_nor_sent(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"), headers={"Set-Cookie": "s=1; Path=/"})
    for _ in range(2):
        client().run([LABS], 2)
    assert all("Cookie" not in call.request.headers for call in ehr.calls)


def test_a_hapi_server_is_asked_not_to_answer_from_its_cache(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    client(profile="hapi").run([LABS], 2)
    assert ehr.calls[0].request.headers["Cache-Control"] == "no-cache"


# --- refusals, told apart ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, "", "does not let this app or this user read it (403)"),
        (404, "", "does not have it (404)"),
        (410, "", "does not have it (410)"),
        (400, '{"resourceType":"OperationOutcome"}', "does not accept the question (400)"),
        (500, "<html>stack trace of Mr. Example</html>", "failed to answer (500)"),
        (302, "", "another address; it is not followed (302)"),
        (200, "<!DOCTYPE html><title>Login</title>", "a web page or XML"),
        (200, "  ", "an empty answer"),
        (200, "[1]", "expected an object, found a list"),
        (200, '{"resourceType":"Bundle","entry":[', "not JSON"),
    ],
)
def test_each_failure_has_its_sentence_and_hides_no_other_plan(
    ehr: responses.RequestsMock, status: int, body: str, says: str
) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    ehr.get(
        f"{BASE}/Goal?patient=p1", body, status=status, headers={"Location": "https://x.example/"}
    )
    fetched = client().run([GOALS, LABS], 2)
    [gap] = fetched.gaps
    assert (gap.what, gap.state) == ("goals", "failed")
    assert says in gap.reason
    assert "Example" not in gap.reason
    assert [o.id for o in read_pages(fetched.pages, fetched.gaps).observations] == ["a"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (requests.ConnectionError("p1"), "no connection"),
        (requests.exceptions.SSLError("p1"), "no trusted (TLS) connection"),
        (requests.ReadTimeout("p1"), "did not answer in time"),
        (requests.exceptions.InvalidURL("p1"), "no connection"),
    ],
)
def test_network_trouble_is_a_gap(ehr: responses.RequestsMock, error: Exception, says: str) -> None:
    ehr.get(f"{BASE}/Goal?patient=p1", body=error)
    [gap] = client().run([GOALS], 2).gaps
    assert says in gap.reason


def test_a_dropped_connection_is_tried_once_more(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", body=requests.ConnectionError("stale"))
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    assert len(client().run([LABS], 2).pages) == 1


def test_a_401_goes_back_to_the_caller_once_and_is_a_gap_after_the_refresh(
    ehr: responses.RequestsMock,
) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    ehr.get(f"{BASE}/Goal?patient=p1", status=401)
    with pytest.raises(FhirUnauthorized):
        client().run([LABS, GOALS], 2)
    fetched = client("new").run([LABS, GOALS], 2, refreshed=True)
    assert [p.key for p in fetched.pages] == ["hormones"]
    assert [(g.what, g.state) for g in fetched.gaps] == [("goals", "failed")]


@pytest.mark.clause("B12.5")
def test_a_401_to_everything_after_the_refresh_goes_back_too(
    ehr: responses.RequestsMock,
) -> None:
    for kind in ("Observation", "Goal"):
        ehr.get(f"{BASE}/{kind}?patient=p1", status=401)
    with pytest.raises(FhirUnauthorized):
        client("new").run([LABS, GOALS], 2, refreshed=True)


# --- busy servers ------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_when_it_said(
    ehr: responses.RequestsMock, naps: list[float]
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    ehr.get(f"{BASE}/Observation?patient=p1", status=429, headers={"Retry-After": "1"})
    ehr.get(f"{BASE}/Observation?patient=p1", status=503, headers={"Retry-After": soon})
    ehr.get(f"{BASE}/Observation?patient=p1", status=503, headers={"Retry-After": "soon"})
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    fetched = client().run([LABS], 10)
    assert len(fetched.pages) == 1
    assert 1 <= naps[0] <= 1.2
    assert 0 < naps[1] <= 2.2
    assert 0.8 <= naps[2] <= 1.0  # unreadable: our own back-off


@pytest.mark.parametrize("wait", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9" * 30])
def test_a_wait_beyond_the_deadline_is_not_waited(
    ehr: responses.RequestsMock, naps: list[float], wait: str
) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", status=503, headers={"Retry-After": wait})
    [gap] = client().run([LABS], 0.1).gaps
    assert gap.reason == "the EHR is too busy to answer now (503)"
    assert naps == []


def test_patience_has_an_end(ehr: responses.RequestsMock, naps: list[float]) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", status=429)
    [gap] = client().run([LABS], 60).gaps
    assert "(429)" in gap.reason
    assert len(ehr.calls) == 4
    assert naps == sorted(naps)


# --- pages -------------------------------------------------------------------------------------


def test_every_page_is_followed(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a", f"{BASE}/Observation?page=2"))
    ehr.get(f"{BASE}/Observation?page=2", page("b", "Observation?page=3"))  # relative
    ehr.get(f"{BASE}/Observation?page=3", page("c", f"{BASE}?_getpages=x"))  # HAPI's way
    ehr.get(f"{BASE}?_getpages=x", page("d"))
    fetched = client().run([LABS], 2)
    assert [o.id for o in read_pages(fetched.pages).observations] == ["a", "b", "c", "d"]
    assert fetched.gaps == ()


def test_the_same_origin_may_be_written_differently(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a", "https://EHR.example:443/fhir/r4/x?2"))
    ehr.get(re.compile(r"https://EHR\.example:443/fhir/r4/x", re.IGNORECASE), page("b"))
    assert len(client().run([LABS], 2).pages) == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/fhir/r4/Observation?page=2",
        "http://ehr.example/fhir/r4/Observation?page=2",
        "https://ehr.example:8443/fhir/r4/Observation?page=2",
        "https://ehr.example/admin",
        "https://ehr.example/fhir/r4evil/Observation",
        "https://ehr.example/fhir/r4/../../admin",
        "https://ehr.example/fhir/r4/%2e%2e/%2e%2e/admin",
        "https://ehr.example@evil.example/fhir/r4/x",
        "https://user@ehr.example/fhir/r4/x",
        "//evil.example/fhir/r4/x",
        "ftp://ehr.example/fhir/r4/x",
        "https://[::1/x",
        "https://ehr.example:port/fhir/r4/x",
    ],
)
def test_a_page_elsewhere_is_not_fetched_and_the_token_stays_home(
    ehr: responses.RequestsMock, link: str
) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a", link))
    fetched = client().run([LABS], 2)
    assert len(ehr.calls) == 1
    assert [(g.what, g.state) for g in fetched.gaps] == [("hormones", "partial")]
    assert len(fetched.pages) == 1


def test_pages_that_lead_back_come_to_an_end(ehr: responses.RequestsMock) -> None:
    first = f"{BASE}/Observation?patient=p1"
    ehr.get(first, page("a", f"{BASE}/Observation?page=2"))
    ehr.get(f"{BASE}/Observation?page=2", page("b", first))
    fetched = client().run([LABS], 2)
    assert len(fetched.pages) == 2
    assert fetched.gaps == (Gap("hormones", "partial", "the EHR's pages do not come to an end"),)


def test_pages_that_never_end_come_to_an_end(ehr: responses.RequestsMock) -> None:
    def more(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        number = len(ehr.calls)
        return 200, {}, page(str(number), f"{BASE}/Observation?page={number}")

    ehr.add_callback(responses.GET, re.compile(f"{BASE}/Observation"), more)
    fetched = client().run([LABS], 10)
    assert len(fetched.pages) == MAX_PAGES
    assert fetched.gaps[0].state == "partial"


def test_pages_that_swell_come_to_an_end(
    ehr: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartapp.fhir.client.MAX_BODY", 1000)
    for n in range(20):
        ehr.get(f"{BASE}/{n}" if n else f"{BASE}/{LABS.query}", page("x" * 300, f"{BASE}/{n + 1}"))
    fetched = client().run([LABS], 5)
    assert len(fetched.pages) == 3
    assert fetched.gaps == (Gap("hormones", "partial", "the EHR's answer is too large to be read"),)


def test_a_broken_second_page_keeps_the_first(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a", f"{BASE}/Observation?page=2"))
    ehr.get(f"{BASE}/Observation?page=2", status=500)
    fetched = client().run([LABS], 2)
    assert len(fetched.pages) == 1
    assert fetched.gaps == (Gap("hormones", "partial", "the EHR failed to answer (500)"),)


def test_one_lost_piece_of_a_code_list_makes_the_key_partial(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", page("a"))
    ehr.get(f"{BASE}/Goal?patient=p1", status=500)
    fetched = client().run([LABS, SearchPlan("hormones", GOALS.query)], 2)
    assert [(g.what, g.state) for g in fetched.gaps] == [("hormones", "partial")]


def test_a_prefetched_bundle_can_be_continued(ehr: responses.RequestsMock) -> None:
    ehr.get(f"{BASE}/Observation?page=2", page("b"))
    assert len(client().run([SearchPlan("hormones", f"{BASE}/Observation?page=2")], 2).pages) == 1
    astray = client().run([SearchPlan("hormones", "https://evil.example/Observation?page=2")], 2)
    assert astray.gaps[0].state == "failed"
    assert len(ehr.calls) == 1


def test_medications_named_by_reference_are_read_too(ehr: responses.RequestsMock) -> None:
    request = (
        '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"MedicationRequest",'
        '"id":"r","medicationReference":{"reference":"Medication/m"}}}]}'
    )
    ehr.get(f"{BASE}/MedicationRequest?patient=p1", request)
    ehr.get(f"{BASE}/Medication/m", '{"resourceType":"Medication","id":"m"}')
    plan = SearchPlan("medicationRequests", "MedicationRequest?patient=p1")
    fetched = client().run([plan], 2)
    assert [p.key for p in fetched.pages] == ["medicationRequests", "medications"]
    assert [m.id for m in read_pages(fetched.pages).medications] == ["m"]


# --- silence -----------------------------------------------------------------------------------


def test_no_log_line_holds_patient_query_or_token(
    ehr: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    ehr.get(f"{BASE}/Observation?patient=p1", "<html>p1</html>")
    ehr.get(f"{BASE}/Goal?patient=p1", status=403)
    with caplog.at_level(logging.DEBUG):
        one = client()
        one.run([LABS, GOALS], 2)
    assert "403" in caplog.text
    assert "p1" not in caplog.text
    assert "secret-token" not in caplog.text + repr(vars(one))


def test_a_deadline_already_over_asks_nothing(ehr: responses.RequestsMock) -> None:
    started = time.monotonic()
    [gap] = client().run([LABS], 0).gaps
    assert "in time" in gap.reason
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_search_for_dispenses_is_a_gap_that_hides_nothing(
    ehr: responses.RequestsMock, status: int
) -> None:
    refused = SearchPlan("dispenses", "MedicationDispense?patient=p1")
    ehr.get(f"{BASE}/{refused.query}", status=status)
    ehr.get(f"{BASE}/Goal?patient=p1", '{"resourceType": "Bundle", "entry": []}')
    fetched = client().run([refused, GOALS], 2)
    assert [page.key for page in fetched.pages] == ["goals"]
    [gap] = fetched.gaps
    assert (gap.what, gap.state) == ("dispenses", "failed")
