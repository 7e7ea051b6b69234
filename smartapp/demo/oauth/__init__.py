"""The sandbox's authorization server: SMART App Launch 2.2, as strict as a real EHR's."""
