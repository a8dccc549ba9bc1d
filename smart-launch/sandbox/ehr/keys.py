"""In: the state folder. Out: the RSA keys that sign id_tokens; the first is kept there with mode 0600.
Never writes the private half anywhere else and never lets it into the published key set."""

import json
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

KEY_FILE = "sandbox-ehr-signing-key.json"
_PARAMETERS = {"use": "sig", "alg": "RS256"}


class SigningKeys:
    """`current` signs. `successor` is what a rotation goes to, `stranger` is never published; both are made on use."""

    def __init__(self, current: RSAKey) -> None:
        self.current = current

    @cached_property
    def successor(self) -> RSAKey:
        """The key after the next rotation, kept in memory only."""
        return make_key()

    @cached_property
    def stranger(self) -> RSAKey:
        """A key of somebody else, for forgeries."""
        return make_key()


def make_key() -> RSAKey:
    """A new RS256 key of 2048 bits with its thumbprint as kid."""
    return RSAKey.generate_key(2048, _PARAMETERS, auto_kid=True)


def load_signing_key(state_dir: Path) -> RSAKey:
    """The RS256 key of this sandbox EHR; created (2048 bits) when the folder holds none."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_dir / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return RSAKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    key = make_key()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file)
    return key


def publish_key(key: RSAKey) -> dict[str, Any]:
    """One JSON Web Key, public half only."""
    return {**key.as_dict(private=False), "kid": key.kid, **_PARAMETERS}


def publish_keys(keys: Iterable[RSAKey]) -> dict[str, Any]:
    """The JSON Web Key Set (RFC 7517 section 5) with the public halves only."""
    return {"keys": [publish_key(key) for key in keys]}
