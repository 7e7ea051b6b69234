"""The wheel is whole: it runs from any folder without the checkout and without test packages."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def needed(dist: Distribution, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The distributions that `dist` declares, without extras, and theirs."""
    for requirement in dist.requires or []:
        marker = requirement.partition(";")[2]
        if "extra ==" in marker.replace("'", '"'):
            continue
        dependency = re.split(r"[\s;<>=!~\[(]", requirement, maxsplit=1)[0]
        try:
            other = distribution(dependency)
        except ModuleNotFoundError:
            assert marker, f"{dist.name} needs {dependency}, which is not installed"
            continue
        if other.name not in found:
            found[other.name] = other
            needed(other, found)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel and what it declares, nothing else; its bin folder.

    The dependencies are links to the ones already installed here: no index is asked.
    """
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = place.glob("smartapp-*.whl")
    venv.create(place / "env", with_pip=False, symlinks=True)
    (site,) = (place / "env" / "lib").glob("python3*/site-packages")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", place / "env", "install", "-q", "--no-deps",
         "--no-index", wheel],
        check=True, capture_output=True,
    )  # fmt: skip
    (declared,) = Distribution.discover(name="smartapp", path=[str(site)])
    for dist in needed(declared, {}).values():
        for file in dist.files or []:
            top = file.parts[0]
            if top in ("..", "__pycache__") or (site / top).exists():
                continue
            (site / top).symlink_to(Path(str(dist.locate_file(top))))
    return place / "env" / "bin"


def run(installed: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed / "smartapp", *args],
        cwd=cwd, capture_output=True, text=True, timeout=60, env=environment(),
    )  # fmt: skip


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SMARTAPP_", "PYTHON"))}
    return kept | extra


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.1)


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[tuple[int, int, subprocess.Popen[str]]]:
    port, ehr_port = free_port(), free_port()
    process = subprocess.Popen(
        [installed / "smartapp", "demo", "--no-browser", "--port", str(port),
         "--ehr-port", str(ehr_port)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(),
    )  # fmt: skip
    yield port, ehr_port, process
    process.terminate()
    process.wait(timeout=10)


def test_test_packages_are_not_there(installed: Path) -> None:
    asked = subprocess.run([installed / "python", "-c", "import pytest"], capture_output=True)
    assert asked.returncode == 1


def test_demo_answers_from_both_ports(
    demo: tuple[int, int, subprocess.Popen[str]],
) -> None:
    port, ehr_port, process = demo
    assert "HPG Recalibration Monitor" in wait_for(f"http://127.0.0.1:{port}/", process)
    assert "hpg-patient-view" in wait_for(f"http://127.0.0.1:{port}/cds-services", process)
    assert "Patients" in wait_for(f"http://localhost:{ehr_port}/", process)


def test_serve_answers(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [installed / "smartapp", "serve", "--port", str(port)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(
            SMARTAPP_SECRET_KEYS="s" * 40, SMARTAPP_PUBLIC_BASE_URL=f"http://127.0.0.1:{port}"
        ),
    )  # fmt: skip
    try:
        assert "up" in wait_for(f"http://127.0.0.1:{port}/healthz", process)
        assert "ready" in wait_for(f"http://127.0.0.1:{port}/readyz", process)
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_serve_without_keys_is_one_line(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "serve", "--port", str(free_port()))
    assert done.returncode == 2
    assert "SMARTAPP_SECRET_KEYS" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_assess_and_rules(installed: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "man.json"
    bundle.write_text(
        '{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": '
        '{"resourceType": "Patient", "id": "a", "gender": "male", "birthDate": "1980-01-01"}}]}'
    )
    done = run(installed, tmp_path, "assess", "man.json", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"insufficient"' in done.stdout
    listed = run(installed, tmp_path, "rules", "list")
    assert listed.returncode == 0, listed.stderr
    assert "R-ELIG-STOP-01" in listed.stdout


def test_a_busy_port_is_one_line(installed: Path, tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = run(installed, tmp_path, "demo", "--no-browser", "--port", str(port))
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
