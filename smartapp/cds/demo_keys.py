"""Keys whose private half anyone can read: good for trying the wire, never for a patient.

Test tools sign with them in a browser or from a public repository (standards C1.8, C4.2), and
standards print them as samples. A client that is not marked `test` may not be one of these.
"""

from __future__ import annotations

# RFC 7638 thumbprints (SHA-256) of the public halves.
THUMBPRINTS = frozenset(
    (
        "s9fOe-KDYD1myZ8YCzleUqJQgrYZL49kVijBxhnZvZc",  # the CDS Hooks sandbox, ES384
        "RBFgQFFUIf4hfG8iUUZrf3vFZ_V2r3YRGPx9nKJXk5M",  # Inferno's test kits, ES384
        "Q7fgcIzqt0bVAKsWaw_FyUFSDDpOTfsGdGtjJmAnzFY",  # Inferno's test kits, RS384
        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",  # RFC 7515, appendix A.3
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",  # RFC 7517, appendix A
    )
)

# Whoever publishes a new one under these names has not become a hospital by it.
HOSTS = frozenset(("sandbox.cds-hooks.org", "inferno.healthit.gov", "inferno-qa.healthit.gov"))
