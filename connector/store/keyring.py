"""Envelope encryption: a master key from a file wraps one data key per visit and kind of data.

In: bytes and the ids they belong to. Out: sealed bytes. A value moved to another row never opens.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.errors import Misconfigured

_NONCE = 12
_CANARY = b"connector canary 1"


class DataKind(StrEnum):
    """What a data key protects. Destroying one key erases that kind of one visit and nothing else."""

    AUDIO = "audio"
    REDACTED = "redacted"
    WORDS = "words"
    CHART = "chart"
    ACCESS = "access"


def seal(key: bytes, data: bytes, *, aad: str) -> bytes:
    """AES-256-GCM with a random 96-bit nonce in front; `aad` names table, column and row."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, aad.encode())


def unseal(key: bytes, sealed: bytes, *, aad: str) -> bytes:
    """The plain bytes; raises Misconfigured when key, row or bytes do not belong together."""
    try:
        if len(sealed) < _NONCE:
            raise InvalidTag
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], aad.encode())
    except InvalidTag as error:
        raise Misconfigured(
            f"A sealed value ({aad.split('|')[0]}) does not open: wrong master key or altered data."
        ) from error


@dataclass(frozen=True)
class MasterKey:
    """The key of keys. `key_id` is a public fingerprint; the bytes never leave this object in `repr`."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"key-id" + self.secret).hexdigest()[:16]

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HKDF-SHA256), such as pseudonyms in the audit chain."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(self.secret)

    def pseudonym(self, value: str) -> str:
        """A keyed, stable stand-in for an id that must not appear in the audit chain."""
        return hmac.new(self.derive("pseudonym"), value.encode(), hashlib.sha256).hexdigest()[:32]

    def new_data_key(self, visit_id: str, kind: DataKind) -> tuple[bytes, bytes]:
        """A fresh data key and its wrapped form."""
        plain = secrets.token_bytes(32)
        return plain, seal(self.derive("wrap"), plain, aad=f"data_keys|{visit_id}|{kind}|{self.key_id}")

    def unwrap(self, wrapped: bytes, visit_id: str, kind: DataKind) -> bytes:
        """The data key; raises Misconfigured under another master key."""
        return unseal(self.derive("wrap"), wrapped, aad=f"data_keys|{visit_id}|{kind}|{self.key_id}")

    def make_canary(self) -> bytes:
        """A sealed known value, kept in the database to recognise the right key before any work starts."""
        return seal(self.derive("canary"), _CANARY, aad="canary")

    def fits_canary(self, sealed: bytes) -> bool:
        """Whether this key made that canary."""
        try:
            return unseal(self.derive("canary"), sealed, aad="canary") == _CANARY
        except Misconfigured:
            return False


def read_master_key(path: Path) -> MasterKey | None:
    """The key in `path` (64 hex digits), or None where there is no file. Refuses a file others can read."""
    if not path.exists():
        return None
    mode = path.stat().st_mode & 0o077
    if mode:
        raise Misconfigured(f"The master key file {path.name} can be read by others: run chmod 600 on it.")
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise Misconfigured(f"The master key file {path.name} cannot be read by this process.") from error
    except ValueError as error:
        raise Misconfigured(f"The master key file {path.name} must hold 64 hexadecimal digits.") from error
    if len(secret) != 32:
        raise Misconfigured(f"The master key file {path.name} must hold 64 hexadecimal digits.")
    return MasterKey(secret)


def create_master_key(path: Path) -> MasterKey:
    """Makes a new key file, readable by its owner only, and syncs it; an existing file is never replaced.

    The file appears whole, for another process may be looking at the same time. Raises FileExistsError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_bytes(32)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    return MasterKey(secret)
