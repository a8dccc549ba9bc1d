"""In: an app's search parameters. Out: the parameters sent on, confined to the launch patient and granted categories.
Never lets a search for another patient through, and never silently turns one into a search for the launch patient.
Without a launch patient never searches everybody."""

from .addresses import AddressBook
from .calls import GatewayCall
from .compartment import SHARED_TYPES
from .refusals import Refusal, refuse_patient

_OWN = frozenset({"_format", "_pretty"})
_REFUSED = ("_has", "_filter", "_query", "_list")
_PATIENT_NAMES = ("patient", "subject", "patient:Patient", "subject:Patient")
_ALWAYS_NEEDED = "subject,patient,category,target"


def confine_search(
    call: GatewayCall, resource_type: str, *, query: list[tuple[str, str]], addresses: AddressBook
) -> list[tuple[str, str]]:
    """The query for the FHIR server. Raises Refusal 400 (parameter not offered) or 403 (scope, another patient)."""
    scopes = call.require(resource_type, "s")
    pairs = [(name, addresses.relative(value)) for name, value in query if name not in _OWN]
    for name, value in pairs:
        if name.split(":")[0] in _REFUSED or (name, value) == ("_summary", "text"):
            raise Refusal(400, "not-supported", f"the search parameter {name.split(':')[0]} is not offered.")
    pairs = [(n, f"{v},{_ALWAYS_NEEDED}") if n == "_elements" else (n, v) for n, v in pairs]
    if resource_type in SHARED_TYPES:
        return pairs
    pairs = _confine_patient(call, resource_type, pairs)
    if all(scope.categories for scope in scopes) and not any(name.split(":")[0] == "category" for name, _ in pairs):
        tokens = dict.fromkeys(token for scope in scopes for token in scope.categories)
        pairs.append(("category", ",".join(tokens)))
    return pairs


def _confine_patient(call: GatewayCall, resource_type: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    patient = call.compartment.patient
    own = {patient, f"Patient/{patient}"}
    by_id = resource_type == "Patient"
    named = ("_id",) if by_id else _PATIENT_NAMES
    if not patient:
        return _refuse_everybody(resource_type, pairs)
    for name, value in pairs:
        about_patient = name.split(":")[0] in (named[0], *(() if by_id else ("subject",)))
        if about_patient and (name not in named or value not in own):
            raise refuse_patient(resource_type)
    if resource_type == "Provenance":
        if not any(name == "target" for name, _ in pairs):
            raise Refusal(400, "required", "a search for Provenance needs the parameter target.")
        return pairs
    wanted = "_id" if by_id else "patient"
    return pairs if any(name == wanted for name, _ in pairs) else [*pairs, (wanted, patient)]


def _refuse_everybody(resource_type: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """For a token without a patient: the query as it is, if it says whom it is about. Raises Refusal 400."""
    names = {name for name, value in pairs if value}
    if resource_type == "Patient":
        enough = any(name == "_id" or not name.startswith("_") for name in names)
    else:
        enough = bool(names & ({"target"} if resource_type == "Provenance" else {"_id", *_PATIENT_NAMES}))
    if not enough:
        raise Refusal(400, "required", f"a search for {resource_type} has to say which patient it is about.")
    return pairs
