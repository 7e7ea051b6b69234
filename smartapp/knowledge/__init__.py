"""What medicine says, as data: versioned, sourced, checked, and open to a site's own choices."""

from smartapp.knowledge.pack import PROFILES, Knowledge, load

__all__ = ["PROFILES", "Knowledge", "load"]
