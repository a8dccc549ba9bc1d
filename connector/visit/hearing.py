"""The vendor's answer to a Transcript as the visit keeps it. In: the answer, the recording, what was asked. Out: a
Transcript with its marks, its doubtful words and every warning. Decides nothing, sends nothing, stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.records import Recording, Stamp, Transcript
from connector.transcript.cleaning import clean_text
from connector.transcript.doubtful_words import mark_doubtful
from connector.transcript.lengths import compare_lengths
from connector.transcript.reading import read_transcript
from connector.transcript.roles import name_roles
from connector.transcript.seating import Seating
from connector.visit.asking import Asking
from connector.visit.parts import Parts

_CUT = "The recording breaks off: its end is missing. Add to the note what was said after that."


def seat_by(parts: Parts, asking: Asking, recording: Recording) -> Seating:
    """What was known of a recording before it was heard; its redacted copy is read with the same."""
    policy = parts.policy
    clinician, patient = name_roles(policy.speech_roles, sides=policy.speech_channels)
    return Seating(
        sides=asking.sides if recording.two_sided else (),
        names=asking.names,
        clinician=clinician,
        patient=patient,
        clinician_first=policy.clinician_speaks_first,
        domain=asking.options.domain,
        captured_ms=recording.duration_ms,
        low_trust_ms=round(parts.rules.speech.low_trust_s * 1000),
    )


def read_heard(parts: Parts, answer: Mapping[str, Any], *, recording: Recording, asking: Asking) -> Transcript:
    """Return what was said in a recording, and all there is to say of how it was heard.

    Raises VendorRejected where the job is not completed or was deleted with the vendor.
    """
    used = clean_text(answer.get("speech_model_used")) if isinstance(answer, Mapping) else ""
    stamp = Stamp(maker="transcript@1", at=parts.clock(), model=used or None)
    seating = seat_by(parts, asking, recording)
    heard = read_transcript(answer, transcript_id=parts.new_id(), stamp=stamp, seating=seating)
    warnings = (
        *heard.warnings,
        *asking.notes,
        *recording.warnings,
        *((_CUT,) if recording.truncated else ()),
        *compare_lengths(heard),
    )
    told = replace(heard, warnings=warnings, marks=recording.marks, sent_language=asking.options.language)
    told = replace(told, between=asking.between)
    return mark_doubtful(told, rules=parts.rules.speech, book=parts.rules.keyterms.drugs)
