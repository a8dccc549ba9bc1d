"""1. Launch: what an EHR granted. In: nothing. Out: a frozen record. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp


@dataclass(frozen=True, slots=True)
class Launch:
    """What one SMART App Launch granted. `patient`, `encounter`, `practitioner` are relative references.

    `renewable`: the EHR gave a refresh token. `encounter_chosen`: the EHR named no encounter, so the clinician did;
    each choice is one more Launch of the same `launch_id`.
    """

    launch_id: str
    visit_id: str
    tenant: str
    fhir_base: str
    patient: str
    encounter: str | None
    practitioner: str | None
    practitioner_name: str | None
    need_patient_banner: bool
    granted_scope: str
    stamp: Stamp
    renewable: bool = False
    encounter_chosen: bool = False
