"""The sandbox EHR: authorization server, FHIR API and chart pages over the fixture patients."""

from smartapp.demo.app import create_ehr
from smartapp.demo.behaviour import Behaviour, behaviour_of, vendors
from smartapp.demo.config import ClientRegistration, DemoConfig

__all__ = ["Behaviour", "ClientRegistration", "DemoConfig", "behaviour_of", "create_ehr", "vendors"]
