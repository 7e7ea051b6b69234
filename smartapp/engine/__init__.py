"""What it means: pure functions from a record, knowledge and a moment to an assessment."""

from smartapp.engine.assess import assess
from smartapp.engine.encode import to_json, to_members

__all__ = ["assess", "to_json", "to_members"]
