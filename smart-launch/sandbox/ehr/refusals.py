"""In: a reason. Out: a FHIR OperationOutcome with its status. Used wherever the gateway says no.
Never carries content of a resource: the text names types, scopes and rules only."""

from typing import Any

from starlette.responses import JSONResponse

FHIR_JSON = "application/fhir+json"


class Refusal(Exception):
    """The gateway refuses. `code` is an IssueType (FHIR R4 issue-type): login, forbidden, not-found, not-supported…"""

    def __init__(self, status: int, code: str, text: str, *, challenge: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.challenge = challenge

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome resource."""
        return make_outcome(self.code, self.text)

    def respond(self) -> JSONResponse:
        """The HTTP response; a 401 or scope 403 carries WWW-Authenticate (RFC 6750 section 3)."""
        headers = {"Cache-Control": "no-store"}
        if self.challenge:
            headers["WWW-Authenticate"] = f'Bearer realm="Sandbox EHR", {self.challenge}'
        return JSONResponse(self.outcome(), status_code=self.status, media_type=FHIR_JSON, headers=headers)


def make_outcome(code: str, text: str) -> dict[str, Any]:
    """An OperationOutcome with one error."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": f"Sandbox EHR: {text}"}],
    }


def refuse_token() -> Refusal:
    """401: no token, an unknown one, or an expired one (never said which)."""
    text = "a valid access token is required."
    return Refusal(401, "login", text, challenge='error="invalid_token"')


def refuse_scope(resource_type: str, letters: str) -> Refusal:
    """403: no granted scope has one of the letters on this type."""
    text = f"no granted scope permits {'/'.join(letters)} on {resource_type}."
    return Refusal(403, "forbidden", text, challenge='error="insufficient_scope"')


def refuse_patient(resource_type: str) -> Refusal:
    """403: the request or the resource is not about the patient of the launch."""
    return Refusal(403, "forbidden", f"this {resource_type} does not belong to the patient of the launch.")
