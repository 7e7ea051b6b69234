"""Looks at one FHIR server with this app's eyes and says what to do: see README.md."""

from smartapp.doctor.examine import Report, examine
from smartapp.doctor.report import as_json, as_text
from smartapp.doctor.visit import Visit

__all__ = ["Report", "Visit", "as_json", "as_text", "examine"]
