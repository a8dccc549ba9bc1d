"""The rules of chunked upload. In: numbers, sizes, digests and one chunk's bytes. Out: a hex digest or a refusal.

Pure: never stores, logs or keeps a byte it is shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

from connector.errors import AudioUnusable, ChunkRefused, Conflict

LARGEST_CHUNK = 8 * 1024 * 1024
LARGEST_RECORDING = 5 * 10**9
MOST_CHUNKS = 100_000

# RFC 9530 section 2: a structured-field dictionary (RFC 8941) of byte sequences; algorithms are lower-case keys.
_SHA256_MEMBER = re.compile(r"(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/=]*):[ \t]*(?=;|,|$)")


def check_digest(content_digest: str | None, data: bytes) -> str:
    """Return the SHA-256 of `data` in hex when it equals the one announced in the Content-Digest header.

    `content_digest` is the field value of RFC 9530, such as `sha-256=:base64:`; other algorithms beside it are
    ignored. Raises ChunkRefused when sha-256 is missing, not readable, or not that of the bytes that arrived.
    """
    announced = _SHA256_MEMBER.findall(content_digest or "")
    if not announced:
        raise ChunkRefused("Send a Content-Digest header with this part: sha-256=:<base64 of its SHA-256>: (RFC 9530).")
    try:
        wanted = base64.b64decode(announced[-1], validate=True)
    except (binascii.Error, ValueError):
        wanted = b""
    if len(wanted) != hashlib.sha256().digest_size:
        raise ChunkRefused("The sha-256 in Content-Digest is not 32 bytes in base64: compute it again and resend.")
    found = hashlib.sha256(data)
    if not hmac.compare_digest(wanted, found.digest()):
        raise ChunkRefused("This part was damaged on its way (its SHA-256 differs from Content-Digest): send it again.")
    return found.hexdigest()


def check_chunk(seq: int, size: int, *, stored: int) -> None:
    """Pass when a chunk of `size` bytes may be number `seq` (from 0) of a recording holding `stored` bytes so far.

    Raises ChunkRefused for an empty or oversized chunk or an impossible number, AudioUnusable when the whole
    recording would pass 5 GB.
    """
    if not 0 <= seq < MOST_CHUNKS:
        raise ChunkRefused(f"Parts are numbered from 0 to {MOST_CHUNKS - 1}: send larger parts.")
    if size == 0:
        raise ChunkRefused("This part holds no bytes: leave it out, or send the bytes that belong to it.")
    if size > LARGEST_CHUNK:
        raise ChunkRefused(f"A part may hold at most {LARGEST_CHUNK // 1024**2} MiB: send smaller parts.")
    if stored + size > LARGEST_RECORDING:
        raise AudioUnusable(
            f"The recording is larger than {LARGEST_RECORDING // 10**9} GB: "
            "send it compressed (Opus, MP3 or M4A) or in two visits."
        )


def is_repeat(stored_sha256: str | None, sha256: str) -> bool:
    """Say whether a chunk is already held: True for the same bytes again, False when the number is free.

    Both digests in hex. Raises Conflict when other bytes are held under that number.
    """
    if stored_sha256 is None:
        return False
    if not hmac.compare_digest(stored_sha256.lower(), sha256.lower()):
        raise Conflict("Another part is already stored under this number: start a new recording, or resend that part.")
    return True


def check_complete(seqs: Iterable[int]) -> int:
    """Return how many chunks a closed recording has, given the numbers held.

    Raises ChunkRefused naming the first missing numbers, AudioUnusable when nothing was sent at all.
    """
    held = set(seqs)
    if not held:
        raise AudioUnusable("The recording is empty: nothing was sent. Record again or choose another file.")
    missing = sorted(set(range(max(held) + 1)) - held)
    if missing:
        first = ", ".join(str(number) for number in missing[:10])
        more = " and others" if len(missing) > 10 else ""
        raise ChunkRefused(f"Parts are missing and have to be sent before the recording can be closed: {first}{more}.")
    return len(held)
