"""Where each EHR authorizes. In: a registration. Out: its endpoints, kept for a day at most and never silently changed.

An address that is not what was pinned or known before closes the EHR to launches; nothing is sent to it.
"""

from __future__ import annotations

from dataclasses import asdict

import structlog

from connector.assets.registrations import Registration, Registrations
from connector.clients.http import Timing
from connector.clients.keeping import Keeping, Kept
from connector.clients.smart import SmartServer
from connector.errors import EhrChanged, LaunchRefused
from connector.launch.discovery import (
    Endpoints,
    find_departures,
    find_openid_issuer,
    read_openid_configuration,
    read_smart_configuration,
)
from connector.launch.ehr import RegisteredEhr
from connector.launch.scopes import render_scopes

_log = structlog.get_logger("connector.visit.directory")


def as_launching(registration: Registration, public_base_url: str) -> RegisteredEhr:
    """A registration as a launch sees it: redirect URI in full, scopes in the EHR's dialect."""
    return RegisteredEhr(
        tenant=registration.tenant,
        fhir_base=registration.fhir_base,
        client_id=registration.client_id,
        redirect_uri=public_base_url.rstrip("/") + registration.redirect_path,
        scopes=render_scopes(registration.scopes, registration.scope_dialect),
        authorize_method=registration.authorize_method,
        plain_http_hosts=registration.plain_http_hosts,
        **asdict(registration.pinned),
    )


class EhrDirectory:
    """The endpoints of every registered EHR, over one SmartServer.

    What an EHR published first in the life of this process is what it has to go on publishing (RFC 9700, section 4.4;
    pins in the registration hold across restarts).
    """

    def __init__(
        self,
        smart: SmartServer,
        registrations: Registrations,
        public_base_url: str,
        *,
        keeping: Keeping | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._smart = smart
        self._ehrs = {one.tenant: as_launching(one, public_base_url) for one in registrations.entries}
        self._known: dict[str, Endpoints] = {}
        self._kept: Kept[Endpoints] = Kept(self._discover, fatal=EhrChanged, keeping=keeping, timing=timing)

    def ehr_of(self, tenant: str) -> RegisteredEhr:
        """That EHR as a launch sees it; KeyError for a tenant that is not registered."""
        return self._ehrs[tenant]

    async def endpoints_of(self, tenant: str) -> Endpoints:
        """Its endpoints, mostly without asking. Raises LaunchRefused, EhrChanged among them, and EhrUnavailable."""
        return await self._kept.obtain(tenant)

    async def aclose(self) -> None:
        """Ends fetches nobody waits for."""
        await self._kept.aclose()

    async def _discover(self, tenant: str) -> Endpoints:
        ehr, known = self._ehrs[tenant], self._known.get(tenant)
        body = await self._smart.fetch_configuration(ehr.fhir_base)
        try:
            endpoints = read_smart_configuration(body, ehr)
        except LaunchRefused as error:
            if known is not None:
                raise self._close(tenant, ("configuration",)) from error
            raise
        endpoints = await self._complete(endpoints, ehr)
        departures = find_departures(endpoints, ehr, known=known)
        if departures:
            raise self._close(tenant, departures)
        self._known[tenant] = endpoints
        return endpoints

    async def _complete(self, endpoints: Endpoints, ehr: RegisteredEhr) -> Endpoints:
        """Endpoints with the address of the keys. Where nobody publishes one, launches open and nobody can sign."""
        issuer = find_openid_issuer(endpoints, ehr)
        if issuer is None:
            return endpoints
        try:
            body = await self._smart.fetch_openid_configuration(issuer)
        except LaunchRefused:
            return endpoints
        return read_openid_configuration(body, endpoints, ehr)

    def _close(self, tenant: str, departures: tuple[str, ...]) -> EhrChanged:
        _log.error("ehr.endpoints-changed", tenant=tenant, kind=" ".join(departures))
        return EhrChanged(
            f"The EHR's SMART configuration is not the one known here ({', '.join(departures)}): nothing was sent. "
            "When its integrator has confirmed the change, write it into the registration and start the service again."
        )
