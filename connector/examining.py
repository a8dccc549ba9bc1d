"""`connector doctor`: is everything there, and how do things stand? In: settings. Out: findings in plain words.

Changes nothing. Says nothing of a visit but how many there are, and nothing of a secret but whether it will do.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from connector.app import (
    compose,
    find_model_faults,
    guard_http_stack,
    load_rules,
    make_policy,
    now,
    read_client_keys,
)
from connector.assets.registrations import Registration, load_registrations, read_client_secret
from connector.clients.http import make_client
from connector.clients.model_catalogue import check_speech_key
from connector.erasure.retention import RetentionTerms
from connector.errors import ConnectorError, Misconfigured, VendorAccount, VendorUnavailable
from connector.serving import refuse_open
from connector.settings import Settings, unknown_variables
from connector.store.ledger import Owed
from connector.store.notices import Notice
from connector.store.sweeps import Ended
from connector.visit.parts import Parts
from connector.visit.phi import Vendor, VendorTerms, require_agreement
from connector.visit.redacting import check_policy
from connector.visit.sweeping import DONE, FAILED, NAME
from connector.visit.vendor_account import MEND
from connector.visit.vendor_copies import find_terms
from connector.web.moments import count, describe_age, show_day

_STALE = timedelta(days=2)
"""A daily sweep that nobody has run for so long is not late but missing."""
_OLD_WORD = timedelta(days=180)
_REGIONS = {"us": "the United States", "eu": "the European Union"}
_VENDORS: dict[Vendor, str] = {"speech": "Transcription service", "gateway": "Language model service"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an examination looked at; `noted`: nothing is said against it, and somebody should know of it."""

    good: bool
    text: str
    noted: bool = False


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything a start needs and at how things stand, and says what is missing, all of it at once."""
    findings: list[Finding] = []

    def look(what: str, check: object) -> None:
        try:
            result = check() if callable(check) else check
        except ConnectorError as error:
            findings.append(Finding(False, f"{what}: {error.detail}"))
        else:
            findings.append(Finding(True, f"{what}{f': {result}' if isinstance(result, str) else ''}"))

    look("HTTP stack", guard_http_stack)
    look("Mappings and prompts", lambda: count(len(load_rules().note_types), "note type"))
    look("Redacted copies", partial(_check_redaction, settings))
    registered, waiting = list[Registration](), list[Registration]()

    def read_registrations() -> str:
        found = load_registrations(settings.registrations_folder)
        registered.extend(found.entries)
        waiting.extend(found.waiting)
        if not registered:
            raise Misconfigured("nobody can launch: no EHR is registered. Add one with `connector ehr add`.")
        return count(len(registered), "EHR")

    look("EHR registrations", read_registrations)
    for one in registered:
        look(f"Secret or key for {one.tenant}", partial(_check_credentials, settings, one))
    for one in waiting:
        look(f"Secret or key for {one.tenant}, which waits for a client id", partial(refuse_open, settings, one))
    secrets = {one.client_secret_env for one in (*registered, *waiting)}
    unknown = unknown_variables(os.environ).items()
    findings += [tell_unknown(name, near) for name, near in unknown if name not in secrets]
    findings += examine_agreements(settings)
    findings += examine_retention(settings)
    findings += await examine_vendors(settings)
    return findings + await _examine_stores(settings, before=findings)


async def _examine_stores(settings: Settings, *, before: list[Finding]) -> list[Finding]:
    """Database and master key, and what stands in there."""
    try:
        async with compose(settings) as composition:
            parts = composition.parts
            found = [Finding(True, "Database and master key: they open and fit each other")]
            found += [tell_notice(notice) for notice in await parts.notices.open()]
            return found + await examine_sweep(parts) + await examine_owed(parts)
    except ConnectorError as error:
        if any(error.detail in one.text for one in before):
            told = "Database and master key: not looked at before what is said above is mended."
            return [Finding(True, told, noted=True)]
        return [Finding(False, f"Database and master key: {error.detail}")]


def examine_agreements(settings: Settings) -> list[Finding]:
    """PHI mode, and with each vendor the agreement that is recorded, whether it counts or not."""
    rules, today = make_policy(settings).phi, now().date()
    state = "on" if rules.on else "off: every page says that it is for synthetic data only (CONNECTOR_PHI_MODE)"
    found = [Finding(True, f"PHI mode: {state}")]
    each: tuple[tuple[Vendor, VendorTerms], ...] = (("speech", rules.speech), ("gateway", rules.gateway))
    for vendor, terms in each:
        name = f"PHI mode, {_VENDORS[vendor].lower()}"
        try:
            require_agreement(rules, vendor, today)
        except Misconfigured as error:
            found.append(Finding(False, f"{name}: {error.detail}"))
        else:
            found.append(Finding(True, f"{name}: {_tell_agreement(terms, counts=rules.on)}"))
    return found


def _tell_agreement(terms: VendorTerms, *, counts: bool) -> str:
    if not terms.real:
        return "a sandbox or a host of yours, no agreement is needed"
    if not (terms.agreement or "").strip():
        return "no agreement on health data (BAA) is recorded"
    dated = f"of {show_day(terms.signed_on)}" if terms.signed_on else "without its date"
    return f"agreement {terms.agreement} {dated}{'' if counts else ', which counts once PHI mode is on'}"


def examine_retention(settings: Settings) -> list[Finding]:
    """How long the vendor says it keeps copies, in the region and under the contract in force, with the day of that."""
    policy = make_policy(settings)
    try:
        terms = find_terms(load_rules().retention, policy, today=now().date())
    except ConnectorError:
        return []  # said of the mappings already
    old = now().date() - terms.as_of
    contract = "under an agreement on health data" if terms.contract == "baa" else "without an agreement"
    drafts = terms.completions
    if settings.gateway_kind != "assemblyai":
        drafts = (
            "Drafts are made by another service, which offers no deletion: how long it keeps them is not known here."
        )
    text = (
        f"Copies at the vendor, in {_REGIONS[terms.region]}, {contract}: it says that it deletes by itself "
        f"{_tell_hours(terms)}. {drafts} Its word as of {show_day(terms.as_of)}, checked by nobody here."
    )
    if not policy.phi.speech.real:
        text += " The transcription service set here is a sandbox or a host of yours: what it does may differ."
    if old > _OLD_WORD:
        again = f"That is {old.days} days ago: look at the vendor's pages again, and at mappings/vendor-retention.yaml."
        return [Finding(True, f"{text} {again}", noted=True)]
    return [Finding(True, text)]


def _tell_hours(terms: RetentionTerms) -> str:
    hours = {
        "recordings": terms.upload_hours,
        "transcripts": terms.transcript_hours,
        "redacted recordings": terms.redacted_audio_hours,
    }
    return ", ".join(f"{what} {f'within {kept} hours' if kept else 'never'}" for what, kept in hours.items())


async def examine_sweep(parts: Parts) -> list[Finding]:
    """When the daily sweep over what vendors hold ended last, what it found, and whether it has failed since."""
    name, at = "Daily sweep", parts.clock()
    done, failed = await parts.sweeps.read(DONE), await parts.sweeps.read(FAILED)
    again = failed is not None and (done is None or failed.ran_at > done.ran_at)
    trouble = ""
    if failed is not None and again:
        trouble = (
            f" The last try, {_when(failed.ran_at, at)}, could not read the vendor's list to its end: it is tried "
            "again within the hour, look at what is said of the transcription service above."
        )
    if done is None and (began := await parts.sweeps.read(NAME)) is not None and not again:
        text = (
            f"{name}: the last one began {_when(began.ran_at, at)}; how it ended was not kept, or it is still going on."
        )
        if at - began.ran_at > _STALE:
            return [Finding(False, f"{text} None has run since: is `connector worker` running?")]
        return [Finding(True, text, noted=True)]
    if done is None:
        begins = trouble or " A worker runs it within minutes of its first start: start `connector worker`."
        return [Finding(True, f"{name}: it has not come to its end yet.{begins}", noted=True)]
    text = f"{name}: last ended {_when(done.ran_at, at)}, {_tell_swept(done)}.{trouble}"
    if at - done.ran_at > _STALE:
        return [Finding(False, text if again else f"{text} None has run since: is `connector worker` running?")]
    return [Finding(True, text, noted=again or done.left_over > 0)]


def _tell_swept(done: Ended) -> str:
    looked = f"{count(done.seen, 'job')} at the transcription service looked at, {done.deleted} deleted"
    if not done.left_over:
        return looked
    left = count(done.left_over, "job")
    return (
        f"{looked}, {left} left that nobody here knows: perhaps somebody else's. If the account is this service's "
        "alone, set CONNECTOR_VENDOR_PROJECT_IS_OURS"
    )


async def examine_owed(parts: Parts) -> list[Finding]:
    """Copies that vendors may still hold: those to be asked for, and those nobody can ask for."""
    owed, at = await parts.ledger.owed(), parts.clock()
    return [one for one in (_tell_owed(owed, at), _tell_unaskable(owed, at)) if one is not None]


def _tell_owed(owed: Owed, at: datetime) -> Finding:
    if owed.oldest is None:
        return Finding(True, "Deletions owed: none")
    text = f"Deletions owed: {count(owed.copies, 'copy', 'copies')} of {count(owed.visits, 'visit')} at vendors"
    if at - owed.oldest <= _STALE:
        return Finding(True, f"{text}, the oldest made {_when(owed.oldest, at)}")
    return Finding(
        True,
        f"{text}, the oldest made {_when(owed.oldest, at)}. They go with their visits: look for flags of the "
        "transcription service (docs/operator.md, `vendor-unavailable`) and for questions nobody has answered.",
        noted=True,
    )


def _tell_unaskable(owed: Owed, at: datetime) -> Finding | None:
    if not owed.unaskable or owed.oldest_unaskable is None:
        return None
    ends = f"{owed.dated} of them until the vendor's own rule ends them" if owed.dated else "nobody says how long"
    return Finding(
        True,
        f"Copies nobody can ask for: {count(owed.unaskable, 'copy', 'copies')} may be at vendors, {ends}; the oldest "
        f"made {_when(owed.oldest_unaskable, at)}. An answer was lost, or an upload was never transcribed: there is "
        "nothing to do, and it is not called deleted.",
        noted=True,
    )


def _when(moment: datetime, at: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC ({describe_age((at - moment).total_seconds())})"


async def examine_vendors(settings: Settings) -> list[Finding]:
    """Asks both vendors whether our keys and models will do. One that is away is noted: nothing is wrong here then."""
    key = settings.assemblyai_api_key.get_secret_value()
    async with make_client(timeout=10.0) as client:
        if not key:
            found = [Finding(False, "Transcription service: no key is set: set CONNECTOR_ASSEMBLYAI_API_KEY.")]
        else:
            speech = check_speech_key(client, base_url=settings.assemblyai_base_url, api_key=key)
            address = _host(settings.assemblyai_base_url)
            found = [await _ask_vendor("Transcription service", speech, address=address)]
        if not key and settings.gateway_kind == "assemblyai" and not settings.gateway_api_key.get_secret_value():
            return found
        try:
            faults = await find_model_faults(client, settings)
        except VendorUnavailable as error:
            return [*found, _note(f"Language models at {_host(settings.gateway_base_url)}", error)]
        except ConnectorError as error:
            return [*found, Finding(False, f"Language models: {error.detail}")]
    if faults:
        return [*found, *(Finding(False, f"Language models: {fault}") for fault in faults)]
    models = ", then ".join(make_policy(settings).phi.models)
    good = f"{models}: listed at {_host(settings.gateway_base_url)}, and fit to draft"
    return [*found, Finding(True, f"Language models: {good}")]


def _host(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]


async def _ask_vendor(name: str, asking: Awaitable[None], *, address: str) -> Finding:
    try:
        await asking
    except VendorAccount as error:
        return Finding(False, f"{name}: {error.detail}")
    except VendorUnavailable as error:
        return _note(f"{name} at {address}", error)
    except ConnectorError as error:
        return Finding(False, f"{name}: {error.detail}")
    return Finding(True, f"{name}: {address} accepts the key")


def _note(name: str, error: ConnectorError) -> Finding:
    return Finding(True, f"{name}: not looked at. {error.detail}", noted=True)


def tell_notice(notice: Notice) -> Finding:
    """What only the operator can mend, since when, and how often it was met."""
    name = _VENDORS["speech" if notice.vendor == "speech" else "gateway"]
    since = f"since {notice.opened_at:%Y-%m-%d %H:%M} UTC, {count(notice.times, 'call')} turned away"
    return Finding(False, f"{name}: {MEND[notice.kind]} ({since}). Visits wait, and go on by themselves.")


def tell_unknown(name: str, near: str | None) -> Finding:
    """A variable that looks like a setting and is none: whoever set it believes that it holds."""
    hint = f" Is {near} meant?" if near else ""
    return Finding(True, f"{name} is no setting, and changes nothing.{hint}", noted=True)


def _check_redaction(settings: Settings) -> str:
    """What redacted copies leave out; each has to be one of the vendor's own names."""
    policy = make_policy(settings)
    check_policy(policy)
    if not policy.redaction_policies:
        return "none are made (CONNECTOR_REDACTION_POLICIES)"
    sound = "words and sound" if policy.redaction_audio else "words"
    return f"made of each recording, {sound}, without {', '.join(policy.redaction_policies)} and every name known here"


def _check_credentials(settings: Settings, registration: Registration) -> str:
    """Whether what proves us to one EHR is there and nobody else's; says which kind it is, and nothing of it."""
    refuse_open(settings, registration)
    secret = read_client_secret(registration, os.environ)
    keys = read_client_keys(settings, registration)
    if registration.auth_method == "private_key_jwt":
        return count(len(keys), "key pair")
    return "a secret is set" if secret is not None else "none is needed"
