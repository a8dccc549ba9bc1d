"""What the clinician should look at before signing. In: draft, transcript and chart. Out: Findings.

Never changes the draft, and never says "no allergies" because the allergies could not be read.
"""

from __future__ import annotations

from datetime import datetime

from connector.records import DraftNote, Findings, PatientContext, Transcript


def check_draft(
    draft: DraftNote, *, transcript: Transcript | None, context: PatientContext | None, now: datetime
) -> Findings:
    """Check one revision. Kinds: `no-evidence`, `allergy`, `dose-differs`, `chart-unread`."""
    raise NotImplementedError
