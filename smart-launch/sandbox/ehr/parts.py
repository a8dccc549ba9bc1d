"""In: the configuration and a clock. Out: the working parts of one sandbox EHR, wired once and handed to the routes.
Never shared between two sandbox EHRs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi.templating import Jinja2Templates

from .authorization_server import LaunchAuthorizationServer
from .clients import register_clients
from .clinicians import ClinicianRegister
from .configuration import EhrConfig
from .faults import FaultBook
from .gateway import FhirGateway
from .journal import RequestJournal
from .keys import load_signing_key
from .launches import LaunchDesk
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
    faults: FaultBook
    journal: RequestJournal
    templates: Jinja2Templates


def assemble_parts(config: EhrConfig, clock: Callable[[], float], *, http: httpx.AsyncClient) -> EhrParts:
    """Wire the parts; `http` is the client for the FHIR server and stays the caller's to close."""
    upstream = FhirUpstream(config.fhir_upstream, http)
    gateway = FhirGateway(config.fhir_base, upstream)
    oauth = LaunchAuthorizationServer(
        config,
        clock,
        clients=register_clients(config.clients),
        launches=LaunchDesk(clock),
        key=load_signing_key(config.state_dir),
    )
    return EhrParts(
        config=config,
        clock=clock,
        upstream=upstream,
        clinicians=ClinicianRegister(upstream),
        gateway=gateway,
        bundles=BundleDesk(gateway),
        oauth=oauth,
        faults=FaultBook(),
        journal=RequestJournal(),
        templates=Jinja2Templates(directory=HERE / "templates"),
    )
