"""The keys an EHR signs with: rotated, missing, and asked for by tokens with invented key ids.

Case A12; client requirement 218; OpenID Connect Core 1.0 section 10.1.1.
"""

from __future__ import annotations

import asyncio

import pytest

from connector.clients.keeping import Keeping, Kept
from connector.errors import EhrChanged, EhrUnavailable, LaunchRefused
from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, launch
from tests.smart.signer import Signer
from tests.smart.strict_ehr import StrictEhr

KEYS = "GET /auth/jwks"


def fetches(ehr: StrictEhr) -> int:
    return ehr.paths().count(KEYS)


async def status(scribe, ehr: StrictEhr) -> int:
    async with scribe.browser() as browser:
        return (await launch(browser, ehr)).status_code


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0.002)


async def test_a12_a_rotated_key_is_found_by_asking_once_more(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Case A12: the first token with a new key id fetches the set, the second one does not."""
    scribe = open_scribe(ehr)
    ehr.behaviour.key_set = Signer.publish(ehr.signer.rsa)
    assert await status(scribe, ehr) == 303
    clock.forward(minutes=5)
    ehr.behaviour.key_set = Signer.publish(ehr.signer.p384)
    ehr.behaviour.id_token = lambda s, c: s.sign(c, key=s.p384, alg="ES384", kid="p384")
    assert await status(scribe, ehr) == 303
    assert await status(scribe, ehr) == 303
    assert fetches(ehr) == 2
    clock.forward(minutes=5)
    ehr.behaviour.id_token = None  # the key that was taken away is believed no more
    assert await status(scribe, ehr) == 400


async def test_a12_a_flood_of_invented_key_ids_asks_once_a_minute(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Case A12: bounded whatever the number of ids; all refused."""
    scribe = open_scribe(ehr)
    assert await status(scribe, ehr) == 303
    counter = iter(range(1000))
    ehr.behaviour.id_token = lambda s, c: s.sign(c, key=s.stranger, kid=f"invented-{next(counter)}")
    for _ in range(3):
        clock.forward(seconds=61)
        assert [await status(scribe, ehr) for _ in range(6)] == [400] * 6
    assert fetches(ehr) == 4
    ehr.behaviour.id_token = None
    assert await status(scribe, ehr) == 303


async def test_a12_within_the_minute_nobody_is_asked(ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock) -> None:
    """Case A12: the set that was fetched a moment ago is young enough to be believed."""
    scribe = open_scribe(ehr)
    assert await status(scribe, ehr) == 303
    ehr.behaviour.id_token = lambda s, c: s.sign(c, kid="invented")
    clock.forward(seconds=59)
    assert await status(scribe, ehr) == 400
    assert fetches(ehr) == 1


async def test_a12_a_forged_signature_under_a_known_key_id_asks_nobody(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Case A12: only an unknown id is a reason."""
    scribe = open_scribe(ehr)
    assert await status(scribe, ehr) == 303
    clock.forward(minutes=5)
    ehr.behaviour.id_token = lambda s, c: s.sign(c, key=s.stranger)
    assert await status(scribe, ehr) == 400
    assert fetches(ehr) == 1


async def test_a12_a_single_key_without_id_may_be_replaced(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """OpenID Connect Core 1.0 section 10.1: a set of one key needs no key ids."""
    scribe = open_scribe(ehr)

    def nameless(signer: Signer) -> dict[str, object]:
        (key,) = Signer.publish(signer.rsa)["keys"]  # type: ignore[misc]
        return {"keys": [{name: value for name, value in key.items() if name != "kid"}]}

    ehr.behaviour.id_token = lambda s, c: s.sign(c, kid=None)
    ehr.behaviour.key_set = nameless(ehr.signer)
    assert await status(scribe, ehr) == 303
    ehr.signer = Signer(1)
    ehr.behaviour.key_set = nameless(ehr.signer)
    clock.forward(minutes=5)
    assert await status(scribe, ehr) == 303
    assert fetches(ehr) == 2


async def test_a12_an_outage_is_bridged_for_a_day(ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock) -> None:
    """Case A12: kept keys for at most 24 hours; after that nobody is believed."""
    scribe = open_scribe(ehr)
    assert await status(scribe, ehr) == 303
    ehr.behaviour.away = {"/auth/jwks"}
    for _ in range(3):
        clock.forward(hours=7, minutes=50)
        assert await status(scribe, ehr) == 303
        await settle()
    clock.forward(minutes=31)
    assert await status(scribe, ehr) == 503
    ehr.behaviour.away = set()
    clock.forward(seconds=6)
    assert await status(scribe, ehr) == 303


@pytest.mark.parametrize(
    "body", [{"keys": []}, {"keys": "x"}, {}, {"keys": [{"kty": "oct", "k": "AAAA", "kid": "rsa"}]}]
)
async def test_a12_a_set_without_usable_keys_believes_nobody(
    ehr: StrictEhr, open_scribe: OpenScribe, body: dict[str, object]
) -> None:
    """Case A12."""
    ehr.behaviour.key_set = body or {"none": True}
    assert await status(open_scribe(ehr), ehr) == 400


# What is kept, by itself ----------------------------------------------------------------------------------------


class Source:
    """Counts how often it is asked, and answers or fails as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: LaunchRefused | EhrUnavailable | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, key: str) -> str:
        self.asked.append(key)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return f"{key}{len(self.asked)}"


async def test_a12_no_more_is_kept_than_there_is_room_for(clock: Clock) -> None:
    """Case A12: bounded; the least used goes first."""
    source = Source()
    kept: Kept[str] = Kept(source.fetch, keeping=Keeping(size=3), timing=clock.timing())
    for key in ("a", "b", "c", "a", "d", "a", "b"):
        await kept.obtain(key)
    assert source.asked == ["a", "b", "c", "d", "b"]


async def test_a12_whoever_waits_shares_one_flight_and_may_give_up(clock: Clock) -> None:
    """A cancelled request does not take the answer away from the others."""
    source = Source()
    source.gate.clear()
    kept: Kept[str] = Kept(source.fetch, timing=clock.timing())
    waiting = [asyncio.create_task(kept.obtain("a")) for _ in range(4)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    source.gate.set()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == ["a1", "a1", "a1"]
    assert source.asked == ["a"]


async def test_a12_a_fatal_failure_drops_what_was_kept_and_others_do_not(clock: Clock) -> None:
    """Case A9: a changed EHR is not served from yesterday's answer."""
    source = Source()
    kept: Kept[str] = Kept(source.fetch, fatal=EhrChanged, timing=clock.timing())
    assert await kept.obtain("a") == "a1"
    source.failure = LaunchRefused("unreadable")
    clock.forward(hours=1)
    assert await kept.obtain("a") == "a1"
    await settle()
    assert await kept.obtain("a") == "a1"
    clock.forward(seconds=61)
    source.failure = EhrChanged("changed")
    assert await kept.obtain("a") == "a1"
    await settle()
    with pytest.raises(EhrChanged, match="changed"):
        await kept.obtain("a")
    assert len(source.asked) == 3


async def test_a12_what_is_fetched_behind_ends_with_the_service(clock: Clock) -> None:
    """Nothing is left running."""
    source = Source()
    kept: Kept[str] = Kept(source.fetch, timing=clock.timing())
    await kept.obtain("a")
    source.gate.clear()
    clock.forward(hours=2)
    assert await kept.obtain("a") == "a1"
    await asyncio.sleep(0)
    await kept.aclose()
    assert len(asyncio.all_tasks()) >= 1
    assert await kept.renew("a") == "a1"
