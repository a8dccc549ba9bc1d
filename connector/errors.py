"""The one error tree, sorted by who can mend it. In: a sentence for the reader. Out: exceptions with slug and status.

`detail` must say how to mend the matter and must never hold patient data: it reaches pages, logs and problem+json
(RFC 9457).
"""

from __future__ import annotations

from typing import ClassVar


class ConnectorError(Exception):
    """Base of all errors the product raises on purpose; `support_code` is set where the error is answered."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class LaunchRefused(ConnectorError):
    """The EHR launch did not meet SMART App Launch 2.2; the integrator or a relaunch mends it."""

    slug, title, status = "launch-refused", "This launch was refused", 400


class EhrChanged(LaunchRefused):
    """The EHR publishes other sign-in addresses than are pinned or were known; its integrator confirms them first."""

    slug, title, status = "ehr-changed", "This EHR's sign-in addresses have changed", 502


class NotAllowed(ConnectorError):
    """The session, its CSRF token or the signer does not allow this."""

    slug, title, status = "not-allowed", "Not allowed", 403


class ConsentWithdrawn(NotAllowed):
    """Somebody took back their consent to being recorded: what was made from the sound is destroyed, and no more comes.

    Raised too where a step's recording was destroyed or given up meanwhile: there is nothing left to send.
    """

    slug, title = "consent-withdrawn", "Consent was withdrawn"


class SessionLocked(NotAllowed):
    """The page was left alone for a while and is hidden; one click shows it again."""

    slug, title, status = "session-locked", "Hidden after a pause", 423


class TooMany(ConnectorError):
    """Too many tries from one address within a short time; waiting mends it."""

    slug, title, status = "too-many", "Too many tries", 429


class NotFound(ConnectorError):
    """Nothing of that name belongs to this launch; the same answer whether it exists elsewhere or not."""

    slug, title, status = "not-found", "Not found", 404


class SessionEnded(NotFound):
    """A session that was there: left, over its time, or no longer renewed by the EHR; a launch mends it."""

    slug, title = "session-ended", "This session has ended"


class Conflict(ConnectorError):
    """The visit has moved on since the page was shown."""

    slug, title, status = "conflict", "The visit has changed", 409


class InputRefused(ConnectorError):
    """What was sent is missing something or too large; sending it otherwise mends it."""

    slug, title, status = "input-refused", "This cannot be taken as it is", 422


class AddressRefused(InputRefused):
    """A recording may not be fetched from this address; another address, or the file itself, mends it."""

    slug, title = "address-refused", "This address cannot be used"


class SourceRefused(ConnectorError):
    """The place a recording was to be fetched from does not give it, or gives something else."""

    slug, title, status = "source-refused", "The recording could not be fetched", 502


class SourceUnavailable(SourceRefused):
    """The place a recording was to be fetched from is away, failing or too slow; trying again mends it."""

    slug, title, status, retryable = "source-unavailable", "The recording could not be fetched", 503, True


class AudioUnusable(ConnectorError):
    """The recording cannot be read as sound; another file mends it."""

    slug, title, status = "audio-unusable", "This recording cannot be used", 422


class ProbeBusy(ConnectorError):
    """A recording could not be looked through for a cause that passes: too slow just now, or its process was killed."""

    slug, title, status, retryable = "probe-busy", "The recording could not be examined just now", 503, True


class ChunkRefused(AudioUnusable):
    """One part of an upload is damaged, misnumbered or too large; sending that part again mends it."""

    slug, title, status = "chunk-refused", "This part of the recording was not accepted", 400


class RecordedElsewhere(Conflict):
    """Another window or device is recording this visit just now; the clinician decides which goes on."""

    slug, title = "recorded-elsewhere", "This visit is being recorded elsewhere"


class NoSpace(ConnectorError):
    """The disk of the service is full: the operator makes room; the sender keeps what was not acknowledged."""

    slug, title, status, retryable = "no-space", "There is no room for more sound", 507, True


class SoundDestroyed(NotFound):
    """The recording was there and is destroyed, as the site's policy or a person wanted it."""

    slug, title, status = "sound-destroyed", "The recording was destroyed", 410


class NothingSaid(ConnectorError):
    """The recording holds too little speech to write a note from."""

    slug, title, status = "nothing-said", "No visit could be heard", 422


