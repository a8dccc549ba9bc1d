"""4. Consent and 5. Recording. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.records.stamps import Stamp


class ConsentAnswer(StrEnum):
    """The patient's answer to being recorded."""

    GIVEN = "given"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who was asked, how and by whom; `wording` names the version of the text read out."""

    consent_id: str
    answer: ConsentAnswer
    method: str
    asked_by: str
    wording: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Recording:
    """A sealed recording: `size` in bytes, `sha256` in hex over the plain bytes, `duration_ms` by demuxing.

    `truncated` says that the file breaks off: its end is missing.
    """

    recording_id: str
    container: str
    size: int
    sha256: str
    chunks: int
    duration_ms: int
    stamp: Stamp
    truncated: bool = False
