"""The pages of one launch: `/chart/<launch-id>/…` (contract, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, redirect, render_template, request

from smartapp.dashboard.asof import asked_day
from smartapp.dashboard.axispicture import axis_picture
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.drawing import Bundle, bundle, draw
from smartapp.dashboard.export import add_exports
from smartapp.dashboard.headers import from_our_own_page, guard
from smartapp.dashboard.lanes import Lanes, lanes
from smartapp.dashboard.page import page
from smartapp.dashboard.results import chart_results
from smartapp.knowledge import Knowledge
from smartapp.settings import Settings

IMMUTABLE = "public, max-age=31536000, immutable"


class OpenChart(Protocol):
    """Opens the chart of a launch, as of now or as it was known at the end of an earlier day."""

    def __call__(self, launch_id: str, day: date | None = None) -> Chart: ...


@dataclass(slots=True)
class _Scripts:
    """Where the chart's script is. Made on first need, in the worker that answers."""

    home: Path
    made: Bundle | None = None

    def bundle(self) -> Bundle:
        if self.made is None:
            self.made = bundle(self.home)
        return self.made


def blueprint(
    *,
    settings: Settings,
    knowledge: Knowledge,
    open_chart: OpenChart,
    refresh_chart: Callable[[str], None],
    end_launch: Callable[[str], None],
    static_url: Callable[[str], str],
) -> Blueprint:
    """The dashboard's pages and the chart's script.

    open_chart     the chart of a launch id; refuses (LaunchError) what this browser may not see
                   and (InputError) a day still to come
    refresh_chart  reads the launch's data from the EHR again
    end_launch     forgets the launch, its token and its data
    static_url     the address of a file below static/, such as "css/app.css"
    """
    pages = Blueprint("dashboard", __name__, template_folder="templates")
    scripts = _Scripts(settings.home_dir)
    assets = f"{settings.base_path}/chart-assets"

    def base(launch_id: str) -> str:
        return f"{settings.base_path}/chart/{quote(launch_id, safe='')}"

    def show(
        template: str, launch_id: str, wanted: str | None = None, status: int = 200
    ) -> Response:
        chart = open_chart(launch_id, _asked())
        view = page(chart, knowledge, wanted)
        if wanted is not None and view.lost:
            status = 404
        html = render_template(
            f"dashboard/{template}.html",
            page=view,
            picture=axis_picture(chart, knowledge, view.groups) if template == "axis" else None,
            base=base(launch_id),
            styled=chart.context.style_url is not None,
            static_url=static_url,
            # Not yet made: the address that makes it, so that the verdict never waits for it.
            embed=f"{assets}/{scripts.made.name if scripts.made else 'vega-embed.js'}",
        )
        return guard(Response(html, status, mimetype="text/html"), chart.frame_ancestors)

    @pages.get("/chart/<launch_id>/")
    def overview(launch_id: str) -> Response:
        return show("overview", launch_id)

    @pages.get("/chart/<launch_id>/finding/<finding_id>")
    def one_finding(launch_id: str, finding_id: str) -> Response:
        return show("overview", launch_id, finding_id)

    @pages.get("/chart/<launch_id>/axis")
    def axis(launch_id: str) -> Response:
        return show("axis", launch_id)

    @pages.get("/chart/<launch_id>/table")
    def table(launch_id: str) -> Response:
        return show("table", launch_id)

    @pages.get("/chart/<launch_id>/unused")
    def unused(launch_id: str) -> Response:
        return show("unused", launch_id)

    @pages.get("/chart/<launch_id>/chart.json")
    def chart_json(launch_id: str) -> Response:
        chart = open_chart(launch_id, _asked())
        body = _drawable(chart, knowledge)
        dark = request.args.get("scheme") == "dark"
        content = b"null" if body.empty else msgspec.json.encode(_spec(body, dark=dark))
        answer = Response(content, 404 if body.empty else 200, mimetype="application/json")
        return guard(answer, chart.frame_ancestors)

    @pages.get("/chart/<launch_id>/chart.svg")
    def chart_svg(launch_id: str) -> Response:
        chart = open_chart(launch_id, _asked())
        body = _drawable(chart, knowledge)
        svg = "" if body.empty else draw(_spec(body, dark=False))
        answer = Response(svg, 404 if body.empty else 200, mimetype="image/svg+xml")
        return guard(answer, chart.frame_ancestors)

    add_exports(
        pages,
        knowledge=knowledge,
        home=settings.home_dir,
        open_chart=lambda launch_id: open_chart(launch_id, _asked()),
    )

    @pages.post("/chart/<launch_id>/refresh")
    def refresh(launch_id: str) -> Response:
        from_our_own_page()
        day = _asked()
        refresh_chart(launch_id)
        return _away(f"{base(launch_id)}/{f'?as-of={day}' if day else ''}")

    @pages.post("/chart/<launch_id>/logout")
    def logout(launch_id: str) -> Response:
        from_our_own_page()
        end_launch(launch_id)
        html = render_template("dashboard/closed.html", static_url=static_url)
        # No patient's data and no action: shown in whatever frame the page was in.
        return guard(Response(html, mimetype="text/html"), ("*",))

    @pages.get("/chart-assets/<name>")
    def asset(name: str) -> Response:
        made = scripts.bundle()
        if name == "vega-embed.js":
            return _away(f"{assets}/{made.name}")
        if name != made.name:
            return Response(status=404)
        return _script(made)

    return pages


def _asked() -> date | None:
    return asked_day(request.args.get("as-of"))


def _drawable(chart: Chart, knowledge: Knowledge) -> Lanes:
    return lanes(chart, knowledge, chart_results(chart, knowledge.catalogue))


def _spec(body: Lanes, *, dark: bool) -> dict[str, Any]:
    # Altair takes a quarter of a second to import: not when a command line imports this room.
    from smartapp.dashboard.spec import spec

    return spec(body, "dark" if dark else "light")


def _away(address: str) -> Response:
    answer = redirect(address, 303)
    answer.headers["Cache-Control"] = "no-store"
    return Response(answer.get_data(), answer.status_code, answer.headers)


def _script(made: Bundle) -> Response:
    packed = request.accept_encodings.quality("gzip") > 0
    answer = Response(
        (made.packed if packed else made.path).read_bytes(), mimetype="text/javascript"
    )
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = IMMUTABLE
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
