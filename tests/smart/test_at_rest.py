"""Where an EHR's tokens are after a launch: sealed in the tables made for them, and in clear nowhere.

Case A23; client requirements 8, 9, 90.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from connector.app import Composition
from connector.store import schema
from tests.smart.scribe import OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_client_authentication import refresh

SECRET = "a-secret-of-the-ehr"


async def read_everything(scribe: Scribe) -> dict[str, bytes]:
    """Every row of every table, by the table's name."""
    rows: dict[str, bytes] = {}
    async with scribe.parts.sessions.engine.connect() as connection:
        for table in schema.metadata.sorted_tables:
            found = (await connection.execute(select(table))).all()
            cells = [cell for row in found for cell in row]
            rows[table.name] = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    return rows


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file the connector keeps beside its database."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a23_no_token_code_or_secret_is_kept_in_clear_anywhere(
    make_ehr, open_scribe: OpenScribe, composition: Composition
) -> None:
    """Case A23: not in a table, not in a file, after a launch under way, a launch that ended and a refresh."""
    ehr: StrictEhr = make_ehr(auth_method="client_secret_basic", secret=SECRET)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
        await refresh(scribe, ehr, answer.headers["location"])
        pending = await browser.get("/launch", params=ehr.open_launch())
    assert pending.status_code == 303
    exchange = next(one for one in ehr.heard if one.path == "/auth/token")
    secrets = {SECRET, exchange.form["code"], exchange.form["code_verifier"], *ehr.access_tokens, *ehr.refresh_tokens}
    assert len(secrets) >= 6
    kept = await read_everything(scribe) | read_files(composition.settings.state_folder)
    launch_id = answer.headers["location"].removeprefix("/v/")
    assert launch_id.encode() in kept["launches"], "the control: what is kept in clear is found"
    assert kept["tokens"], "the control: there are tokens"
    assert kept["pending_launches"], "the control: there is a launch under way"
    assert {name for name, content in kept.items() for secret in secrets if secret.encode() in content} == set()
