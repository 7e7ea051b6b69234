"""Searching means what FHIR R4 says it means, and what is not understood is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from demo_sandbox import FHIR, Ehr, observation, story

from smartapp.demo.fhir.dates import date_test, element_span, span
from smartapp.errors import ConfigError
from smartapp.stories import load_stories

LOINC = "http://loinc.org"
LAB = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"


@pytest.fixture
def search(ehr: Ehr) -> Callable[[str], Any]:
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    return lambda query: ehr.fhir(query, token)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["resource"].get("id") for entry in answer.json.get("entry", [])]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"Observation?code={LOINC}|2986-8", ["t1", "t2", "t3"]),
        (f"Observation?code={LOINC}%7C2986-8", ["t1", "t2", "t3"]),
        ("Observation?code=2986-8", ["t1", "t2", "t3"]),
        (f"Observation?code={LOINC}|", ["t1", "t2", "t3", "lh1"]),
        (f"Observation?code={LOINC}|2986-8,{LOINC}|10501-5", ["t1", "t2", "t3", "lh1"]),
        ("Observation?code=http://snomed.info/sct|2986-8", []),
        ("Observation?code=|2986-8", []),
        ("Observation?code=2986", []),
        (f"Observation?category={LAB}&status=preliminary", ["t3"]),
        (
            "Observation?category=laboratory&status=final,preliminary&code=2986-8",
            ["t1", "t2", "t3"],
        ),
        ("Observation?code=2986-8&patient=amos", ["t1", "t2", "t3"]),
        ("Observation?code=2986-8&patient=Patient/amos", ["t1", "t2", "t3"]),
        (f"Observation?code=2986-8&subject={FHIR}/Patient/amos", ["t1", "t2", "t3"]),
        ("Observation?code=2986-8&subject:Patient=amos", ["t1", "t2", "t3"]),
        ("Observation?_id=t2,t3", ["t2", "t3"]),
        ("Observation?code=2986-8&date=ge2026-11-01", ["t1", "t2"]),
        ("Observation?code=2986-8&date=gt2026-11-01", ["t2"]),
        ("Observation?code=2986-8&date=2026-11", ["t1", "t2"]),
        ("Observation?code=2986-8&date=ge2026-09-01&date=lt2026-11-05", ["t1", "t3"]),
        ("Observation?code=2986-8&date=lt2026-11-01T13:10:00Z", ["t3"]),
        ("Observation?code=2986-8&date=le2026-11-01T13:10:00Z", ["t1", "t3"]),
        ("Observation?code=2986-8&_sort=-date", ["t2", "t1", "t3"]),
        ("Observation?code=2986-8&_sort=date", ["t3", "t1", "t2"]),
        ("Observation?category=laboratory&_sort=date,-_id", ["t3", "t1", "t2", "lh1"]),
        ("Observation?code=2986-8&_count=0", []),
        ("Condition?clinical-status=active", ["c1"]),
        ("Condition?clinical-status=resolved", []),
        ("MedicationRequest?intent=order&status=active", ["m1"]),
        ("MedicationRequest?authoredon=2026", ["m1"]),
        ("MedicationRequest?intent=plan", []),
        ("Patient?_id=amos&gender=male&birthdate=1985-04-02", ["amos"]),
        ("Patient?name=AMO", ["amos"]),
        ("Patient?given=te", ["amos"]),
        ("Patient?family=mos", []),
        ("Encounter?status=in-progress", ["visit-amos"]),
        ("Goal?patient=amos", []),
        ("AllergyIntolerance?patient=amos", []),
    ],
)
def test_searches(search: Callable[[str], Any], query: str, found: list[str]) -> None:
    assert sorted(ids(search(query))) == sorted(found)
    if "_sort" in query:
        assert ids(search(query)) == found


def test_an_empty_result_has_no_entry_member(search: Callable[[str], Any]) -> None:
    body = search("Goal?patient=amos").json
    assert body["total"] == 0
    assert "entry" not in body


@pytest.mark.parametrize(
    "query",
    [
        "Observation?patient=amos",
        "Observation",
        "Observation?code=2986-8&colour=red",
        "Observation?code=2986-8&_include=Observation:subject",
        "Observation?code=2986-8&_summary=true",
        "Observation?code:in=http://example.org/vs",
        "Observation?code:not=2986-8",
        "Observation?code=2986-8&date=ne2026-01-01",
        "Observation?code=2986-8&date=yesterday",
        "Observation?code=2986-8&date=2026-13-01",
        "Observation?code=",
        "Observation?code=2986-8,",
        "Observation?code=2986-8&_sort=value",
        "Observation?code=2986-8&_sort=status",
        "Observation?code=2986-8&_count=many",
        "Observation?code=2986-8&_count=-1",
        "Observation?code=2986-8&_count=1&_count=2",
        "Observation?code=2986-8&subject=Group/1",
        "AllergyIntolerance?subject=amos",
    ],
)
def test_what_is_not_understood_is_refused(search: Callable[[str], Any], query: str) -> None:
    answer = search(query)
    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


def test_another_format_is_406(search: Callable[[str], Any]) -> None:
    assert search("Goal?_format=xml").status_code == 406
    assert search("Goal?_format=application/fhir%2Bjson").status_code == 200


def test_a_search_can_be_posted(ehr: Ehr) -> None:
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    form = {"code": f"{LOINC}|2986-8", "_sort": "-date"}
    posted = ehr.fhir("Observation/_search", token, method="POST", data=form)
    assert ids(posted) == ["t2", "t1", "t3"]
    as_json = ehr.fhir("Observation/_search", token, method="POST", json=form)
    assert as_json.status_code == 415


class TestPaging:
    """Opaque next links, to be followed and not guessed at."""

    def walk(self, ehr: Ehr, token: str, query: str) -> list[list[str]]:
        pages, address = [], query
        while True:
            body = ehr.fhir(address, token).json or {}
            pages.append([entry["resource"]["id"] for entry in body.get("entry", [])])
            following = [k["url"] for k in body["link"] if k["relation"] == "next"]
            assert body["total"] == 45
            if not following:
                return pages
            assert following[0].startswith(f"{FHIR}/Observation?")
            assert "code" not in urlsplit(following[0]).query, "opaque"
            address = following[0].removeprefix(f"{FHIR}/")

    def many(self, make_ehr: Any, **changes: Any) -> Ehr:
        rows = [observation(f"o{n:02}", "amos") for n in range(45)]
        made: Ehr = make_ehr((story("amos", "amos", *rows), story("boris", "boris")), **changes)
        return made

    @pytest.mark.parametrize(
        ("query", "sizes"),
        [
            ("Observation?code=2986-8", [20, 20, 5]),
            ("Observation?code=2986-8&_count=30", [20, 20, 5]),
            ("Observation?code=2986-8&_count=15", [15, 15, 15]),
        ],
    )
    def test_a_walk_meets_every_row_once(self, make_ehr: Any, query: str, sizes: list[int]) -> None:
        ehr = self.many(make_ehr)
        pages = self.walk(ehr, ehr.tokens()["access_token"], query)
        assert [len(page) for page in pages] == sizes
        assert sorted(chain.from_iterable(pages)) == [f"o{n:02}" for n in range(45)]

    def next_link(self, ehr: Ehr, token: str) -> str:
        body = ehr.fhir("Observation?code=2986-8", token).json or {}
        return str(body["link"][1]["url"]).removeprefix(f"{FHIR}/")

    def test_a_link_serves_its_own_authorization_only(self, make_ehr: Any) -> None:
        ehr = self.many(make_ehr)
        mine, other = ehr.tokens()["access_token"], ehr.tokens(launch=ehr.launch("boris"))
        link = self.next_link(ehr, mine)
        assert ehr.fhir(link, other["access_token"]).status_code == 410
        assert ehr.fhir(link, None).status_code == 401
        assert ehr.fhir(link.replace("Observation", "Patient"), mine).status_code == 410
        assert ehr.fhir(link, mine).status_code == 200

    def test_a_link_survives_a_refresh_but_not_ten_minutes(self, make_ehr: Any) -> None:
        ehr = self.many(make_ehr)
        tokens = ehr.tokens()
        link = self.next_link(ehr, tokens["access_token"])
        fresh = (ehr.refresh(tokens["refresh_token"]).json or {})["access_token"]
        assert ehr.fhir(link, fresh).status_code == 200
        ehr.clock.pass_seconds(ehr.config.behaviour.page_seconds + 1)
        assert ehr.fhir(link, fresh).status_code == 410


ODD_ROWS = [
    observation(None, "amos"),
    observation("odd1", "amos", effectiveDateTime={"start": 5}),
    observation("odd2", "amos", effectiveDateTime="2026-1-1"),
    observation("odd3", "amos", status=["final"]),
    observation("odd4", "amos", subject="Patient/amos"),
    observation("odd5", "someone-else"),
    observation("odd6", "amos", valueQuantity={"value": 19.00}),
    observation("twice", "amos"),
    observation("twice", "amos"),
    {"resourceType": "Observation", "id": "bare"},
    {"resourceType": "Observation", "id": "shapeless", "code": "2986-8", "category": 7},
]


def test_odd_rows_are_served_as_they_are(make_ehr: Any) -> None:
    ehr = make_ehr((story("amos", "amos", *ODD_ROWS),))
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    answer = ehr.fhir("Observation?code=2986-8&_sort=-date&_count=50", token)
    assert len(ids(answer)) == 10, "all but the row without any code"
    assert ids(answer)[-3:] == ["odd1", "odd2", "shapeless"], (
        "rows without a readable date come last"
    )
    no_id = next(e for e in answer.json["entry"] if "id" not in e["resource"])
    assert "fullUrl" not in no_id
    assert ids(ehr.fhir("Observation?_id=bare,shapeless", token)) == ["bare", "shapeless"]
    page = ehr.client().get("/chart/amos", base_url="http://localhost:5001")
    assert page.status_code == 200


def test_a_result_can_be_corrected_while_the_ehr_runs(ehr: Ehr) -> None:
    repository = ehr.app.extensions["demo_repository"]
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    corrected = observation(
        "t2",
        "amos",
        status="corrected",
        effectiveDateTime="2026-11-08T08:00:00-05:00",
        valueQuantity={"value": 480},
    )
    repository.replace(corrected)
    assert (ehr.fhir("Observation/t2", token).json or {})["valueQuantity"] == {"value": 480}
    assert ids(ehr.fhir("Observation?code=2986-8&_sort=-date", token)) == ["t2", "t1", "t3"]
    assert ids(ehr.fhir("Observation?code=2986-8&status=corrected", token)) == ["t2"]
    with pytest.raises(KeyError):
        repository.replace(observation("never-was", "amos"))


def test_two_patients_may_not_share_a_row(make_ehr: Any) -> None:
    rows = [story(name, name, observation("same", name)) for name in ("amos", "boris")]
    with pytest.raises(ConfigError, match="Observation/same"):
        make_ehr(tuple(rows))


def test_digits_are_served_as_written(make_ehr: Any, tmp_path: Any) -> None:
    folder = tmp_path / "amos"
    folder.mkdir()
    (folder / "story.toml").write_text('title = "T"\ntext = "x"\n')
    (folder / "bundle.json").write_text(
        '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"amos"}},'
        '{"resource":{"resourceType":"Observation","id":"d","valueQuantity":{"value":19.00}}}]}'
    )
    ehr = make_ehr(load_stories(date(2026, 11, 22), tmp_path))
    token = ehr.tokens()["access_token"]
    assert '"value":19.00' in ehr.fhir("Observation/d", token).text
    assert '"value":19.00' in ehr.fhir("Observation?_id=d", token).text


class TestDates:
    """Spans and prefixes, at their edges."""

    @pytest.mark.parametrize(
        ("value", "start", "end"),
        [
            ("2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
            ("2026-12", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
            ("2026-02", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
            ("2026-02-28", "2026-02-28T00:00:00", "2026-03-01T00:00:00"),
            ("2026-02-28T08:10", "2026-02-28T08:10:00", "2026-02-28T08:11:00"),
            ("2026-02-28T08:10:05-05:00", "2026-02-28T13:10:05", "2026-02-28T13:10:06"),
            ("2026-02-28T08:10:05.123Z", "2026-02-28T08:10:05.123", "2026-02-28T08:10:06.123"),
        ],
    )
    def test_spans(self, value: str, start: str, end: str) -> None:
        found = span(value)
        assert found is not None
        assert found.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
        assert found.end == datetime.fromisoformat(end).replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        "value",
        ["", "26", "2026-00", "2026-02-30", "2026-02-28T", "2026-02-28T25:00", "now", "9999"],
    )
    def test_no_span(self, value: str) -> None:
        assert span(value) is None

    def test_an_open_period_reaches_to_the_end_of_time(self) -> None:
        found = element_span({"start": "2026-01-01"})
        later = date_test("gt2090")
        assert found and later and later.matches(found)
        assert element_span({}) is None
        assert element_span(7) is None

    @pytest.mark.parametrize(
        ("test", "value", "matches"),
        [
            ("eq2026-11-01", "2026-11-01T23:59:59Z", True),
            ("eq2026-11-01", "2026-11", False),
            ("2026-11", "2026-11-01", True),
            ("lt2026-11-01", "2026-11-01", False),
            ("lt2026-11-01", "2026-10-31", True),
            ("le2026-11-01", "2026-11-01T10:00:00Z", True),
            ("le2026-11-01", "2026-11-02", False),
            ("gt2026-11-01", "2026-11-01", False),
            ("gt2026-11-01", "2026-11-02", True),
            ("ge2026-11-01", "2026-11-01", True),
            ("ge2026-11-01", "2026-10-31", False),
        ],
    )
    def test_prefixes(self, test: str, value: str, matches: bool) -> None:
        read, found = date_test(test), span(value)
        assert read is not None and found is not None
        assert read.matches(found) is matches


def test_a_query_of_the_longest_code_list_is_answered(search: Callable[[str], Any]) -> None:
    codes = ",".join(f"{LOINC}|{n}-{n % 10}" for n in range(1000, 1300))
    assert ids(search(f"Observation?code={quote(codes + ',2986-8')}&_sort=-date")) == [
        "t2",
        "t1",
        "t3",
    ]
