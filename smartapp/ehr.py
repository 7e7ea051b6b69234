"""Asking an EHR in a launch's name: with its token, renewed once, and within what was granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from smartapp.errors import FhirUnauthorized, LaunchExpired
from smartapp.fhir.client import Fetched, FhirClient
from smartapp.fhir.permitted import permitted
from smartapp.fhir.plans import SearchPlan
from smartapp.smart import LaunchContext, Sessions


@dataclass(frozen=True, slots=True)
class Ehr:
    """The EHRs of this deployment, as the app may ask them after a launch."""

    sessions: Sessions

    def ask(self, context: LaunchContext, plans: Sequence[SearchPlan]) -> Fetched:
        """Answers to the plans that the launch's scopes permit, and a gap for every other.

        A token that the server refuses is renewed once.
        Refuses (LaunchExpired) when no token is good any more, (FhirUnauthorized) an open test
        server that wants one.
        """
        grants = self.sessions.grants(context)
        asked, gaps = (plans, ()) if grants is None else permitted(grants, plans)
        launch = context.launch_id
        token = self.sessions.access_token(launch)
        try:
            found = self._run(context, asked, token, refreshed=False)
        except FhirUnauthorized:
            if token is None:
                raise
            renewed = self.sessions.access_token(launch, rejected=token)
            try:
                found = self._run(context, asked, renewed, refreshed=True)
            except FhirUnauthorized as error:
                raise LaunchExpired(
                    "The EHR does not accept this launch's permission any more. Open the app from "
                    "the patient's chart again."
                ) from error
        return replace(found, gaps=(*found.gaps, *gaps))

    def _run(
        self,
        context: LaunchContext,
        plans: Sequence[SearchPlan],
        token: str | None,
        *,
        refreshed: bool,
    ) -> Fetched:
        timeout_ms = self.sessions.settings.fhir_timeout_ms
        client = FhirClient(
            context.fhir_base,
            token=token,
            timeout_ms=timeout_ms,
            profile=self.sessions.issuers.named(context.issuer).profile,
        )
        return client.run(plans, 2 * timeout_ms / 1000, refreshed=refreshed)
