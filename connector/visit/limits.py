"""What one launch may and may not do. In: a Launch. Out: what is missing, and a write profile no wider than its grant.

It never asks the EHR: the granted scopes and the vendor's profile decide.
"""

from __future__ import annotations

from dataclasses import replace

from connector.launch.abilities import MissingAbility, Wanted, find_missing, may
from connector.records import Launch
from connector.visit.access import find_registration
from connector.visit.parts import Parts
from connector.writeback.profile import WriteProfile


def find_limits(parts: Parts, launch: Launch) -> tuple[MissingAbility, ...]:
    """What will not be possible in this launch, to be told before a recording begins; () when nothing is missing."""
    registration = parts.registrations.by_tenant(launch.tenant)
    if registration is None:
        return ()
    profile = parts.rules.profiles[registration.vendor_profile]
    wanted = Wanted(profile.composition, profile.provenance, encounter=launch.encounter is not None)
    return find_missing(
        launch.granted_scope,
        wanted=wanted,
        renewable=launch.renewable,
        identified=launch.practitioner is not None,
    )


def profile_for(parts: Parts, launch: Launch) -> WriteProfile:
    """How this launch's note is written: the vendor's way, without the resources that were not granted.

    One entry of a transaction that is not allowed would refuse the whole of it.
    """
    profile = parts.rules.profiles[find_registration(parts, launch.tenant).vendor_profile]
    scope = launch.granted_scope
    return replace(
        profile,
        composition=profile.composition and may(scope, "c", resource="Composition"),
        provenance=profile.provenance
        and (may(scope, "c", resource="Provenance") or may(scope, "u", resource="Provenance")),
    )
