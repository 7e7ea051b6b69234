"""Choosing the patient of a launch that has none: `/choose/<launch-id>/`.

What is looked for travels in the body of a form and never in an address; the only thing in the
address is the launch's id.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, redirect, render_template, request

from smartapp.dashboard.headers import from_our_own_page, guard
from smartapp.ehr import Ehr
from smartapp.errors import FhirError, InputError, LedgerError, NoPatient
from smartapp.fhir.plans import SearchPlan
from smartapp.fhir.roster import Roster, next_plan, read_roster, roster_plan
from smartapp.ledger import AuditEvent, audit
from smartapp.settings import Settings
from smartapp.smart import LaunchContext, Sessions
from smartapp.smart.ids import bare_id

LONGEST = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user typed. `problem` says why it cannot be looked for."""

    name: str = ""
    identifier: str = ""
    birth_date: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of patients; `more` is the sealed address of the next."""

    roster: Roster
    more: str | None


def blueprint(settings: Settings, sessions: Sessions) -> Blueprint:
    """The page on which a user looks for a patient and opens the chart."""
    pages = Blueprint("picker", __name__)
    ehr = Ehr(sessions)

    @pages.get("/choose/<launch_id>/")
    def ask(launch_id: str) -> Response:
        context = sessions.choosing(launch_id)
        if context is None:
            return _to_chart(settings, launch_id)
        # Nobody's real patients: an open test server may show whom it has.
        found = _look(ehr, context, Wanted()) if context.open_server else None
        return _page(settings, sessions, context, Wanted(), found)

    @pages.post("/choose/<launch_id>/")
    def search(launch_id: str) -> Response:
        from_our_own_page()
        context = sessions.choosing(launch_id)
        if context is None:
            return _to_chart(settings, launch_id)
        wanted = _wanted(allow_nothing=context.open_server)
        found = None if wanted.problem else _look(ehr, context, wanted)
        return _page(settings, sessions, context, wanted, found)

    @pages.post("/choose/<launch_id>/open")
    def choose(launch_id: str) -> Response:
        from_our_own_page()
        patient = bare_id(request.form.get("patient", "").strip(), "Patient")
        if patient is None:
            raise NoPatient("The patient's id is not a FHIR id.")
        sessions.choose(launch_id, patient)
        return _to_chart(settings, launch_id)

    return pages


def _look(ehr: Ehr, context: LaunchContext, wanted: Wanted) -> Found | str:
    """A page of patients, or in a sentence why there is none; that there was a look is audited."""
    plan = _next_page(ehr.sessions, context) or roster_plan(
        name=wanted.name, identifier=wanted.identifier, birth_date=wanted.birth_date
    )
    event = AuditEvent(
        kind=audit.PATIENTS_LISTED,
        at=ehr.sessions.clock(),
        who=context.user,
        issuer=context.fhir_base,
        launch=context.launch_id,
    )
    with ehr.sessions.ledger.transaction() as conn:
        audit.append(conn, event)
    try:
        answer = ehr.ask(context, [plan])
        if not answer.pages:
            reason = answer.gaps[0].reason if answer.gaps else "the EHR gave no answer"
            return f"Patients could not be looked for: {reason}."
        roster = read_roster(answer.pages[0].body)
    except (FhirError, InputError) as error:
        return f"Patients could not be looked for: {error.public}."
    return Found(roster, None if roster.next is None else _sealed(ehr, context, roster.next))


def _sealed(ehr: Ehr, context: LaunchContext, link: str) -> str:
    place = f"choose/{context.launch_id}"
    return urlsafe_b64encode(ehr.sessions.ledger.vault.seal(link.encode(), place)).decode()


def _next_page(sessions: Sessions, context: LaunchContext) -> SearchPlan | None:
    """The page after one we showed, if that is what was asked for. It came from us or not at all:
    a link holds what was looked for, and nobody else may say where the token goes."""
    sealed = request.form.get("more")
    if not sealed:
        return None
    try:
        opened = sessions.ledger.vault.open(
            urlsafe_b64decode(sealed.encode()), f"choose/{context.launch_id}"
        )
    except (LedgerError, ValueError):
        raise InputError("This page of patients is not known here. Look for them again.") from None
    return next_plan(opened.decode())


def _wanted(*, allow_nothing: bool) -> Wanted:
    name, identifier, born = (
        " ".join(request.form.get(key, "")[:LONGEST].split())
        for key in ("name", "identifier", "birthdate")
    )
    problem = None
    if born and not _is_date(born):
        problem = "Write the birth date as year-month-day, such as 1985-03-31."
    elif not (name or identifier or born or request.form.get("more") or allow_nothing):
        problem = "Give a name, a number or a birth date."
    return Wanted(name, identifier, born, problem)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _page(
    settings: Settings,
    sessions: Sessions,
    context: LaunchContext,
    wanted: Wanted,
    found: Found | str | None,
) -> Response:
    html = render_template(
        "site/patients.html",
        base=f"{settings.base_path}/choose/{context.launch_id}",
        stylesheet=settings.url("/smart-static/launch.css"),
        context=context,
        wanted=wanted,
        problem=found if isinstance(found, str) else wanted.problem,
        found=found if isinstance(found, Found) else None,
    )
    return guard(Response(html, mimetype="text/html"), sessions.frame_ancestors(context))


def _to_chart(settings: Settings, launch_id: str) -> Response:
    answer = redirect(settings.url(f"/chart/{launch_id}/"), 303)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return Response(answer.get_data(), answer.status_code, answer.headers)
