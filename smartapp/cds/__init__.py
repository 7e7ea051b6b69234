"""The service door: CDS Hooks 2.0.1."""

from smartapp.cds.blueprint import blueprint
from smartapp.cds.clients import Client, Clients, load_clients
from smartapp.cds.sites import Site, Sites

__all__ = ["Client", "Clients", "Site", "Sites", "blueprint", "load_clients"]
