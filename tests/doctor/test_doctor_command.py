"""`smartapp doctor` at a terminal: what it prints, and what its exit code says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from doctor_house import PATIENT, House, free_port

from smartapp.demo import Behaviour
from smartapp.doctor import Report, as_text
from smartapp.doctor.check import Check, untried

OPEN = Behaviour(oauth=False, fhir_open=True, observation_filter=False)


def doctor(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("smartapp")), "doctor", *words],
        env={"PATH": "/usr/bin:/bin", "NO_PROXY": "*", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def issuers_file(folder: Path, base: str) -> str:
    lines = ["[[issuer]]", f'fhir_base = "{base}"', 'auth = "key"', 'client_id = "hpg-doctor"']
    (folder / "issuers.toml").write_text("\n".join(lines))
    return str(folder / "issuers.toml")


def test_an_open_server_needs_no_setting_at_all(house: House) -> None:
    with house.ehr(OPEN) as config:
        done = doctor(config.fhir_base, "--patient", PATIENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(config.fhir_base)
    assert "Nothing was changed on the server." in done.stdout


def test_a_registered_client_in_json(house: House, tmp_path: Path) -> None:
    with house.ehr(Behaviour(clock_skew=-600)) as config:
        table = issuers_file(tmp_path, config.fhir_base)
        done = doctor(
            config.fhir_base,
            "--format",
            "json",
            SMARTAPP_ISSUERS_FILE=table,
            SMARTAPP_HOME_DIR=str(house.home),
            SMARTAPP_SECRET_KEYS="k" * 48,
            SMARTAPP_PUBLIC_BASE_URL=house.url,
        )
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert (told["issuer"], told["verdict"]) == (config.fhir_base, "fail")
    checks = {check["name"]: check for check in told["checks"]}
    assert set(checks["clock"]) == {"name", "verdict", "said", "todo", "lines"}
    assert checks["our keys"]["verdict"] == "pass"
    assert checks["clock"]["verdict"] == checks["access"]["verdict"] == "fail"


def test_a_key_that_cannot_be_opened_is_told(house: House, tmp_path: Path) -> None:
    with house.ehr(Behaviour()) as config:
        table = issuers_file(tmp_path, config.fhir_base)
        done = doctor(config.fhir_base, SMARTAPP_ISSUERS_FILE=table)
    assert done.returncode == 1
    assert "set SMARTAPP_SECRET_KEYS" in done.stdout


def test_a_dead_server_is_a_finding_and_a_wrong_word_is_usage() -> None:
    done = doctor(f"http://127.0.0.1:{free_port()}/fhir")
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL  discovery" in done.stdout
    for words in (("ehr.example",), ("https://ehr.example/fhir", "--patient", "a/../b")):
        wrong = doctor(*words)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert len(wrong.stderr.splitlines()) == 1


def test_the_text_is_aligned_and_says_what_to_do() -> None:
    long = "a sentence that goes on and on " * 4
    report = Report(
        "https://ehr.example/fhir",
        (
            Check("clock", "pass", "agrees"),
            untried("pkce", "nobody signs in"),
            untried("scopes", "nobody signs in"),
            Check("draw times", "warn", long, "do something about it", ('timezone = "Area/City"',)),
        ),
    )
    lines = as_text(report).splitlines()
    assert lines[2] == "ok    clock       agrees"
    assert lines[3] == "-     not tried   pkce, scopes: nobody signs in"
    assert lines[4].startswith("warn  draw times  a sentence")
    assert all(len(line) <= 100 for line in lines)
    assert "                  -> do something about it" in lines
    assert '          timezone = "Area/City"' in lines
    assert lines[-1].startswith("1 ok, 1 to look at, 0 failed, 2 not tried.")


@pytest.mark.parametrize("behaviour", [Behaviour(), OPEN], ids=["protected", "open"])
def test_no_line_is_wider_than_a_terminal(behaviour: Behaviour, house: House) -> None:
    for line in as_text(house.report(behaviour)).splitlines():
        assert len(line) <= 100, line
