"""Which stage of a visit a request belongs to. In: journal entries of the sandboxes. Out: stage names.

By what is asked for, not by when: copies at the vendor's are deleted while the clinician already reads the draft.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

STAGES = ("launch", "context", "consent", "upload", "transcript", "draft", "edit", "sign", "filing", "erasure")

_FILED = re.compile(r"^/fhir/?$|^/fhir/(?:DocumentReference|Composition|Provenance)\b")
_EARLIER_NOTES = "/fhir/DocumentReference"
_LAUNCHING = re.compile(r"^/(?:launches|auth)\b|^/fhir/(?:\.well-known/|metadata|Practitioner)")
_JOB = re.compile(r"^/v2/transcript/([^/]+)$")


def count_ehr(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Requests to the EHR, from the connector or the browser. Renewed tokens count to the filing: that is when a
    visit is old enough to need them."""
    return Counter(_stage_at_ehr(entry) for entry in entries)


def _stage_at_ehr(entry: Mapping[str, Any]) -> str:
    if entry["path"] == _EARLIER_NOTES and "identifier=" not in entry.get("query", ""):
        return "context"  # the titles of earlier notes; ours is looked for by its identifier
    if _FILED.search(entry["path"]) or entry.get("detail", {}).get("grant_type") == "refresh_token":
        return "filing"
    return "launch" if _LAUNCHING.search(entry["path"]) else "context"


def count_vendor(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Requests to the vendor, oldest first: a job that is looked at after its deletion is being verified."""
    found: Counter[str] = Counter()
    deleted: set[str] = set()
    for entry in entries:
        job = _JOB.match(entry["path"])
        if entry["method"] == "DELETE":
            if job is not None:
                deleted.add(job[1])
            found["erasure"] += 1
        elif job is not None and job[1] in deleted:
            found["erasure"] += 1
        else:
            found["draft" if entry["path"].endswith("/chat/completions") else "transcript"] += 1
    return found
