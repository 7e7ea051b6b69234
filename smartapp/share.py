"""Where the files beside the code are: in the checkout, or in the installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def share(name: str) -> Path:
    """Path of `static`, `fhir_fixtures` or `launch.json`.

    In a wheel they travel inside the package under `_share/`; in a checkout they lie at the top.
    Refuses (FileNotFoundError) when neither is there: the installation is broken.
    """
    for base in (_PACKAGE / "_share", _PACKAGE.parent):
        if (base / name).exists():
            return base / name
    raise FileNotFoundError(f"{name} is missing from this installation")
