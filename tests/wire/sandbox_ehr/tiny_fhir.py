"""A very small FHIR R4 server on loopback, enough to stand behind the sandbox EHR; it remembers what it was sent.
It pages searches, honours If-None-Exist, If-Match and transactions, and enforces nothing."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Resource = dict[str, Any]


@dataclass
class TinyFhir:
    """`store` maps `Type/id` to a resource; `heard` has (method, path, headers) of every request."""

    base: str = ""
    assigns_ids: bool = False
    store: dict[str, Resource] = field(default_factory=dict)
    heard: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    raw: dict[str, bytes] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    def add(self, resource: Resource) -> str:
        """Put a resource, with an id of its own unless it has one; gives `Type/id`."""
        resource.setdefault("id", str(next(self.numbers)))
        resource["meta"] = {"versionId": "1"}
        path = f"{resource['resourceType']}/{resource['id']}"
        self.store[path] = resource
        return path

    def add_patient(self, family: str = "Test") -> str:
        """A new patient's id."""
        name = [{"family": family, "given": ["Pat"]}]
        identifier = [{"type": {"coding": [{"code": "MR"}]}, "value": f"MRN-{next(self.numbers)}"}]
        patient = {"resourceType": "Patient", "name": name, "identifier": identifier, "birthDate": "1980-05-01"}
        return self.add({**patient, "gender": "female"}).split("/")[1]

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/fhir{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE"])])

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"].strip("/")
        self.heard.append((request.method, path, dict(request.headers)))
        query, body = list(request.query_params.multi_items()), await request.body()
        if path in self.raw:
            return Response(self.raw[path], media_type="application/fhir+json")
        if path == "metadata":
            return self._send(200, self._capabilities())
        if request.method == "POST" and path.endswith("_search"):
            return self._send(200, self._search(path.split("/")[0], parse_qsl(body.decode())))
        if not path:
            return self._send(200, self._transaction(json.loads(body)) if body else self._search("", query))
        resource = json.loads(body) if body else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, answer, extra = self._one(request.method, path, query=query, resource=resource, headers=headers)
        return self._send(status, answer, extra)

    def _one(
        self, method: str, path: str, *, query: list[tuple[str, str]], resource: Any, headers: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        if method == "GET" and "/" not in path:
            return 200, self._search(path, query), {}
        if method == "POST":
            wanted = dict(parse_qsl(headers.get("if-none-exist", "")))
            if wanted and (found := self._matching(path, list(wanted.items()))):
                return 200, found[0], self._place(found[0])
            resource.pop("id", None)
            self.add(resource)
            return 201, resource, self._place(resource)
        if method == "PUT" and self.assigns_ids and path not in self.store:
            return 405, _outcome("not-supported", "ids are assigned by the server"), {}
        if method == "PUT":
            stored = self.store.get(path)
            version = (stored or {}).get("meta", {}).get("versionId", "0")
            if "if-match" in headers and headers["if-match"] != f'W/"{version}"':
                return 412, _outcome("conflict", f"stale, see {self.base}/{path}"), {}
            self.store[path] = {**resource, "meta": {"versionId": str(int(version) + 1)}}
            return (200 if stored else 201), self.store[path], self._place(self.store[path])
        if path not in self.store:
            return 404, _outcome("not-found", f"no {path} at {self.base}"), {}
        if method == "DELETE":
            del self.store[path]
            return 204, None, {}
        resource = self.store[path]
        return 200, resource, {"ETag": f'W/"{resource["meta"]["versionId"]}"'}

    def _place(self, resource: Resource) -> dict[str, str]:
        version = resource["meta"]["versionId"]
        location = f"{self.base}/{resource['resourceType']}/{resource['id']}/_history/{version}"
        return {"Location": location, "Content-Location": location, "ETag": f'W/"{version}"'}

    def _search(self, resource_type: str, query: list[tuple[str, str]]) -> Resource:
        asked = dict(query)
        if "_cursor" in asked:
            resource_type, _, rest = asked.pop("_cursor").partition("?")
            query = [*parse_qsl(rest), ("_offset", asked["_offset"])]
            asked = dict(query)
        found = self._matching(resource_type, query)
        offset, count = int(asked.get("_offset", 0)), int(asked.get("_count", 50))
        links = [{"relation": "self", "url": f"{self.base}/{resource_type}"}]
        if offset + count < len(found):
            kept = [(name, value) for name, value in query if name != "_offset"]
            cursor = {"_cursor": f"{resource_type}?{urlencode(kept)}", "_offset": str(offset + count)}
            links.append({"relation": "next", "url": f"{self.base}?{urlencode(cursor)}"})
        entries = [
            {"fullUrl": f"{self.base}/{r['resourceType']}/{r['id']}", "resource": r, "search": {"mode": "match"}}
            for r in found[offset : offset + count]
        ]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links, "entry": entries}

    def _matching(self, resource_type: str, query: list[tuple[str, str]]) -> list[Resource]:
        found = [r for r in self.store.values() if r["resourceType"] == resource_type]
        for name, value in query:
            if not name.startswith("_") or name == "_id":
                found = [resource for resource in found if _matches(resource, name, value)]
        return found

    def _transaction(self, bundle: Resource) -> Resource:
        text = json.dumps(bundle)
        for entry in bundle["entry"]:
            if entry["request"]["method"] == "POST" and str(entry.get("fullUrl")).startswith("urn:"):
                wanted = list(dict(parse_qsl(entry["request"].get("ifNoneExist", ""))).items())
                old = self._matching(entry["request"]["url"], wanted) if wanted else []
                entry["resource"]["id"] = old[0]["id"] if old else str(next(self.numbers))
                text = text.replace(entry["fullUrl"], f"{entry['request']['url']}/{entry['resource']['id']}")
        answers = []
        for given, entry in zip(bundle["entry"], json.loads(text)["entry"], strict=True):
            kind, own_id = entry["resource"]["resourceType"], given["resource"]["id"]
            path = f"{kind}/{own_id}"
            status = "200 OK" if path in self.store else "201 Created"
            if path not in self.store or entry["request"]["method"] == "PUT":
                self.add({**entry["resource"], "id": own_id})
            location = f"{self.base}/{path}/_history/1"
            answers.append({"response": {"status": status, "location": location, "etag": 'W/"1"'}})
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _capabilities(self) -> Resource:
        resources = [
            {"type": "Patient", "interaction": [{"code": "read"}, {"code": "patch"}], "operation": [{"name": "x"}]},
            {"type": "Subscription", "interaction": [{"code": "read"}]},
        ]
        implementation = {"description": "tiny", "url": self.base}
        return {
            "resourceType": "CapabilityStatement",
            "implementation": implementation,
            "rest": [{"mode": "server", "resource": resources}],
        }

    def _send(self, status: int, resource: Any, headers: dict[str, str] | None = None) -> Response:
        content = b"" if resource is None else json.dumps(resource).encode()
        return Response(content, status, headers or {}, "application/fhir+json")


def _outcome(code: str, text: str) -> Resource:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": text}],
    }


def _matches(resource: Resource, name: str, value: str) -> bool:
    if name == "_id":
        return bool(resource["id"] == value)
    if name in ("patient", "subject"):
        subject = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
        return bool(subject == f"Patient/{value.removeprefix('Patient/')}")
    if name == "identifier":
        system, _, code = value.rpartition("|")
        return {"system": system, "value": code} in resource.get("identifier", [])
    if name == "target":
        return {"reference": value} in resource.get("target", [])
    if name == "name":
        return value.lower() in json.dumps(resource.get("name", "")).lower()
    if name == "category":
        codes = {c["code"] for concept in resource.get("category", []) for c in concept["coding"]}
        return bool(codes & {token.rpartition("|")[2] for token in value.split(",")})
    return True
