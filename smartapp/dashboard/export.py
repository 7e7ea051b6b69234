"""What leaves the app as a file: the sheet, the readings, the assessment.

File names say nothing of the patient: they stay in lists of downloads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Response

from smartapp.dashboard.chart import Chart
from smartapp.dashboard.drawing import picture
from smartapp.dashboard.headers import guard
from smartapp.dashboard.lanes import Lanes
from smartapp.dashboard.page import page
from smartapp.dashboard.readings_csv import readings_csv
from smartapp.dashboard.summary import summary
from smartapp.dashboard.summary_fonts import fonts
from smartapp.engine import to_json
from smartapp.knowledge import Knowledge

# Wider than the page's own, so that all lanes fit the rest of a sheet.
PICTURE_WIDTH = 860


def add_exports(
    pages: Blueprint, *, knowledge: Knowledge, home: Path, open_chart: Callable[[str], Chart]
) -> None:
    """Adds the files of a launch to its pages; `open_chart` refuses what a page of it would."""

    @pages.get("/chart/<launch_id>/summary.pdf")
    def summary_sheet(launch_id: str) -> Response:
        chart = open_chart(launch_id)
        return _file(chart, _sheet(chart, knowledge, home), "application/pdf", "hpg-summary.pdf")

    @pages.get("/chart/<launch_id>/readings.csv")
    def readings(launch_id: str) -> Response:
        chart = open_chart(launch_id)
        body = readings_csv(chart, knowledge.catalogue)
        return _file(chart, body, "text/csv; charset=utf-8; header=present", "hpg-readings.csv")

    @pages.get("/chart/<launch_id>/assessment.json")
    def assessment(launch_id: str) -> Response:
        chart = open_chart(launch_id)
        body = to_json(chart.assessment)
        return _file(chart, body, "application/json", "hpg-assessment.json")


def _sheet(chart: Chart, knowledge: Knowledge, home: Path) -> bytes:
    # The PDF library takes a while to import: not when a command line imports this room.
    from smartapp.dashboard.summary_pdf import summary_pdf

    view = page(chart, knowledge)
    return summary_pdf(
        summary(view), fonts(home), _picture(view.lanes), made=chart.assessment.as_of
    )


def _picture(lanes: Lanes) -> bytes | None:
    from smartapp.dashboard.spec import spec

    return None if lanes.empty else picture(spec(lanes, "light", PICTURE_WIDTH))


def _file(chart: Chart, body: bytes, kind: str, name: str) -> Response:
    answer = Response(body, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return guard(answer, chart.frame_ancestors)
