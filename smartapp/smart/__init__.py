"""The front door: SMART App Launch 2.2 for the configured EHRs.

`Sessions(settings, issuers, ledger)` is the door's memory, `blueprint(sessions)` its routes.
"""

from smartapp.smart.blueprint import blueprint
from smartapp.smart.context import LaunchContext
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.issuers_file import load_issuers
from smartapp.smart.sessions import Sessions

__all__ = ["Issuer", "Issuers", "LaunchContext", "Sessions", "blueprint", "load_issuers"]
