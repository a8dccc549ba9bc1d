"""Draws the passwords of a compose installation, once. In: the sandbox EHR's configuration and a folder. Out: files.

Never replaces a password that is there: PostgreSQL knows only the first one. Standard library alone.
"""

import json
import os
import secrets
import sys
from pathlib import Path


def prepare(configuration: Path, folder: Path) -> None:
    """Writes `postgres-password`, `pgpass` (libpq's passfile), `client-secret` and `ehr.json`, mode 0600."""
    password = keep_secret(folder / "postgres-password")
    write(folder / "pgpass", f"*:*:*:*:{password}\n")
    client_secret = keep_secret(folder / "client-secret")
    ehr = json.loads(configuration.read_text(encoding="utf-8"))
    for client in ehr["clients"]:
        client["client_secret"] = client_secret
    write(folder / "ehr.json", json.dumps(ehr, indent=2) + "\n")


def keep_secret(file: Path) -> str:
    """The secret in `file`; a new one of 256 bits where there is none."""
    if not file.exists():
        write(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii")


def write(file: Path, text: str) -> None:
    """Readable by its owner only, and there as a whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
