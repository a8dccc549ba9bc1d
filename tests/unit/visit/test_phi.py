"""PHI mode: a real vendor is called under a recorded agreement only, and drafts with covered models only."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from connector.app import make_policy
from connector.errors import Misconfigured
from connector.settings import Settings
from connector.visit.phi import PhiRules, require_agreement, require_agreements

TODAY = date(2026, 11, 27)
SIGNED: dict[str, Any] = {
    "phi_mode": True,
    "speech_baa": "BAA 12",
    "speech_baa_date": TODAY,
    "gateway_baa": "BAA 12",
    "gateway_baa_date": date(2026, 1, 31),
    "gateway_model": "claude-a",
    "covered_models": ("claude-a", "gemini-b"),
}


def _rules(**changes: Any) -> PhiRules:
    return make_policy(Settings(**{**SIGNED, **changes})).phi


def test_a_recorded_agreement_and_a_covered_chain_pass() -> None:
    require_agreements(_rules(gateway_fallbacks=("gemini-b",)), TODAY)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"speech_baa": None}, "CONNECTOR_SPEECH_BAA"),
        ({"speech_baa": "  "}, "CONNECTOR_SPEECH_BAA"),
        ({"assemblyai_base_url": "http://api.assemblyai.com"}, "https:// only: CONNECTOR_ASSEMBLYAI_BASE_URL is not"),
        ({"gateway_base_url": "http://llm.example.org/v1"}, "https:// only: CONNECTOR_GATEWAY_BASE_URL is not"),
        ({"speech_baa_date": None}, "CONNECTOR_SPEECH_BAA_DATE"),
        ({"speech_baa_date": date(2026, 11, 28)}, "CONNECTOR_SPEECH_BAA_DATE lies ahead"),
        ({"gateway_baa": ""}, "CONNECTOR_GATEWAY_BAA"),
        ({"gateway_baa_date": None}, "CONNECTOR_GATEWAY_BAA_DATE"),
        ({"gateway_baa_date": date(2027, 1, 1)}, "CONNECTOR_GATEWAY_BAA_DATE lies ahead"),
        ({"covered_models": ()}, "claude-a must stand in CONNECTOR_COVERED_MODELS"),
        ({"gateway_fallbacks": ("gpt-5.1",)}, r"gpt-5\.1 must stand"),
    ],
)
def test_what_is_missing_is_named_and_nothing_passes(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        require_agreements(_rules(**changes), TODAY)


def test_a_fallback_beyond_the_depth_is_never_asked_and_needs_no_cover() -> None:
    require_agreements(_rules(gateway_fallbacks=("gemini-b", "gpt-5.1"), gateway_fallback_depth=1), TODAY)


def test_each_vendor_has_an_agreement_of_its_own() -> None:
    rules = _rules(gateway_baa=None)
    require_agreement(rules, "speech", TODAY)
    with pytest.raises(Misconfigured):
        require_agreement(rules, "gateway", TODAY)


def test_without_phi_mode_nothing_is_asked_for() -> None:
    require_agreements(make_policy(Settings()).phi, TODAY)


@pytest.mark.parametrize(
    ("address", "real"),
    [
        ("https://api.assemblyai.com", True),
        ("https://api.eu.assemblyai.com", True),
        ("http://10.0.0.7:8083", True),
        ("http://sandbox-assemblyai.example.org:8083", True),
        ("http://another-sandbox:8083", True),
        ("http://sandbox-assemblyai:8083", False),
        ("http://SANDBOX-assemblyai.:8083", False),
        ("http://127.0.0.1:8083", False),
        ("http://vendor.localhost:8083", False),
        ("http://localhost.example.org", True),
        ("http://[::ffff:34.192.246.166]", True),
        ("http://583062822", True),
    ],
)
def test_a_vendor_is_whoever_is_neither_this_machine_nor_a_declared_sandbox(address: str, real: bool) -> None:
    changes: dict[str, Any] = {
        "assemblyai_base_url": address,
        "speech_baa": None,
        "sandbox_hosts": ("sandbox-assemblyai",),
    }
    if real:
        with pytest.raises(Misconfigured):
            require_agreement(_rules(**changes), "speech", TODAY)
    else:
        require_agreement(_rules(**changes), "speech", TODAY)


@pytest.mark.parametrize("name", ["assemblyai_base_url", "gateway_base_url"])
@pytest.mark.parametrize(
    "address",
    [
        *("api.assemblyai.com", "localhost:8083", "ftp://api.assemblyai.com", "https://", "", "http://[::1"),
        *("http://127.0.0.1:port", "https://localhost@api.assemblyai.com", "https://name:word@api.assemblyai.com"),
        *("https://api.assemblyai.com#@localhost", "https://api.assemblyai.com?to=localhost"),
    ],
)
def test_an_address_that_is_none_or_hides_its_host_is_refused_by_its_name(name: str, address: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: address})


NO_SANDBOXES = [
    "api.assemblyai.com",
    "api.openai.com",
    "10.0.0.7",
    "Sandbox",
    "*",
    "a.test.example.org",
    "",
    "-a",
    "a b",
]
AS_ONE_NUMBER = ["583062822", "0x22c0f6a6", "042260373246", "1"]


@pytest.mark.parametrize("host", [*NO_SANDBOXES, *AS_ONE_NUMBER])
def test_a_name_the_internet_could_know_is_no_sandbox(host: str) -> None:
    with pytest.raises(ValidationError):
        Settings(sandbox_hosts=(host,))
    Settings(sandbox_hosts=("sandbox-assemblyai", "vendor.test", "ai.clinic.internal"))


@pytest.mark.parametrize("cap", ["inf", "1e400", "nan", "0", "-1"])
def test_a_budget_without_end_is_none_that_can_be_kept(cap: str) -> None:
    with pytest.raises(ValidationError):
        Settings(monthly_cap=cap)
    assert Settings(monthly_cap="250").monthly_cap == 250


def test_an_address_nobody_can_read_is_not_taken_for_this_machine() -> None:
    assert Settings().is_real_vendor("http://[::1")
