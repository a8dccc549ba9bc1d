"""The sandbox EHR: a stand-in for an EHR vendor with patient pages, a SMART authorization server and a FHIR gateway.
For demos and tests only; it shows "Sandbox EHR" on every page and must never hold a real login."""
