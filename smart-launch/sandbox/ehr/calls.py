"""In: a bearer token's record and a request's headers. Out: what this one call to the gateway may do.
Never looks at a resource; that is the release and admission rules' part."""

from collections.abc import Mapping
from dataclasses import dataclass

from .compartment import PATIENT_TYPES, SHARED_TYPES, PatientCompartment
from .refusals import Refusal, refuse_scope
from .scopes import Scope, permitting
from .tokens import Approval


@dataclass(frozen=True)
class GatewayCall:
    """One authorized call. `deaf` and `altered` are faults a test asked for.

    Without a patient `scopes` holds no `patient/` scope: there is nobody it could be about.
    """

    approval: Approval
    scope_text: str
    scopes: tuple[Scope, ...]
    compartment: PatientCompartment
    headers: Mapping[str, str]
    deaf: bool = False
    altered: bool = False

    def permits(self, resource_type: str, letters: str, resource_id: str = "") -> list[Scope]:
        """The scopes that permit one of the letters on the type; the clinician's own record comes with fhirUser."""
        own = resource_id and f"{resource_type}/{resource_id}" == self.approval.practitioner
        if own and letters == "r" and "fhirUser" in self.scope_text.split():
            return [Scope("user", resource_type, frozenset("r"))]
        return permitting(self.scopes, resource_type, letters)

    def require(self, resource_type: str, letters: str, resource_id: str = "") -> list[Scope]:
        """As permits, but raises Refusal 403 when there is none or the type is not offered to a patient launch."""
        if resource_type not in SHARED_TYPES | PATIENT_TYPES:
            raise Refusal(403, "forbidden", f"{resource_type} is not offered to an app launched for one patient.")
        scopes = self.permits(resource_type, letters, resource_id)
        if not scopes and resource_type in PATIENT_TYPES and not self.compartment.patient:
            raise Refusal(403, "forbidden", "this launch has no patient, and no user/ scope reaches this.")
        if not scopes:
            raise refuse_scope(resource_type, letters)
        return scopes
