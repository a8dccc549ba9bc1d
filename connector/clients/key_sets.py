"""The keys EHRs sign with. In: the address of a key set. Out: the set, kept for a day at most.

A key id nobody has heard of makes it ask again, once a minute at most, whatever the number of unknown ids.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.clients.http import Timing
from connector.clients.keeping import Keeping, Kept
from connector.clients.smart import SmartServer

KeySet = Mapping[str, object]


class KeySets:
    """JSON Web Key Sets by address (OpenID Connect Core 1.0, section 10.1.1: keys rotate without notice)."""

    def __init__(self, smart: SmartServer, *, keeping: Keeping | None = None, timing: Timing | None = None) -> None:
        self._kept: Kept[KeySet] = Kept(smart.fetch_jwks, keeping=keeping, timing=timing)

    async def obtain(self, address: str) -> KeySet:
        """The key set, from what is kept where that is less than a day old; else EhrUnavailable or LaunchRefused."""
        return await self._kept.obtain(address)

    async def renew(self, address: str) -> KeySet:
        """The key set fetched anew, at most once a minute; the kept one where it is too soon or the EHR is away."""
        return await self._kept.renew(address)

    async def aclose(self) -> None:
        """Ends fetches nobody waits for."""
        await self._kept.aclose()
