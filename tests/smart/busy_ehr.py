"""A strict EHR with several patients and clinicians that knows which token it gave to whom, and for what.

Whatever is asked with a token of another launch, patient or EHR is written down as a crossing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from tests.smart.clock import Clock
from tests.smart.strict_ehr import Client, Heard, StrictEhr


@dataclass(frozen=True)
class Grant:
    """What one launch is for; ids without their type."""

    launch: str
    patient: str
    clinician: str
    encounter: str


class BusyEhr(StrictEhr):
    """`patients` and `clinicians` map ids to family names that nobody else has, at no other EHR either."""

    def __init__(self, origin: str, clock: Clock, client: Client, *, people: tuple[dict[str, str], dict[str, str]]):
        super().__init__(origin, clock, client)
        self.patients, self.clinicians = people
        self.grants: dict[str, Grant] = {}
        self.by_nonce: dict[str, Grant] = {}
        self.holders: dict[str, Grant] = {}
        self.crossings: list[str] = []
        for kind, named in (("Patient", self.patients), ("Practitioner", self.clinicians)):
            for key, family in named.items():
                name = [{"text": f"Pat {family}", "family": family, "given": ["Pat"]}]
                self.records[f"{kind}/{key}"] = {"resourceType": kind, "id": key, "name": name}

    def open_for(self, *, patient: str, clinician: str, encounter: str) -> dict[str, str]:
        """The parameters of one EHR launch for these three."""
        query = self.open_launch()
        self.grants[query["launch"]] = Grant(query["launch"], patient, clinician, encounter)
        self.records[f"Encounter/{encounter}"] = {
            "resourceType": "Encounter",
            "id": encounter,
            "status": "in-progress",
            "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
        }
        return query

    def approve(self, asked: dict[str, str], *, standalone: bool = False) -> dict[str, str]:
        """As every strict EHR; remembers whose launch this nonce belongs to."""
        self.by_nonce[asked["nonce"]] = self.grants[asked["launch"]]
        return super().approve(asked, standalone=standalone)

    def _claims(self, nonce: str) -> dict[str, object]:
        who = self.by_nonce[nonce].clinician
        return super()._claims(nonce) | {"sub": f"user-{who}", "fhirUser": f"{self.fhir_base}/Practitioner/{who}"}

    async def _token(self, heard: Heard) -> Response:
        asked = self.codes.get(heard.form.get("code", ""))
        grant = self.grants[asked["launch"]] if asked else self.holders.get(heard.form.get("refresh_token", ""))
        answer = await super()._token(heard)
        if answer.status_code != 200:
            return answer
        if grant is None:
            self.crossings.append("a token was given to nobody's launch")
            return answer
        body: dict[str, Any] = json.loads(bytes(answer.body))
        body |= {"patient": grant.patient, "encounter": grant.encounter}
        self.holders |= {body["access_token"]: grant, body["refresh_token"]: grant}
        return JSONResponse(body)

    async def _fhir(self, heard: Heard) -> Response:
        bearer = heard.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self.holders.get(bearer)
        if grant is None:
            self.crossings.append(f"a token from elsewhere: {heard.method} {heard.path.split('/')[2]}")
        elif not _is_of(grant, heard):
            self.crossings.append(f"another launch's token: {heard.method} {heard.path.split('/')[2]}")
        if grant is not None and "/" not in heard.path.removeprefix("/fhir/"):
            return JSONResponse({"resourceType": "Bundle", "type": "searchset", "total": 0})
        return await super()._fhir(heard)


def _is_of(grant: Grant, heard: Heard) -> bool:
    """Whether this is asked for the launch's own patient, encounter or clinician."""
    own = {f"Patient/{grant.patient}", f"Encounter/{grant.encounter}", f"Practitioner/{grant.clinician}"}
    asked = heard.path.removeprefix("/fhir/")
    return asked in own if "/" in asked else heard.query.get("patient") in (grant.patient, f"Patient/{grant.patient}")
