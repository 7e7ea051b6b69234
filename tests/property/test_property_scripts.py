"""The long run and the survey: a short one of each, so that they work when they are wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nhanes_emas
import pytest
from soak import judge_block

HERE = Path(__file__).parent


SOAK = ("--men", "150", "--block", "100", "--seed", "4242", "--law", "never recommended")


def soak(state: Path) -> str:
    done = subprocess.run(
        [sys.executable, HERE / "soak.py", *SOAK, "--processes", "1", "--state", state],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 4242: 150 men" in done.stdout
    return done.stdout


def test_a_soak_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    assert " 0 done before" in soak(state)
    whole = json.loads(state.read_text())
    _, counts, _ = judge_block(0, range(4242, 4342), ("never recommended",))
    state.write_text(json.dumps(whole | {"done": [0], "counts": counts}))
    assert " 100 done before" in soak(state)
    assert json.loads(state.read_text()) == whole


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
