"""The description and the examples are of today, and no generated call is answered otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from contract_docs import DOCS, files
from contract_http import make_app, soak
from hookwork import NOW

from smartapp.cds.discovery import EXTRA_SERVICES, SERVICES
from smartapp.fhir.plans import prefetch_templates
from smartapp.knowledge import Knowledge
from smartapp.smart.scopes import RESOURCE_TYPES

IN_THE_SUITE = 600


@pytest.mark.clause("A2.14")
def test_what_the_docs_show_is_what_is_answered_today(knowledge: Knowledge) -> None:
    made = dict(files(knowledge))
    for path, text in made.items():
        assert path.read_text("utf-8") == text, (
            f"{path.name} is stale: run python tests/contract/contract_docs.py"
        )
    assert set((DOCS / "examples").glob("*.json")) == made.keys() - {DOCS / "openapi.json"}


def test_every_service_has_an_example_with_a_card() -> None:
    for service in (*SERVICES, *EXTRA_SERVICES):
        said = json.loads((DOCS / "examples" / f"{service.hook}.response.json").read_text("utf-8"))
        assert said["cards"], service.hook


@pytest.mark.clause("A8.2")
def test_no_generated_call_is_answered_in_a_way_that_is_not_described(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    app = make_app(tmp_path)
    told = soak(app, IN_THE_SUITE, seed_=NOW.toordinal())
    app.extensions["ledger"].close()
    record_property("counts", [f"{label}: {count}" for label, count in sorted(told.items())])
    assert told.total() >= IN_THE_SUITE
    for ending in ("200", "400", "412"):
        assert any(label.endswith(ending) for label in told), f"no answer was a {ending}"


@pytest.mark.clause("A2.14")
def test_the_page_for_engineers_names_everything_there_is(knowledge: Knowledge) -> None:
    page = (DOCS / "ehr.md").read_text("utf-8")
    for service in (*SERVICES, *EXTRA_SERVICES):
        assert f"| {service.hook} | `{service.id}` |" in page
    for key in prefetch_templates(knowledge.catalogue):
        assert f"`{key}`" in page
    for kind in RESOURCE_TYPES:
        assert kind in page.partition("Types:")[2].partition(".")[0]
    described = json.loads((DOCS / "openapi.json").read_text("utf-8"))
    for path in described["paths"].values():
        for operation in path.values():
            for status in operation["responses"].keys() - {"200"}:
                assert status in page.partition("## When a call is refused")[2]
