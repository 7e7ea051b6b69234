"""The sandbox's FHIR R4 API: read and search over the fixture patients."""
