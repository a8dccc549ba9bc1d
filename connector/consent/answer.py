"""The patient's answer to being recorded. In: answer, method, who asked and which wording. Out: a frozen Consent.

Never lets audio through without a given answer, and never guesses one.
"""

from __future__ import annotations

from connector.errors import InputRefused, NotAllowed
from connector.records import Consent, ConsentAnswer, Stamp

METHODS = ("verbal", "written")


def record_consent(answer: str, method: str, *, consent_id: str, wording: str, stamp: Stamp) -> Consent:
    """Return the record of one asking.

    `answer` is given, declined or withdrawn; `method` verbal or written; `wording` the version of the text read out,
    such as `en@1`; `stamp.who` the person who asked, `stamp.at` when. Raises InputRefused, with what to send instead,
    for an unknown answer or method, or when asker or wording are missing.
    """
    if answer not in tuple(ConsentAnswer):
        raise InputRefused(f"The answer to recording must be one of: {', '.join(ConsentAnswer)}.")
    if method not in METHODS:
        raise InputRefused(f"Say how the patient answered: one of {', '.join(METHODS)}.")
    if not (stamp.who or "").strip():
        raise InputRefused("Consent needs the person who asked: open the scribe from the chart again and record it.")
    if not wording.strip():
        raise InputRefused("Consent needs the version of the wording that was read to the patient.")
    return Consent(
        consent_id=consent_id,
        answer=ConsentAnswer(answer),
        method=method,
        asked_by=stamp.who or "",
        wording=wording.strip(),
        stamp=stamp,
    )


def require_consent(consent: Consent | None) -> None:
    """Pass when `consent`, the latest of the visit, was given; raise NotAllowed otherwise.

    Called before audio is accepted and before anything is sent to a vendor. A visit without it may still have
    typed notes.
    """
    if consent is None:
        raise NotAllowed("No consent to recording is on file: ask the patient and record the answer first.")
    if consent.answer is ConsentAnswer.DECLINED:
        raise NotAllowed("The patient declined to be recorded: type the visit instead.")
    if consent.answer is not ConsentAnswer.GIVEN:
        raise NotAllowed("The patient withdrew consent to recording: type the visit instead.")
