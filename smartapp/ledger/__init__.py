"""The memory: one relational store for launches, what was said and answered, and the audit chain.

Every module that puts tables on `schema.metadata` is imported here, so that `open_ledger` makes
them all.
"""

from smartapp.ledger import audit, cards, replay
from smartapp.ledger.audit import AuditEvent, AuditReport
from smartapp.ledger.launches import Launches
from smartapp.ledger.store import Ledger, open_ledger
from smartapp.ledger.sweeper import start_sweeper

__all__ = [
    "AuditEvent",
    "AuditReport",
    "Launches",
    "Ledger",
    "audit",
    "cards",
    "open_ledger",
    "replay",
    "start_sweeper",
]
