"""In: a browser's requests. Out: the EHR's own pages: patient list, chart, stored note, launch.
Never shown inside another site's frame, and never without the words Sandbox EHR."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from .chart import list_patients, make_person, read_document, read_sections
from .clinicians import Clinician
from .interactions import ID
from .launch_requests import open_launch, read_launch_fields
from .origins import refuse_foreign_origin
from .parts import EhrParts
from .refusals import Refusal

SIGNED_IN = "sandbox_ehr_clinician"
NOBODY = "nobody"


def build_pages_router(parts: EhrParts) -> APIRouter:
    """The routes a clinician's browser uses."""
    router = APIRouter()
    desk = PageDesk(parts)
    router.add_api_route("/", desk.patients, methods=["GET"])
    router.add_api_route("/patients/{patient_id}", desk.chart, methods=["GET"])
    router.add_api_route("/patients/{patient_id}/documents/{document_id}", desk.document, methods=["GET"])
    router.add_api_route("/clinician", desk.sign_in, methods=["POST"])
    router.add_api_route("/launches", desk.launch, methods=["POST"])
    return router


class PageDesk:
    """The pages; each is rendered from a template with the signed-in clinician in its head."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts
        # Cookies do not know ports: two sandbox EHRs on localhost would share one.
        self._cookie = f"{SIGNED_IN}_{parts.config.port}"

    async def patients(self, request: Request, q: str = "") -> Response:
        """The patient list, `q` searches in names."""
        context: dict[str, Any] = {"q": q, "rows": None}
        try:
            context["rows"] = await list_patients(self._parts.upstream, q.strip(), today=self._today())
        except Refusal as refusal:
            context["trouble"] = refusal.text
        return await self._render(request, "patients.html", context)

    async def chart(self, request: Request, patient_id: str) -> Response:
        """The chart of one patient, with the buttons that launch an app."""
        patient = await self._parts.upstream.read(f"Patient/{patient_id}") if ID.match(patient_id) else None
        if patient is None:
            return await self._render(request, "refusal.html", _missing("patient"), status=404)
        context = {
            "person": make_person(patient, self._today()),
            "sections": await read_sections(self._parts.upstream, patient_id),
            "clients": [client.registration for client in self._parts.oauth.clients.values()],
        }
        return await self._render(request, "chart.html", context)

    async def document(self, request: Request, patient_id: str, document_id: str) -> Response:
        """The text of a stored note, as the FHIR server holds it."""
        document = None
        if ID.match(patient_id) and ID.match(document_id):
            document = await read_document(self._parts.upstream, patient_id, document_id)
        patient = await self._parts.upstream.read(f"Patient/{patient_id}") if document else None
        if document is None or patient is None:
            return await self._render(request, "refusal.html", _missing("document"), status=404)
        context = {"document": document, "person": make_person(patient, self._today())}
        return await self._render(request, "document.html", context)

    async def sign_in(self, request: Request) -> Response:
        """Choose who is signed in to the EHR; `nobody` means the clinician is asked for at authorization."""
        refuse_foreign_origin(request, self._parts.config.base_url)
        fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        chosen, back = fields.get("practitioner", NOBODY), fields.get("back", "/")
        back = back if back.startswith("/") and not back.startswith("//") else "/"
        moved = RedirectResponse(quote(back, safe="/?=&%"), status_code=303)
        moved.set_cookie(self._cookie, quote(chosen, safe=""), httponly=True, samesite="lax")
        return moved

    async def launch(self, request: Request) -> Response:
        """Open a launch: JSON in, JSON out; a form is answered with a redirect to the app."""
        refuse_foreign_origin(request, self._parts.config.base_url)
        opened = await open_launch(self._parts, await read_launch_fields(request))
        if "json" in request.headers.get("Content-Type", ""):
            return JSONResponse(opened.describe(), status_code=201, headers={"Cache-Control": "no-store"})
        return RedirectResponse(opened.launch_url, status_code=303, headers={"Cache-Control": "no-store"})

    async def _render(self, request: Request, template: str, context: dict[str, Any], *, status: int = 200) -> Response:
        clinicians = await self._list_clinicians()
        chosen = unquote(request.cookies.get(self._cookie, "")) or (clinicians[0].reference if clinicians else NOBODY)
        known = {clinician.reference for clinician in clinicians}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        everywhere = {
            "clinicians": clinicians,
            "signed_in": chosen if chosen in known else NOBODY,
            "back": path,
            "fhir_base": self._parts.config.fhir_base,
        }
        return self._parts.templates.TemplateResponse(request, template, everywhere | context, status_code=status)

    async def _list_clinicians(self) -> list[Clinician]:
        try:
            return await self._parts.clinicians.list_clinicians()
        except Refusal:
            return []

    def _today(self) -> date:
        return datetime.fromtimestamp(self._parts.clock(), UTC).date()


def _missing(what: str) -> dict[str, str]:
    return {"title": "Not found", "text": f"There is no such {what}."}
