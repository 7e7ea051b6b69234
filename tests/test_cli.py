"""The console script: what goes in, what comes out, and with which exit code."""

from __future__ import annotations

import io
import json
import socket
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smartapp.cli import main
from smartapp.stories import load_stories
from smartapp.stories.wire import encode

ANCHOR = date(2026, 3, 2)
Run = Callable[..., tuple[int, str, str]]


def bundle(story: str) -> dict[str, Any]:
    """A story as plain JSON values."""
    found = next(s.bundle for s in load_stories(ANCHOR) if s.key == story)
    plain: dict[str, Any] = json.loads(encode(found))
    return plain


@pytest.fixture
def man(tmp_path: Path) -> Path:
    file = tmp_path / "man.json"
    file.write_text(json.dumps(bundle("severe-primary")))
    return file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*args: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["smartapp", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode(), err.decode()

    return call


@pytest.mark.parametrize(
    ("variable", "value", "option", "says"),
    [
        ("CDS_AUTH", "optional", "0.0.0.0", "SMARTAPP_CDS_AUTH=optional is for loopback only"),
        ("ISSUERS_FILE", "[[issuer]]\nclient_id = 'x'", "127.0.0.1", "fhir_base: is required"),
        ("PROTOCOL_FILE", "colour = 'blue'", "127.0.0.1", "colour"),
    ],
)
def test_a_server_that_could_not_serve_is_not_started(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    variable: str, value: str, option: str, says: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("granian.server.Server.serve", lambda _self: pytest.fail("it was started"))
    if variable.endswith("_FILE"):
        file = tmp_path / "site.toml"
        file.write_text(value)
        value = str(file)
    for name, given in {
        "SECRET_KEYS": "k" * 40, "HOME_DIR": str(tmp_path / "home"), variable: value,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SMARTAPP_{name}", given)
    code, _, err = run("serve", "--host", option, "--port", free_port())
    assert (code, one_line(err)) == (2, True), err
    assert says in err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and text.startswith("smartapp: ")


def test_json_is_the_contracts_object(run: Run, man: Path) -> None:
    code, out, err = run("assess", man, "--format", "json", "--as-of", "2026-03-02")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert set(said) == {
        "patient", "as_of", "protocol", "axis", "therapy", "recommendation", "findings",
        "not_evaluable", "near_misses", "due", "endpoints", "wishes", "unused",
    }  # fmt: skip
    assert said["axis"]["state"] == "severe-primary"
    for finding in said["findings"]:
        assert set(finding) == {
            "id", "code", "severity", "summary", "detail", "rule", "basis", "citations",
            "evidence",
        }  # fmt: skip
        assert finding["citations"]


def test_text_says_state_finding_source_and_for_whom(run: Run, man: Path) -> None:
    code, out, _ = run("assess", man, "--as-of", "2026-03-02")
    assert code == 0
    for words in ("severe-primary", "R-ELIG-STOP-01", "Observation/", "For prescribers"):
        assert words in out


def test_cards_are_those_of_the_hooks(run: Run, man: Path, tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text(json.dumps({
        "resourceType": "MedicationRequest", "id": "draft-1", "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "clomiphene citrate 50 mg tablet"},
        "dosageInstruction": [{"text": "25 mg every other day"}],
    }))  # fmt: skip
    code, out, _ = run("assess", man, "--format", "cards", "--as-of", "2026-03-02")
    assert code == 0
    assert [c["indicator"] for c in json.loads(out)["cards"]] == ["warning"]
    code, out, _ = run(
        "assess", man, "--order", order, "--format", "cards", "--as-of", "2026-03-02"
    )
    cards = json.loads(out)["cards"]
    assert code == 0
    assert cards[0]["indicator"] == "critical"
    deletes = [
        action
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion.get("actions", [])
        if action["type"] == "delete"
    ]
    assert {d["resourceId"] for d in deletes} == {"MedicationRequest/draft-1"}


def test_standard_input_and_parts_of_one_man(run: Run, tmp_path: Path) -> None:
    whole = bundle("severe-primary")
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    half = len(whole["entry"]) // 2
    first.write_text(json.dumps({**whole, "entry": whole["entry"][:half]}))
    second.write_text(json.dumps({**whole, "entry": whole["entry"][half:]}))
    _, parts, _ = run("assess", first, second, "--format", "json", "--as-of", "2026-03-02")
    code, piped, _ = run(
        "assess", "-", "--format", "json", "--as-of", "2026-03-02",
        stdin=json.dumps(whole).encode(),
    )  # fmt: skip
    assert code == 0
    assert json.loads(parts) == json.loads(piped)


def test_one_line_in_one_line_out_in_order(run: Run) -> None:
    nobody = {"resourceType": "Bundle", "type": "collection", "entry": []}
    lines = [
        json.dumps(bundle("severe-primary")), "", "not json", json.dumps(nobody),
        json.dumps(bundle("eugonadal")),
    ]  # fmt: skip
    code, out, err = run(
        "assess", "-", "--ndjson", "--as-of", "2026-03-02", stdin="\n".join(lines).encode()
    )
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (1, "")
    assert len(answers) == len(lines)
    assert answers[0]["axis"]["state"] == "severe-primary"
    assert answers[4]["axis"]["state"] == "eugonadal"
    assert [a["line"] for a in answers[1:4]] == [2, 3, 4]
    assert all(set(a["error"]) == {"code", "message"} for a in answers[1:4])


def test_findings_never_change_the_exit_code(run: Run, man: Path) -> None:
    assert run("assess", man)[0] == 0


def test_two_patients_cannot_be_assessed(run: Run, tmp_path: Path) -> None:
    both = tmp_path / "both.json"
    entries = bundle("severe-primary")["entry"] + bundle("eugonadal")["entry"]
    both.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    code, out, err = run("assess", both)
    assert (code, out) == (1, "")
    assert one_line(err)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["assess"], "FILE"),
        (["assess", "nowhere.json"], "nowhere.json"),
        (["assess", "{man}", "--timezone", "Mars/Olympus"], "time zone"),
        (["assess", "{man}", "--as-of", "yesterday"], "--as-of"),
        (["assess", "{man}", "--profile", "mine"], "mine"),
        (["assess", "{man}", "--order", "nowhere.json"], "nowhere.json"),
        (["assess", "{broken}"], "broken.json"),
        (["rules", "show", "R-NONE"], "R-NONE"),
        (["rules", "dance"], "dance"),
        (["serve", "--port", "99999"], "99999"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_two(
    run: Run, man: Path, tmp_path: Path, args: list[str], says: str
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"resourceType": "Bundle", "entry": [')
    code, out, err = run(*[a.format(man=man, broken=broken) for a in args])
    assert (code, out) == (2, "")
    assert one_line(err)
    assert says in err


def test_rules_are_listed_and_shown(run: Run) -> None:
    code, out, _ = run("rules", "list", "--profile", "eau")
    assert code == 0
    assert out.startswith("protocol eau ")
    ids = [line.split()[0] for line in out.splitlines()[1:]]
    assert "R-ELIG-STOP-01" in ids
    for rule in ids:
        code, out, err = run("rules", "show", rule)
        assert (code, err) == (0, "")
        assert "source" in out


def test_audit_verify_names_the_first_broken_link(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3
    from datetime import UTC, datetime

    from smartapp.ledger import AuditEvent, audit, open_ledger
    from smartapp.settings import from_environ

    monkeypatch.setenv("SMARTAPP_SECRET_KEYS", "k" * 40)
    monkeypatch.setenv("SMARTAPP_HOME_DIR", str(tmp_path))
    ledger = open_ledger(from_environ())
    with ledger.transaction() as conn:
        for n in range(3):
            audit.append(conn, AuditEvent(kind="test", at=datetime.now(UTC), detail={"n": n}))
    ledger.close()
    code, out, _ = run("audit", "verify")
    assert code == 0
    assert "whole: 3 rows" in out
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as store:
        store.execute("UPDATE audit SET body = replace(body, '\"n\":1', '\"n\":7') WHERE seq = 2")
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert "broken at row 2" in out


def test_keys_are_made_listed_and_rotated(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("smartapp.smart.keys._RSA_BITS", 2048)
    monkeypatch.setenv("SMARTAPP_HOME_DIR", str(tmp_path))
    monkeypatch.setenv("SMARTAPP_SECRET_KEYS", "k" * 40)
    code, _, err = run("keys", "rotate")
    assert code == 2
    assert "keys generate" in err

    code, out, _ = run("keys", "generate")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()] == ["ES384", "RS384"]
    assert run("keys", "list")[:2] == (0, out)
    code, _, err = run("keys", "generate")
    assert code == 2
    assert "keys rotate" in err

    code, rotated, _ = run("keys", "rotate")
    assert code == 0
    first = [line.split()[0] for line in out.splitlines()]
    new = [line.split()[0] for line in rotated.splitlines()]
    assert not set(first) & set(new)
    listed = json.loads(run("keys", "list", "--jwks")[1])["keys"]
    assert {key["kid"] for key in listed} == {*first, *new}
    assert all("d" not in key for key in listed)
    code, out, _ = run("keys", "rotate", "--at-once")
    assert code == 0
    assert run("keys", "list")[1] == out

    monkeypatch.setenv("SMARTAPP_SECRET_KEYS", "x" * 40)
    code, out, err = run("keys", "list")
    assert (code, out) == (1, "")
    assert "cannot be opened with SMARTAPP_SECRET_KEYS" in err
