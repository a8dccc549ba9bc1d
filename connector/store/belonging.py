"""Whose visit it is, as keyed pseudonyms. In: tenant and references. Out: keys that match without telling.

The database alone does not say which clinician or patient a visit is of; with the master key, equal ones are found.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.store.keyring import MasterKey


@dataclass(frozen=True, slots=True)
class Belonging:
    """A visit's EHR registration and its relative references; without a verified clinician it is nobody's."""

    tenant: str
    clinician: str | None = None
    patient: str | None = None
    encounter: str | None = None

    @property
    def actor(self) -> str:
        """Who the audit chain names."""
        return self.clinician or "system"

    def keys(self, master: MasterKey) -> dict[str, str | None]:
        """Column values: `clinician_key`, `patient_key`, `encounter_key`."""
        return {
            "clinician_key": _key(master, self.tenant, self.clinician),
            "patient_key": _key(master, self.tenant, self.patient),
            "encounter_key": _key(master, self.tenant, self.encounter),
        }


def _key(master: MasterKey, tenant: str, reference: str | None) -> str | None:
    return None if reference is None else master.pseudonym(f"{tenant}|{reference}")
