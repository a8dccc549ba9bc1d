"""In PHI mode nothing of a visit reaches a real vendor without its agreement: at the start, and at each call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from connector.app import compose
from connector.errors import Misconfigured
from connector.settings import Settings
from connector.visit.parts import Parts
from connector.visit.phi import PhiRules, VendorTerms
from tests.fixtures.listening_vendor import ListeningVendor, listening_parts, listening_vendor
from tests.wire.web.conftest import PAGE, open_site
from tests.wire.web.test_vendor_gate import STEPS, attempt, hold, seat_of


@pytest.fixture
async def vendor() -> AsyncIterator[ListeningVendor]:
    async with listening_vendor() as one:
        yield one


@pytest.fixture
async def parts(product_settings: Settings, vendor: ListeningVendor) -> AsyncIterator[Parts]:
    async with listening_parts(product_settings, vendor) as made:
        yield made


def _with(parts: Parts, rules: PhiRules) -> Parts:
    return replace(parts, policy=replace(parts.policy, phi=rules))


async def _try(parts: Parts, name: str) -> object:
    state, step = STEPS[name]
    seat = await seat_of(parts, state)
    await hold(parts, seat, *{"submit": ("upload",), "get": ("upload", "transcript")}.get(name, ()))
    return await attempt(parts, seat, step)


@pytest.mark.parametrize("name", STEPS)
async def test_no_call_leaves_for_a_real_vendor_without_an_agreement(
    parts: Parts, vendor: ListeningVendor, name: str
) -> None:
    real = VendorTerms(real=True)
    outcome = await _try(_with(parts, PhiRules(on=True, speech=real, gateway=real)), name)
    assert isinstance(outcome, Misconfigured) and "agreement" in outcome.detail
    assert vendor.sent() == []


@pytest.mark.parametrize("name", STEPS)
async def test_the_same_call_leaves_under_one(parts: Parts, vendor: ListeningVendor, name: str) -> None:
    signed = VendorTerms(True, "BAA 12", parts.clock().date())
    rules = PhiRules(on=True, speech=signed, gateway=signed, models=("m",), covered=("m",))
    await _try(_with(parts, rules), name)
    assert vendor.sent()


async def test_a_draft_does_not_leave_for_a_model_that_is_not_covered(parts: Parts, vendor: ListeningVendor) -> None:
    signed = VendorTerms(True, "BAA 12", parts.clock().date())
    rules = PhiRules(on=True, speech=signed, gateway=signed, models=("m", "gpt-5.1"), covered=("m",))
    outcome = await _try(_with(parts, rules), "draft")
    assert isinstance(outcome, Misconfigured) and "gpt-5.1" in outcome.detail
    assert vendor.sent() == []


SIGNED: dict[str, Any] = {
    "phi_mode": True,
    "assemblyai_base_url": "https://api.assemblyai.com",
    "gateway_base_url": "https://llm-gateway.assemblyai.com/v1",
    "speech_baa": "BAA 12",
    "speech_baa_date": date(2026, 1, 31),
    "gateway_baa": "BAA 12",
    "gateway_baa_date": date(2026, 1, 31),
    "covered_models": ("claude-sonnet-4-6",),
}


@pytest.mark.parametrize("changes", [{}, SIGNED], ids=["for synthetic data", "in PHI mode"])
async def test_a_served_page_says_synthetic_data_only_unless_in_phi_mode(
    product_settings: Settings, changes: dict[str, Any]
) -> None:
    async with compose(product_settings.model_copy(update=changes)) as made, open_site(made.parts) as site:
        seat = await site.seat()
        pages = [
            await site.client.get(seat.path, headers={**seat.cookie, **PAGE}),
            await site.client.get(f"{seat.path}/recorder", headers={**seat.cookie, **PAGE}),
            await site.client.get("/nothing-here", headers=PAGE),
        ]
    assert [page.status_code for page in pages] == [200, 200, 404]
    said = ["Synthetic data only: no real patients" in page.text for page in pages]
    assert said == [not changes] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"speech_baa": None},
        {"gateway_baa_date": date(9999, 1, 1)},
        {"covered_models": ()},
        {"gateway_base_url": "https://api.openai.com/v1", "gateway_baa": None},
    ],
)
async def test_the_service_does_not_start_without(product_settings: Settings, changes: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        async with compose(product_settings.model_copy(update={**SIGNED, **changes})):
            pass


async def test_the_service_starts_with_all_of_it(product_settings: Settings) -> None:
    async with compose(product_settings.model_copy(update=SIGNED)) as composition:
        assert composition.parts.policy.phi.on
