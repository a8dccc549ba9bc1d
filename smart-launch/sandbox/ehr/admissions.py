"""In: resources an app wants to store. Out: nothing, or a refusal with the reason.
Never lets a write through that misses the launch patient, replaces another's resource, or points at one."""

from typing import Any

from .calls import GatewayCall
from .compartment import PATIENT_TYPES, PatientCompartment, provenance_targets, referenced_encounters
from .interactions import Interaction
from .refusals import Refusal, refuse_patient, refuse_scope
from .upstream import FhirUpstream


class AdmissionRules:
    """Checks writes for one gateway."""

    def __init__(self, upstream: FhirUpstream) -> None:
        self._upstream = upstream

    async def admit_write(
        self, call: GatewayCall, interaction: Interaction, resource: Any, *, in_bundle: frozenset[str] = frozenset()
    ) -> None:
        """Check a create or update; `in_bundle` are the fullUrls and Type/id of the same transaction, checked too.

        Raises Refusal: 400 wrong body, 403 scope or patient, 422 a reference to another patient's encounter.
        """
        resource_type = interaction.resource_type
        if not isinstance(resource, dict) or resource.get("resourceType") != resource_type:
            raise Refusal(400, "invalid", f"the body must be a {resource_type}.")
        scopes = call.require(resource_type, interaction.letter)
        if resource_type not in PATIENT_TYPES or (resource_type == "Patient" and interaction.kind == "create"):
            raise Refusal(403, "forbidden", f"{resource_type} cannot be written by an app.")
        if not any(scope.covers(resource) for scope in scopes):
            raise refuse_scope(resource_type, interaction.letter)
        own = call.compartment.confine(resource)
        await self._check_patient(own, resource, in_bundle)
        for reference in referenced_encounters(resource):
            if reference not in in_bundle and not await own.owns_reference(reference):
                raise Refusal(422, "business-rule", f"the encounter of this {resource_type} is not this patient's.")
        if interaction.kind == "update":
            await self.admit_replacement(own, interaction)

    async def admit_replacement(self, own: PatientCompartment, interaction: Interaction) -> None:
        """Refuses (403) to update or delete a stored resource of another patient; a new id is fine."""
        stored = await self._upstream.read(interaction.path)
        if stored is None or await own.owns(stored):
            return
        raise refuse_patient(interaction.resource_type)

    async def _check_patient(
        self, own: PatientCompartment, resource: dict[str, Any], in_bundle: frozenset[str]
    ) -> None:
        resource_type = resource["resourceType"]
        if resource_type != "Provenance":
            named = await own.owns(resource)
        else:
            targets = provenance_targets(resource)
            outside = [target for target in targets if target not in in_bundle]
            named = bool(targets) and (not outside or await own.owns_all(outside))
        if not named:
            raise refuse_patient(resource_type)
