"""The pages. Every action is a form of this origin; there is no script at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.origin import is_same_origin
from smartapp.demo.ward.cards import CardView, LinkView
from smartapp.demo.ward.desk import Desk
from smartapp.demo.ward.firing import Firing, shown_json
from smartapp.demo.ward.pad import CannotApply, order_label
from smartapp.demo.ward.session import Sessions
from smartapp.demo.ward.summary import Banner, banner, summarise
from smartapp.stories import Story

_PROBLEMS = {
    "empty": "There is no draft order to sign.",
    "unfit": "The suggestion no longer fits the order pad; nothing was changed.",
    "undecided": "A critical card is undecided: follow it, or override it with a reason.",
    "reason": "A critical card can be overridden only with a reason.",
}


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One line of the patient list."""

    banner: Banner
    title: str
    story: str


def blueprint(
    config: DemoConfig,
    stories: tuple[Story, ...],
    repository: Repository,
    desk: Desk,
    sessions: Sessions,
) -> Blueprint:
    """Patient list, chart, order pad, framed app, choice of user."""
    bp = Blueprint("ward", __name__)
    told = {story.patient_id: story for story in stories}

    @bp.before_request
    def only_own_forms() -> None:
        if request.method == "POST" and not is_same_origin(config):
            abort(403)

    @bp.context_processor
    def common() -> dict[str, Any]:
        return {
            "user_name": sessions.names[sessions.user()],
            "order_label": order_label,
            "shown_json": shown_json,
        }

    @bp.get("/")
    def patients() -> str:
        return render_template(
            "patients.html", charts=[_chart(patient) for patient, _ in repository.patients()]
        )

    @bp.get("/login")
    def login() -> str:
        return render_template("login.html", names=sessions.names, current=sessions.user())

    @bp.post("/login")
    def switch_user() -> AnyResponse:
        user = request.form.get("user", "")
        if user not in sessions.names:
            abort(400)
        response = make_response(redirect(url_for("ward.patients"), 303))
        sessions.switch(user, response)
        return response

    @bp.get("/chart/<patient>")
    def chart(patient: str) -> str:
        line = _chart(patient)
        firing = _seen(patient)
        return render_template(
            "chart.html",
            line=line,
            firing=firing or desk.open_chart(sessions.user(), patient),
            summary=summarise(repository, patient),
            problem=_PROBLEMS.get(request.args.get("problem", "")),
        )

    @bp.get("/chart/<patient>/orders")
    def orders(patient: str) -> str:
        return render_template(
            "orders.html",
            line=_chart(patient),
            firing=_seen(patient),
            drafts=desk.pads.of(patient).drafts,
            menu=desk.menu,
            signed="signed" in request.args,
            problem=_PROBLEMS.get(request.args.get("problem", "")),
        )

    @bp.post("/chart/<patient>/orders/add")
    def add_order(patient: str) -> AnyResponse:
        _chart(patient)
        choice = desk.menu.get(request.form.get("choice", "")) or abort(400)
        firing = desk.add_order(sessions.user(), patient, choice)
        return _back("orders", patient, cards=firing.key)

    @bp.post("/chart/<patient>/orders/remove")
    def remove_order(patient: str) -> AnyResponse:
        _chart(patient)
        desk.pads.of(patient).remove(request.form.get("order", ""))
        return _back("orders", patient)

    @bp.post("/chart/<patient>/orders/sign")
    def sign(patient: str) -> AnyResponse:
        _chart(patient)
        if not desk.pads.of(patient).drafts:
            return _back("orders", patient, problem="empty")
        seen = desk.firings.find(request.form.get("cards"), sessions.user(), patient)
        firing = desk.sign(sessions.user(), patient, seen)
        if firing is None:
            return _back("orders", patient, signed="1")
        undecided = seen is firing and firing.undecided_critical
        return _back("orders", patient, cards=firing.key, **_if(undecided, "undecided"))

    @bp.post("/chart/<patient>/cards/accept")
    def accept(patient: str) -> AnyResponse:
        firing, card = _card(patient)
        try:
            desk.accept(firing, card, request.form.get("suggestion", -1, type=int))
        except CannotApply:
            return _back(_page(firing), patient, cards=firing.key, problem="unfit")
        return _back(_page(firing), patient, cards=firing.key)

    @bp.post("/chart/<patient>/cards/override")
    def override(patient: str) -> AnyResponse:
        firing, card = _card(patient)
        reason = request.form.get("reason", "")
        comment = request.form.get("comment", "").strip()[:500]
        if card.reasons and card.indicator == "critical" and not (reason or comment):
            return _back(_page(firing), patient, cards=firing.key, problem="reason")
        desk.override(firing, card, reason, comment)
        return _back(_page(firing), patient, cards=firing.key)

    @bp.get("/chart/<patient>/app")
    def framed_app(patient: str) -> str:
        line = _chart(patient)
        address = desk.launch_address(sessions.user(), patient, _link(patient))
        return render_template("app.html", line=line, address=address)

    def _chart(patient: str) -> PatientLine:
        row = repository.read("Patient", patient) or abort(404)
        story = told.get(patient)
        text = (story.title, story.text) if story else ("", "")
        return PatientLine(banner(row.resource, config.anchor), *text)

    def _seen(patient: str) -> Firing | None:
        return desk.firings.find(request.args.get("cards"), sessions.user(), patient)

    def _card(patient: str) -> tuple[Firing, CardView]:
        _chart(patient)
        firing = desk.firings.find(request.form.get("cards"), sessions.user(), patient)
        card = firing.card(request.form.get("card", "")) if firing else None
        if firing is None or card is None:
            abort(410)
        return firing, card

    def _link(patient: str) -> LinkView | None:
        """The smart link that was followed, if the app was opened from a card."""
        firing = _seen(patient)
        card = firing.card(request.args.get("card", "")) if firing else None
        place = request.args.get("link", -1, type=int)
        if card is None or not 0 <= place < len(card.links):
            return None
        link = card.links[place]
        return link if link.smart and link.allowed else None

    return bp


def _page(firing: Firing) -> str:
    return "chart" if firing.hook == "patient-view" else "orders"


def _if(true: Any, problem: str) -> dict[str, str]:
    return {"problem": problem} if true else {}


def _back(page: str, patient: str, **query: str) -> AnyResponse:
    values: dict[str, Any] = {"patient": patient, **query}
    return redirect(url_for(f"ward.{page}", **values), 303)
