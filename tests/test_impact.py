"""What a change of the protocol would change, for each man and in total, before it is made."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from smartapp.stories import load_stories, wire

ROOT = Path(__file__).parents[1]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text("[hematocrit]\nwarning = 49\nstop = 50\n")
    return file


@pytest.fixture(scope="module")
def men(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("men") / "men.ndjson"
    bundles = [story.bundle for story in load_stories(date(2026, 11, 22))]
    file.write_bytes(b"".join(wire.encode(bundle) + b"\n" for bundle in bundles))
    return file


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from smartapp.cli import main; main()", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def impact(*args: object) -> subprocess.CompletedProcess[str]:
    return run("rules", "impact", *args, "--as-of", "2026-11-22")


def test_the_same_protocol_changes_nobody(men: Path) -> None:
    done = impact("aua", "aua", men, "--ndjson")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("0 of ")


def test_a_lower_line_shows_whom_it_reaches(men: Path, site: Path) -> None:
    done = impact("aua", site, men, "--ndjson")
    assert done.returncode == 0, done.stderr
    out = done.stdout
    assert "hematocrit.warning: 52 -> 49 %" in out
    assert "overridden: hematocrit.stop, hematocrit.warning" in out
    assert "hematocrit-high" in out.splitlines()[-1]
    assert "Patient/" in out


def test_there_and_back_is_mirrored(men: Path, site: Path) -> None:
    there, back = impact("aua", site, men, "--ndjson"), impact(site, "aua", men, "--ndjson")
    turned = [
        line.replace("  + ", "  ! ").replace("  - ", "  + ").replace("  ! ", "  - ")
        for line in there.stdout.splitlines()
        if line.startswith(("  + ", "  - "))
    ]
    assert sorted(turned) == sorted(
        line for line in back.stdout.splitlines() if line.startswith(("  + ", "  - "))
    )


def test_a_whole_protocol_of_another_version_stands_in(men: Path, tmp_path: Path) -> None:
    text = (ROOT / "smartapp" / "knowledge" / "protocol.toml").read_text("utf-8")
    other = tmp_path / "protocol.toml"
    other.write_text(text.replace("2026.11.1", "2027.1.1"))
    done = impact("aua", other, men, "--ndjson")
    assert done.returncode == 0, done.stderr
    assert "new: aua 2027.1.1" in done.stdout


def test_a_man_who_cannot_be_assessed_is_named_and_hides_no_other(
    men: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.ndjson"
    bad.write_text('{"resourceType": "Bundle", "type": "collection"}\n' + men.read_text())
    done = impact("aua", "eau", bad, "--ndjson")
    assert done.returncode == 1
    assert done.stderr.startswith("smartapp: line 1: ")
    assert " change" in done.stdout


@pytest.mark.parametrize(
    ("old", "said"), [("nobody", "neither a file nor"), ("pyproject.toml", "pyproject.toml")]
)
def test_what_is_no_protocol_is_refused(old: str, said: str, men: Path) -> None:
    done = impact(old, "aua", men, "--ndjson")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_each_file_is_one_man(men: Path, tmp_path: Path) -> None:
    files = []
    for number, line in enumerate(men.read_text("utf-8").splitlines()[:2]):
        files.append(tmp_path / f"man-{number}.json")
        files[-1].write_text(line, "utf-8")
    done = impact("aua", "es", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 2 change" in done.stdout
