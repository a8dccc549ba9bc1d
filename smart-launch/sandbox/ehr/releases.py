"""In: what the FHIR server answered. Out: what the app may see of it, with our addresses.
Never lets a resource of another patient or outside the granted scope pass, whatever the search asked for."""

import base64
import binascii
from typing import Any
from urllib.parse import urlencode

from .addresses import AddressBook
from .calls import GatewayCall
from .compartment import PATIENT_TYPES, SHARED_TYPES
from .page_links import PageLinks
from .refusals import Refusal, make_outcome, refuse_patient, refuse_scope

ALTERATION = " [altered by the sandbox EHR]"
_PAGE_RELATIONS = ("next", "previous", "prev", "first", "last")


class ReleaseRules:
    """Checks and rewrites answers for one gateway."""

    def __init__(self, addresses: AddressBook, links: PageLinks) -> None:
        self._addresses = addresses
        self._links = links

    async def release_resource(self, call: GatewayCall, resource: Any, letters: str = "rs") -> dict[str, Any]:
        """One resource. Raises Refusal 403 when it is another patient's or no scope covers it, 502 when it is none."""
        if not isinstance(resource, dict) or "resourceType" not in resource:
            raise Refusal(502, "transient", "the FHIR server behind the EHR gave no resource.")
        resource_type = resource["resourceType"]
        if resource_type == "OperationOutcome":
            return self._addresses.show(resource)
        scopes = call.require(resource_type, letters, resource.get("id", ""))
        if not await call.compartment.owns(resource):
            raise refuse_patient(resource_type)
        if not any(scope.covers(resource) for scope in scopes):
            raise refuse_scope(resource_type, letters)
        return self._addresses.show(_alter_note(resource) if call.altered else resource)

    async def release_searchset(
        self, call: GatewayCall, bundle: Any, *, asked: str, query: list[tuple[str, str]]
    ) -> dict[str, Any]:
        """A searchset with only the entries the app may see; `total` is left out when some were held back."""
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            raise Refusal(502, "transient", "the FHIR server behind the EHR gave no searchset.")
        kept, held = [], 0
        for entry in bundle.get("entry") or []:
            released = await self._release_entry(call, entry)
            held += released is None
            kept += [released] if released else []
        shown = {name: value for name, value in bundle.items() if name not in ("entry", "link", "total")}
        if "total" in bundle and not held:
            shown["total"] = bundle["total"]
        base = f"{self._addresses.fhir_base}/{asked}".rstrip("/")
        shown["link"] = [{"relation": "self", "url": f"{base}?{urlencode(query)}" if query else base}]
        for link in bundle.get("link") or []:
            if link.get("relation") in _PAGE_RELATIONS and link.get("url"):
                url = self._links.issue(link["url"], call.approval.approval_id)
                shown["link"].append({"relation": link["relation"], "url": url})
        if kept:
            shown["entry"] = kept
        return self._addresses.show(shown)

    async def _release_entry(self, call: GatewayCall, entry: dict[str, Any]) -> dict[str, Any] | None:
        resource = entry.get("resource") or {}
        resource_type = resource.get("resourceType", "")
        if resource_type == "OperationOutcome":
            return entry
        if resource_type not in SHARED_TYPES | PATIENT_TYPES:
            return None
        scopes = call.permits(resource_type, "rs")
        if not any(scope.covers(resource) for scope in scopes) or not await call.compartment.owns(resource):
            return None
        shown = {**entry, "resource": _alter_note(resource) if call.altered else resource}
        if resource.get("id"):
            shown["fullUrl"] = f"{self._addresses.fhir_base}/{resource_type}/{resource['id']}"
        return shown

    async def release_transaction(self, call: GatewayCall, bundle: Any) -> dict[str, Any]:
        """A transaction-response; a resource that a condition matched in another patient's record is left out."""
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            raise Refusal(502, "transient", "the FHIR server behind the EHR gave no transaction response.")
        shown = self._addresses.show(bundle)
        for entry in shown.get("entry") or []:
            resource = entry.get("resource") or {"resourceType": "OperationOutcome"}
            if resource.get("resourceType") != "OperationOutcome" and not await call.compartment.owns(resource):
                del entry["resource"]
            response = entry.get("response") or {}
            if "location" in response:
                response["location"] = self._addresses.show_location(response["location"])
        shown.pop("link", None)
        return shown

    def release_error(self, status: int, resource: Any) -> dict[str, Any]:
        """The FHIR server's own OperationOutcome, or one that says its status."""
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            return self._addresses.show(resource)
        return make_outcome("processing", f"the FHIR server behind the EHR answered {status}.")


def _alter_note(resource: dict[str, Any]) -> dict[str, Any]:
    """A copy of a DocumentReference whose inline texts differ from what is stored; others unchanged."""
    if resource.get("resourceType") != "DocumentReference":
        return resource
    contents = []
    for content in resource.get("content") or []:
        attachment = dict(content.get("attachment") or {})
        if "data" in attachment:
            attachment["data"] = _alter_text(attachment["data"])
        contents.append({**content, "attachment": attachment})
    return {**resource, "content": contents}


def _alter_text(data: str) -> str:
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return data
    head, bracket, tail = text.rpartition("</")
    changed = head + ALTERATION + bracket + tail if bracket else text + ALTERATION
    return base64.b64encode(changed.encode()).decode()
