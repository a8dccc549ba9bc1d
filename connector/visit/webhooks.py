"""What the vendor is asked to call us by. In: a job of ours. Out: address, header and a fresh secret, or None.

Asked for only where the vendor can reach us. Where none comes the job is looked at all the same.
"""

from __future__ import annotations

import ipaddress
import secrets
from urllib.parse import urlsplit

from connector.clients.speech_request import Webhook
from connector.store.inbox import hash_secret
from connector.visit.parts import Parts, Policy

HEADER = "X-Scribe-Webhook"
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


async def ask_for_webhook(parts: Parts, job_key: str) -> Webhook | None:
    """A webhook for one submit of a job: its secret is good from now on, and so is the one of the submit before."""
    if not can_be_reached(parts.policy):
        return None
    secret = secrets.token_urlsafe(32)
    await parts.jobs.keep_secret(job_key, hash_secret(secret.encode("ascii")))
    return Webhook(f"{parts.policy.public_base_url.rstrip('/')}/hooks/assemblyai/{job_key}", HEADER, secret)


def can_be_reached(policy: Policy) -> bool:
    """Whether the vendor is asked to call: as the settings say, or where our address is a public one over TLS."""
    if policy.webhooks != "auto":
        return policy.webhooks == "on"
    address = urlsplit(policy.public_base_url)
    host = address.hostname or ""
    if address.scheme != "https" or "." not in host or host.endswith(_LOCAL):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
