"""The wire log: what went between EHR and app, without secrets and without patient data."""
