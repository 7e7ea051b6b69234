"""SMART scopes, both syntaxes, narrowed to what can be had here."""

from __future__ import annotations

import pytest

from smartapp.demo import Behaviour
from smartapp.demo.oauth.scopes import grantable, levels_allowing, wants_patient


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        ("launch openid fhirUser", "launch openid fhirUser"),
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.read", "patient/Observation.read"),
        ("patient/Observation.cruds", "patient/Observation.rs"),
        ("patient/Observation.cu", ""),
        ("patient/Observation.write", ""),
        ("patient/*.*", "patient/*.read"),
        ("patient/*.s", "patient/*.s"),
        ("patient/Observation.sr", ""),
        ("patient/Observation.", ""),
        ("patient/observation.rs", ""),
        ("patient/Observation.rs?category=laboratory", ""),
        ("system/Patient.rs", ""),
        ("admin everything", ""),
        ("openid openid", "openid"),
        ("", ""),
        (None, ""),
    ],
)
def test_what_is_granted_of_what_is_asked(requested: str | None, granted: str) -> None:
    assert grantable(requested, Behaviour()) == granted
    assert grantable(granted, Behaviour()) == granted, "granting twice changes nothing"


@pytest.mark.parametrize(
    ("granted", "resource_type", "letter", "levels"),
    [
        ("patient/Observation.rs", "Observation", "r", {"patient"}),
        ("patient/Observation.r", "Observation", "s", set()),
        ("patient/Observation.s", "Observation", "r", set()),
        ("patient/*.read user/Patient.rs", "Patient", "s", {"patient", "user"}),
        ("patient/Observation.rs", "Patient", "r", set()),
        ("launch openid fhirUser", "Patient", "r", set()),
    ],
)
def test_reading_and_searching_are_two_permissions(
    granted: str, resource_type: str, letter: str, levels: set[str]
) -> None:
    assert levels_allowing(granted, resource_type, letter) == levels


def test_patient_scopes_need_a_patient() -> None:
    assert wants_patient("openid patient/Observation.rs")
    assert wants_patient("launch/patient")
    assert not wants_patient("openid fhirUser user/Patient.rs")
