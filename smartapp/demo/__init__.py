"""The sandbox EHR: authorization server, FHIR API and chart pages over the fixture patients."""
