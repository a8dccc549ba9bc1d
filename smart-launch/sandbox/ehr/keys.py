"""In: the state folder. Out: the RSA key that signs id_tokens, made on first use and kept with mode 0600.
Never writes the private half anywhere else and never lets it into the published key set."""

import json
import os
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

KEY_FILE = "sandbox-ehr-signing-key.json"


def load_signing_key(state_dir: Path) -> RSAKey:
    """The RS256 key of this sandbox EHR; created (2048 bits) when the folder holds none."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_dir / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return RSAKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file)
    return key


def publish_keys(key: RSAKey) -> dict[str, Any]:
    """The JSON Web Key Set (RFC 7517 section 5) with the public half only."""
    return {"keys": [{**key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": "RS256"}]}
