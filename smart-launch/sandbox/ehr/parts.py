"""In: the configuration and a clock. Out: the working parts of one sandbox EHR, wired once and handed to the routes.
Never shared between two sandbox EHRs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi.templating import Jinja2Templates

from .authorization_server import LaunchAuthorizationServer
from .client_assertions import AssertionDesk
from .client_keys import ClientKeys
from .clients import register_clients
from .clinicians import ClinicianRegister
from .configuration import EhrConfig
from .faults import FaultBook
from .gateway import FhirGateway
from .journal import RequestJournal
from .keys import SigningKeys, load_signing_key
from .mischief import MischiefBook
from .switchboard import Switchboard
from .transactions import BundleDesk
from .upstream import FhirUpstream

HERE = Path(__file__).parent


@dataclass(frozen=True)
class EhrParts:
    """Everything a route may need. `clock` gives seconds since the epoch."""

    config: EhrConfig
    clock: Callable[[], float]
    upstream: FhirUpstream
    clinicians: ClinicianRegister
    gateway: FhirGateway
    bundles: BundleDesk
    oauth: LaunchAuthorizationServer
    switches: Switchboard
    assertions: AssertionDesk
    mischief: MischiefBook
    faults: FaultBook
    journal: RequestJournal
    templates: Jinja2Templates


def assemble_parts(
    config: EhrConfig, clock: Callable[[], float], *, http: httpx.AsyncClient, keys_http: httpx.AsyncClient
) -> EhrParts:
    """Wire the parts; `http` is for the FHIR server, `keys_http` for the apps' key sets, both the caller's to close."""
    upstream = FhirUpstream(config.fhir_upstream, http)
    gateway = FhirGateway(config.fhir_base, upstream)
    switches = Switchboard(off=config.off, scope_dialect=config.scope_dialect, token_seconds=config.token_seconds)
    oauth = LaunchAuthorizationServer(
        config,
        clock,
        clients=register_clients(config.clients, switches),
        switches=switches,
        keys=SigningKeys(load_signing_key(config.state_dir)),
    )
    registrations = {client.client_id: client for client in config.clients}
    templates = Jinja2Templates(directory=HERE / "templates")
    templates.env.globals["ehr_name"] = config.name
    return EhrParts(
        config=config,
        clock=clock,
        upstream=upstream,
        clinicians=ClinicianRegister(upstream),
        gateway=gateway,
        bundles=BundleDesk(gateway),
        oauth=oauth,
        switches=switches,
        assertions=AssertionDesk(registrations, ClientKeys(keys_http, clock), config.token_url, clock),
        mischief=MischiefBook(clock),
        faults=FaultBook(),
        journal=RequestJournal(),
        templates=templates,
    )
