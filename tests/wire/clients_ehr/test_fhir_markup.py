"""An EHR that answers in XML, harmless or not, is not read: there is no parser for it here (B12)."""

from __future__ import annotations

from typing import Any

import pytest

from connector.clients.fhir import FhirReadAnswer, FhirServer
from tests.wire.clients_ehr.test_fhir_read import server, tokens

__all__ = ["server", "tokens"]

BOMB = b"""<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaaaaaaaa">%s]><Patient>&h;</Patient>""" % b"".join(
    b'<!ENTITY %c "%s">' % (98 + place, b"&%c;" % (97 + place) * 10) for place in range(9)
)
CORPUS = {
    "a resource": b'<Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>',
    "a billion laughs": BOMB,
    "a file": b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient>&x;</Patient>',
    "an address": b'<!DOCTYPE p SYSTEM "http://127.0.0.1:1/p.dtd"><Patient/>',
    "a parameter": b'<!DOCTYPE p [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><Patient/>',
    "inclusion": b'<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></x>',
    "UTF-16": '<?xml version="1.0" encoding="UTF-16"?><Patient/>'.encode("utf-16"),
}


@pytest.mark.parametrize("kind", ["application/fhir+xml", "application/xml", "text/xml", "application/fhir+json"])
@pytest.mark.parametrize("name", CORPUS)
async def test_b12_an_answer_in_xml_is_not_read(peer: Any, server: FhirServer, name: str, kind: str) -> None:
    peer.says(200, CORPUS[name], kind=kind)
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "not-json")
    assert len(peer.heard) == 1, "nothing more is fetched"
