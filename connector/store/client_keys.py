"""The connector's own key pairs, one folder per EHR. In: a folder and the moment. Out: keys to sign with, a key set.

Private halves stay in files only their owner can read, and are never printed. A new key is published before it signs.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from connector.errors import Misconfigured

RSA_BITS = 3072
SMALLEST_RSA_BITS = 2048
CURVE = "P-384"
# How long an EHR may keep our key set (Cache-Control), and how long a new key is published before it signs.
PUBLISHED_FOR_S = 900
BEFORE_USE = timedelta(seconds=2 * PUBLISHED_FOR_S)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key pair. `algorithm` is RS384 or ES384; `active_at` is when it begins to sign."""

    kid: str
    algorithm: str
    created_at: datetime
    active_at: datetime
    key: RSAKey | ECKey = field(repr=False)

    def publish(self) -> dict[str, Any]:
        """The public half as SMART App Launch 2.2 wants it: bare key, `kty`, `kid`, and what it is for."""
        public = self.key.as_dict(private=False)
        bare = {name: value for name, value in public.items() if name in ("kty", "n", "e", "crv", "x", "y")}
        return {**bare, "kid": self.kid, "use": "sig", "alg": self.algorithm, "key_ops": ["verify"]}


def read_keys(folder: Path) -> tuple[ClientKey, ...]:
    """Every key of one EHR, newest first; () for a folder that does not exist.

    Raises Misconfigured for a file that is no key of ours, or that others than its owner may read.
    """
    if not folder.is_dir():
        return ()
    refuse_open_keys(folder)
    keys = [_read_kept(path) for path in sorted(folder.glob("*.json"))]
    return tuple(sorted(keys, key=lambda one: (one.created_at, one.kid), reverse=True))


def read_key_file(path: Path, *, algorithm: str) -> tuple[ClientKey, ...]:
    """One private key somebody else looks after, as PEM or JWK; raises Misconfigured when it does not fit."""
    try:
        _refuse_if_open([path], 0o007, "0640 or less")
        content = path.read_text(encoding="utf-8").strip()
        kind: type[RSAKey | ECKey] = RSAKey if algorithm.startswith("RS") else ECKey
        key = kind.import_key(json.loads(content) if content.startswith("{") else content)
    except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
        raise Misconfigured(f"client_key_file: {path.name} is not a readable {algorithm} key.") from error
    _check(key, algorithm, path.name)
    return (ClientKey(key.thumbprint(), algorithm, _EVER, _EVER, key),)


def refuse_open_keys(folder: Path) -> None:
    """Raises Misconfigured naming each key file of ours that others than its owner may read; keeps none in memory."""
    _refuse_if_open(sorted(folder.glob("*.json")), 0o077, "0600")


def refuse_open_key_file(path: Path) -> None:
    """The same for a key somebody else looks after; one that is missing passes."""
    if path.is_file():
        _refuse_if_open([path], 0o007, "0640 or less")


def choose_key(keys: Sequence[ClientKey], *, algorithm: str, now: datetime) -> ClientKey | None:
    """The newest key that signs by now; the oldest of that algorithm where none does yet; None without any."""
    fitting = [one for one in keys if one.algorithm == algorithm]
    signing = [one for one in fitting if one.active_at <= now]
    if signing:
        return max(signing, key=lambda one: (one.active_at, one.created_at))
    return min(fitting, key=lambda one: one.active_at, default=None)


def make_key(folder: Path, *, algorithm: str, now: datetime, at_once: bool = False) -> ClientKey:
    """Draw a new key pair and keep it (mode 0600). It signs after the EHR has had time to see it, or at once.

    The first key of its algorithm signs at once in any case: there is nothing else to sign with.
    """
    first = choose_key(read_keys(folder), algorithm=algorithm, now=now) is None
    key: RSAKey | ECKey = RSAKey.generate_key(RSA_BITS) if algorithm == "RS384" else ECKey.generate_key(CURVE)
    active_at = now if first or at_once else now + BEFORE_USE
    made = ClientKey(key.thumbprint(), algorithm, now, active_at, key)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {
        "algorithm": algorithm,
        "created_at": made.created_at.isoformat(),
        "active_at": made.active_at.isoformat(),
        "key": key.as_dict(private=True),
    }
    path = folder / f"{made.kid}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        json.dump(content, opened)
        opened.flush()
        os.fsync(opened.fileno())
    return made


def retire_keys(folder: Path, *, algorithm: str, now: datetime) -> tuple[str, ...]:
    """Remove every key but the one that signs now and those that will later; returns the kids that are gone."""
    keys = read_keys(folder)
    signing = choose_key(keys, algorithm=algorithm, now=now)
    gone = [one for one in keys if one != signing and (one.active_at <= now or one.algorithm != algorithm)]
    if signing is None:
        raise Misconfigured(f"There is no {algorithm} key to go on with: make one first.")
    for one in gone:
        (folder / f"{one.kid}.json").unlink()
    return tuple(one.kid for one in gone)


def _read_kept(path: Path) -> ClientKey:
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        algorithm = str(content["algorithm"])
        kind: type[RSAKey | ECKey] = RSAKey if algorithm == "RS384" else ECKey
        key = kind.import_key(content["key"])
        created_at, active_at = (datetime.fromisoformat(content[name]) for name in ("created_at", "active_at"))
    except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
        raise Misconfigured(f"The key file {path.name} holds no key pair of this connector.") from error
    _check(key, algorithm, path.name)
    return ClientKey(key.thumbprint(), algorithm, created_at, active_at, key)


def _refuse_if_open(paths: Sequence[Path], bits: int, mode: str) -> None:
    if os.name != "posix":
        return
    found = [path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & bits]
    if found:
        names = ", ".join(found)
        raise Misconfigured(f"The key file {names} can be read by others than it should: set its mode to {mode}.")


def _check(key: RSAKey | ECKey, algorithm: str, name: str) -> None:
    large = isinstance(key, RSAKey) and key.raw_value.key_size >= SMALLEST_RSA_BITS
    curved = isinstance(key, ECKey) and key.curve_name == CURVE
    fits = {"RS384": large, "ES384": curved}
    if not fits.get(algorithm) or not key.is_private:
        raise Misconfigured(f"The key in {name} is no private key for {algorithm}.")
