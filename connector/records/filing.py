"""10. Filing and 11. Erasure. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records.stamps import Stamp


@dataclass(frozen=True, slots=True)
class Filing:
    """Where the signed note stands in the EHR; `read_back` is `identical` or `different`."""

    document_reference: str
    composition: str | None
    provenance: str | None
    stored_sha256: str
    read_back: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class VendorCopy:
    """A copy a vendor holds. `kind`: `upload`, `transcript`, `redacted-audio` or `completion`; `kept-draft` is a
    completion at a service that offers no deletion. `state`: `held`,
    `asked`, `answered`, `verified` or `lapsed` (nobody can ask for it; it ends by the vendor's own rule at
    `expires_at`). Times are None until reached."""

    copy_id: str
    kind: str
    vendor_id: str
    state: str
    made_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    verified_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was deleted and how far that is proven; `complete` when no copy is merely asked for or held."""

    copies: tuple[VendorCopy, ...]
    complete: bool
    stamp: Stamp
