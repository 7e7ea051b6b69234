"""The long run and the survey: a short one of each, so that they work when they are wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nhanes_emas
import pytest

HERE = Path(__file__).parent


def soak(state: Path, men: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, HERE / "soak.py", "--men", str(men), "--seed", "4242", "--processes", "1",
         "--law", "never recommended", "--state", state],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_soak_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    whole = soak(state, 1500)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "seed 4242: 1500 men" in whole.stdout
    known = json.loads(state.read_text())
    counts = known["counts"]
    one = soak(tmp_path / "other.json", 1500)
    assert json.loads((tmp_path / "other.json").read_text())["counts"] == counts
    state.write_text(json.dumps(known | {"done": known["done"][:1], "counts": {"men": 1000}}))
    again = soak(state, 1500)
    assert "1000 done before" in again.stdout
    assert "seed 4242: 1500 men" in again.stdout
    assert one.returncode == again.returncode == 0


@pytest.mark.skipif(
    not os.environ.get("SMARTAPP_TEST_DATA"), reason="SMARTAPP_TEST_DATA is not set"
)
def test_real_men_beside_the_survey(capsys: pytest.CaptureFixture[str]) -> None:
    """Every state of the survey is met, in the order of its proportions; as published nobody."""
    people = list(nhanes_emas.read_men())[::4]
    for man in people:
        assert nhanes_emas.judged(man, ("2022-06-01",), "aua").axis.state == "insufficient"
    found = nhanes_emas.states_by_age(people, "aua")
    middle = found[40, 79]
    assert middle["secondary"] > middle["compensated"] > middle["primary"] > 0
    assert middle["eugonadal"] > middle.total() / 2
    print(nhanes_emas.table(found))
    assert "EMAS 40-79" in capsys.readouterr().out
