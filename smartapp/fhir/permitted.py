"""What may be asked with a token, and what is missing because its scopes do not permit it."""

from __future__ import annotations

from collections.abc import Iterable

from smartapp.fhir.model import Gap
from smartapp.fhir.plans import SearchPlan
from smartapp.grants import Grants


def permitted(
    grants: Grants, plans: Iterable[SearchPlan]
) -> tuple[list[SearchPlan], tuple[Gap, ...]]:
    """The plans that the grants allow, and a gap for each key not or not wholly granted.

    A key granted in part is asked for all the same; its gap says so.
    """
    allowed: list[SearchPlan] = []
    gaps: dict[Gap, None] = {}
    for plan in plans:
        short = None if plan.needs is None else grants.shortfall(*plan.needs)
        if short is None or short.state == "partial":
            allowed.append(plan)
        if short is not None:
            gaps[Gap(plan.key, short.state, short.reason)] = None
    return allowed, tuple(gaps)
