"""The sandbox EHR: authorization server, FHIR API and chart pages over the fixture patients."""

from smartapp.demo.app import create_ehr
from smartapp.demo.config import Behaviour, ClientRegistration, DemoConfig

__all__ = ["Behaviour", "ClientRegistration", "DemoConfig", "create_ehr"]
