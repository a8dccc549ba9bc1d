"""The SMART-on-FHIR ambient scribe connector: chart context in, signed note out."""
