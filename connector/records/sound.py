"""What becomes of a recording besides its transcript. In: nothing. Out: frozen records. Never what was said in words.

Each is kept apart from sound and words, under the key of the chart: it outlives both and says what happened to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp


@dataclass(frozen=True, slots=True)
class SoundGone:
    """A visit's recordings were destroyed at `stamp.at`: their key is gone, and what was sealed by it unreadable.

    `reason` is a slug: filed, transcribed, discarded, not-this-patient, consent-withdrawn, visit-over.
    """

    reason: str
    stamp: Stamp
