"""A vendor that refuses our account: asked of the operator once, not once a visit. In: calls to it. Out: a guard.

While the question is open one visit in a minute tries, and the others wait without a call. Nothing a clinician can do
mends it, so they are offered nothing to press; the first call that goes through sets everything going again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from connector.errors import VendorAccount
from connector.visit.parts import Parts

SPEECH, GATEWAY = "speech", "gateway"
WAITING = "wait-for-operator"
"""The action of a flag that nobody in the room can do anything about."""
_NAMES = {SPEECH: "transcription service", GATEWAY: "language model service"}
_MEND = {
    "key": "it refuses the API key: check key, region and project in the settings",
    "quota": "the quota of the account is used up: raise it, or wait until it is renewed",
    "balance": "the account has no balance left: top it up",
    "unexplained": (
        "it turns everything away without a word (403): wait five minutes, its limit of requests may be reached; then "
        "check key, region and project, and whatever stands between here and there"
    ),
}
_KEY = "key"
_LOOKING = "-looking"
"""A look at a job that is under way was turned away: it need not be for the same reason that a new job is."""
MEND = {**_MEND, **{f"{kind}{_LOOKING}": f"{text} (met by looks at jobs under way)" for kind, text in _MEND.items()}}
_PROBE_EVERY = timedelta(seconds=60)

_log = structlog.get_logger("connector.visit.account")


def say_refused(vendor: str) -> str:
    """What a clinician reads of it."""
    return (
        f"The {_NAMES[vendor]} does not accept this practice's account at the moment. Whoever runs the scribe has been "
        "told; you need not do anything. Nothing is lost, and the work goes on by itself as soon as it is mended."
    )


@asynccontextmanager
async def on_account(parts: Parts, vendor: str | None, *, costs_nothing: bool = False) -> AsyncIterator[None]:
    """Around a step that calls a vendor. Raises VendorAccount where the vendor does, or where another visit tries just
    now; closes the question once a step went through. None: the step calls nobody.

    A step that `costs_nothing`, such as a look at a job, goes through where a new job is turned away, but for a key
    that is refused: it waits for nothing else that a new job asked, and that it went through answers nothing else.
    """
    if vendor is None:
        yield
        return
    found = [one.kind for one in await parts.notices.open(vendor)]
    kinds = [kind for kind in found if not costs_nothing or kind == _KEY or kind.endswith(_LOOKING)]
    if kinds and not await parts.notices.take_probe(vendor, at=parts.clock(), every=_PROBE_EVERY, kinds=kinds):
        wait = _PROBE_EVERY.total_seconds()
        raise VendorAccount(say_refused(vendor), kind=kinds[0].removesuffix(_LOOKING), retry_after=wait)
    try:
        yield
    except VendorAccount as error:
        kind = f"{error.kind}{_LOOKING}" if costs_nothing and error.kind != _KEY else error.kind
        if await parts.notices.ask(vendor, kind, at=parts.clock()):
            _log.error("operator.asked", action=vendor, kind=error.kind)
        raise
    if kinds and await parts.notices.close(vendor, at=parts.clock(), kinds=kinds):
        _log.info("operator.answered", action=vendor)


async def wake_waiting(parts: Parts) -> int:
    """Wakes every visit that waited for an answer of the operator's, once it is there; how many there were."""
    woken = 0
    for vendor, kind in await parts.notices.closed():
        for visit_id in await parts.notices.waiting(VendorAccount.slug):
            await parts.jobs.hurry(visit_id, at=parts.clock())
            await parts.wake(visit_id)
            woken += 1
        await parts.notices.told(vendor, kind)
    return woken
