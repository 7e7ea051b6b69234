"""The fixture patients travel: one transaction any R4 sandbox takes, and one that takes it back."""

from __future__ import annotations

import io
import json
import sys
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from smartapp.cli import main
from smartapp.stories import Story, load_practitioners, load_stories, wire
from smartapp.stories.transaction import TAG, deleting, loadable, once, putting

STORIES = load_stories(date(2026, 3, 2))
LOAD = loadable(STORIES, load_practitioners())
ALL = once(LOAD.groups)


def said(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, *args: str, stdin: bytes = b"") -> Any:
    monkeypatch.setattr(sys, "argv", ["smartapp", *args])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    return int(ended.value.code or 0), *capfdbinary.readouterr()


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return own.union(*(references(v) for v in value.values()))
    return set().union(*(references(v) for v in value)) if isinstance(value, list) else set()


def story(*rows: dict[str, Any]) -> Story:
    man = {"resourceType": "Patient", "id": "amos", "gender": "male"}
    entries = [{"resource": row} for row in (man, *rows)]
    return Story("s", "S", "", {}, {"resourceType": "Bundle", "entry": entries}, "amos")


def lab(identity: str | None, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        **({"id": identity} if identity else {}),
        "status": "final",
        "code": {"text": "Testosterone"},
        "subject": {"reference": "Patient/amos"},
        **members,
    }


def test_all_of_it_is_one_valid_r4_transaction() -> None:
    bundle = putting(ALL)
    read = Bundle.model_validate_json(wire.encode(bundle))
    assert read.type == "transaction"
    urls = [entry["request"]["url"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls)), "a transaction may name nothing twice"
    for entry in bundle["entry"]:
        resource, request = entry["resource"], entry["request"]
        assert request == {
            "method": "PUT",
            "url": f"{resource['resourceType']}/{resource['id']}",
        }
        assert TAG in resource["meta"]["tag"]


def test_every_reference_is_met_within_the_transaction() -> None:
    here = {f"{row['resourceType']}/{row['id']}" for row in ALL}
    assert references(ALL) <= here


def test_every_patient_is_in_it_under_the_fixtures_id() -> None:
    patients = {row["id"] for row in ALL if row["resourceType"] == "Patient"}
    assert patients == {told.patient_id for told in STORIES}


def test_digits_are_kept() -> None:
    (given,) = (e["resource"] for e in json.loads(wire.encode(putting(ALL)))["entry"][:1])
    assert given["resourceType"] == "Practitioner"
    written = wire.encode(putting([wire.decode(b'{"resourceType":"Basic","id":"x","v":19.00}')]))
    assert b'"v":19.00' in written


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        ([lab(None)], {"Observation/None": "has no id"}),
        ([lab("a"), lab("a")], {"Observation/a": "is there twice"}),
        ([lab("a", valueQuantity="8.1 nmol/L")], {"Observation/a": "is not valid R4"}),
        (
            [lab("a", subject={"reference": "Patient/stranger"})],
            {"Observation/a": "refers to something that is not here"},
        ),
        (
            [lab("a", valueQuantity="odd"), lab("b", hasMember=[{"reference": "Observation/a"}])],
            {
                "Observation/a": "is not valid R4",
                "Observation/b": "refers to something that is not here",
            },
        ),
        ([lab("a", specimen={"reference": "#in-me"})], {}),
    ],
)
def test_what_a_server_would_refuse_is_left_out_and_named(
    rows: list[dict[str, Any]], left_out: dict[str, str]
) -> None:
    load = loadable([story(*rows)], [])
    assert {row.reference: row.reason for row in load.left_out} == left_out


def test_deleting_names_the_same_things_the_other_way_round() -> None:
    put = [entry["request"]["url"] for entry in putting(ALL)["entry"]]
    gone = deleting(ALL)["entry"]
    assert [entry["request"]["url"] for entry in gone] == put[::-1]
    assert {entry["request"]["method"] for entry in gone} == {"DELETE"}
    assert not any("resource" in entry for entry in gone)


def test_the_command_prints_it_and_says_what_it_left_out(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    code, out, err = said(monkeypatch, capfdbinary, "stories", "--as-of", "2026-03-02")
    assert code == 0
    assert wire.decode(out) == wire.decode(wire.encode(putting(ALL)))
    assert b"luca-ferrante-broken-1 is not valid R4" in err


def test_a_line_a_patient_is_what_assess_reads(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    args = ("stories", "--as-of", "2026-03-02", "--format", "ndjson")
    _, lines, _ = said(monkeypatch, capfdbinary, *args)
    assert lines.count(b"\n") == len(STORIES)
    code, answers, _ = said(
        monkeypatch, capfdbinary, "assess", "-", "--ndjson", "--as-of", "2026-03-02", stdin=lines
    )
    assert code == 0
    judged = [json.loads(line) for line in answers.splitlines()]
    told = {s.patient_id: s.expected.get("axis") for s in STORIES}
    for answer in judged:
        expected = told[answer["patient"].removeprefix("Patient/")]
        assert expected is None or answer["axis"]["state"] == expected


def test_a_wrong_day_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    code, out, err = said(monkeypatch, capfdbinary, "stories", "--as-of", "yesterday")
    assert (code, out) == (2, b"")
    assert b"--as-of" in err
