"""The service door: CDS Hooks 2.0.1."""

from smartapp.cds.blueprint import blueprint
from smartapp.cds.sites import Site, Sites

__all__ = ["Site", "Sites", "blueprint"]
