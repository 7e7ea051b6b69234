"""Who the patient is: one record of one man, pure and independent of the clock."""

from smartapp.patient.orders import read_drafts
from smartapp.patient.reading import read_record

__all__ = ["read_drafts", "read_record"]
