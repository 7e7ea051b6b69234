"""The FHIR API over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir import writing
from smartapp.demo.fhir.access import caller
from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.fhir.capability import capability_statement
from smartapp.demo.fhir.outcome import Refused, operation_outcome
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.oauth.records import Grant
from smartapp.demo.oauth.vault import Vault
from smartapp.stories import wire

FHIR_JSON = "application/fhir+json; charset=utf-8"
_ACCEPTED = ("application/fhir+json", "application/json", "text/json")


def blueprint(config: DemoConfig, api: FhirApi, repository: Repository, vault: Vault) -> Blueprint:
    """The FHIR base: metadata open to all, everything else with a bearer token.

    An open test server takes requests without one, and can be written to.
    """
    bp = Blueprint("fhir", __name__, url_prefix=urlsplit(config.fhir_root).path)

    def grant() -> Grant:
        return caller(vault, request.headers.get("Authorization"), config.behaviour)

    @bp.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        response = fhir_json(wire.encode(operation_outcome(error)), error.status)
        if error.challenge:
            response.headers["WWW-Authenticate"] = error.challenge
        return response

    @bp.before_request
    def only_json() -> None:
        if request.accept_mimetypes and not request.accept_mimetypes.best_match(_ACCEPTED):
            raise Refused(406, "not-supported", "Only JSON is served.")

    @bp.get("/metadata")
    def metadata() -> Response:
        response = jsonify(capability_statement(config))
        response.content_type = FHIR_JSON
        return response

    @bp.get("/<resource_type>/<resource_id>")
    def read(resource_type: str, resource_id: str) -> Response:
        return fhir_json(api.read(resource_type, resource_id, grant()))

    @bp.get("/<resource_type>")
    def search(resource_type: str) -> Response:
        pairs = list(request.args.items(multi=True))
        return fhir_json(api.page(resource_type, pairs, grant(), _address()))

    @bp.post("/<resource_type>/_search")
    def post_search(resource_type: str) -> Response:
        asking = grant()
        if request.mimetype != "application/x-www-form-urlencoded":
            raise Refused(415, "not-supported", "A _search body is a form.")
        pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
        return fhir_json(
            api.page(resource_type, pairs, asking, f"{config.fhir_root}/{resource_type}")
        )

    @bp.get("")
    def next_page() -> Response:
        asking = grant()
        key = request.args.get("_getpages")
        if key is None:
            raise Refused(404, "not-found", "There is nothing at this address.")
        return fhir_json(api.page_on_base(key, asking, _address()))

    @bp.post("")
    @bp.post("/")
    def transaction() -> Response:
        _refuse_closed()
        return fhir_json(wire.encode(writing.transact(repository, request.get_data())))

    @bp.put("/<resource_type>/<resource_id>")
    def put(resource_type: str, resource_id: str) -> Response:
        _refuse_closed()
        new = writing.write(repository, request.get_data(), (resource_type, resource_id))
        return fhir_json(request.get_data(), 201 if new else 200)

    @bp.delete("/<resource_type>/<resource_id>")
    def delete(resource_type: str, resource_id: str) -> Response:
        _refuse_closed()
        writing.delete(repository, (resource_type, resource_id))
        return Response(status=204)

    @bp.get("/")
    @bp.route("/<path:anything>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unsupported(anything: str = "") -> Any:
        grant()
        if request.method == "GET":
            raise Refused(404, "not-found", "There is nothing at this address.")
        raise Refused(405, "not-supported", "This server only answers read and search.")

    def _refuse_closed() -> None:
        """Refuses (405) to write to a server that only reads."""
        grant()
        if not config.behaviour.fhir_open:
            raise Refused(405, "not-supported", "This server only answers read and search.")

    def _address() -> str:
        query = request.query_string.decode("ascii", "replace")
        return f"{config.origin}{request.path}" + (f"?{query}" if query else "")

    return bp


def fhir_json(body: bytes, status: int = 200) -> Response:
    """A FHIR answer; patient data is never kept by a cache."""
    response = Response(body, status, content_type=FHIR_JSON)
    response.headers["Cache-Control"] = "no-store"
    return response