class EhrRejected(ConnectorError):
    """The EHR answered and refused; a person has to look."""

    slug, title, status = "ehr-rejected", "The EHR refused this", 502


class EhrUnavailable(ConnectorError):
    """The EHR cannot be reached or is failing; trying again mends it."""

    slug, title, status, retryable = "ehr-unavailable", "The EHR cannot be reached", 503, True


class ClientNotAccepted(EhrUnavailable):
    """The EHR does not take our own client id, secret or key: the operator mends the registration, then it goes on."""

    slug, title = "client-not-accepted", "The EHR does not accept the scribe's registration"


class EhrOutcomeUnknown(EhrUnavailable):
    """A write was sent and no answer came: it may have happened. Search before sending again."""

    slug, title = "ehr-outcome-unknown", "The EHR did not confirm the write"


class RelaunchNeeded(NotAllowed):
    """The EHR's tokens are used up; opening the scribe from the chart again mends it."""

    slug, title, status = "relaunch-needed", "Please open the scribe from the chart again", 401


class AccessWithdrawn(RelaunchNeeded):
    """The EHR takes the launch back: its user has left or was disabled, or it names another patient."""


class VendorRejected(ConnectorError):
    """The speech or language vendor refused the request; settings or the recording have to change."""

    slug, title, status = "vendor-rejected", "The transcription service refused this", 502


class VendorUnavailable(ConnectorError):
    """The vendor cannot be reached, is failing, or asks to wait; trying again mends it."""

    slug, title, status, retryable = "vendor-unavailable", "The transcription service cannot be reached", 503, True


class AnotherJob(VendorUnavailable):
    """The vendor answered about another job than was asked for: nothing of the answer is used."""


class VendorAccount(VendorUnavailable):
    """The vendor refuses our account, whatever is sent: its key, its quota or its balance. The operator mends it, then
    everything that waits goes on."""

    slug, title = "vendor-account", "The transcription service refuses the account"

    def __init__(self, detail: str, *, kind: str, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.kind = kind


class TranscriptGone(VendorRejected):
    """The vendor no longer has the job that was waited for; transcribing again mends it."""

    slug, title = "transcript-gone", "The transcription was lost"


class CapReached(ConnectorError):
    """This month's budget of the clinic is used up or set aside: the operator raises it, or the next month mends it."""

    slug, title, status, retryable = "cap-reached", "This month's budget allows no more just now", 503, True


class VendorOutcomeUnknown(VendorUnavailable):
    """A job was sent and no answer came: it may exist. Search the vendor's list before sending again.

    `request_id` names what the vendor may hold, where it said so.
    """

    slug, title = "vendor-outcome-unknown", "The transcription service did not confirm the job"

    def __init__(self, detail: str, *, retry_after: float | None = None, request_id: str | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.request_id = request_id


class DraftUnusable(ConnectorError):
    """The model's answer was cut off, refused or not of the schema; a redraft or typing the note mends it.

    `request_id` names the vendor's copy of that answer, where it is known: it has to be deleted like any other. It was
    paid for too: `model` made it, of `tokens` read and written.
    """

    slug, title, status = "draft-unusable", "No usable draft came back", 502

    def __init__(
        self, detail: str, *, request_id: str | None = None, model: str | None = None, tokens: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__(detail)
        self.request_id = request_id
        self.model = model
        self.tokens = tokens


class SignatureBlocked(ConnectorError):
    """What was shown is not what would be signed, or the signer may not sign."""

    slug, title, status = "signature-blocked", "The note was not signed", 409


class UploadFailed(ConnectorError):
    """`connector upload` cannot go on; `exit_code` tells a script why (docs/operator.md)."""

    slug, title = "upload-failed", "The file was not taken"

    def __init__(self, detail: str, *, exit_code: int = 1) -> None:
        super().__init__(detail)
        self.exit_code = exit_code


class UploadInterrupted(ConnectorError):
    """The scribe stayed away for a quarter of an hour; running the same again goes on where it stopped."""

    slug, title, retryable = "upload-interrupted", "The upload was interrupted", True


class Misconfigured(ConnectorError):
    """Settings, keys, mappings or registrations are wrong; the operator mends it."""

    slug, title, status = "misconfigured", "The service is not set up correctly", 500
