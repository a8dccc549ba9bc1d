"""The command line: serve, worker, migrate, doctor, audit. In: arguments and environment. Out: exit codes, sentences.

Secrets are taken from files and variables, never from arguments.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connector.errors import ConnectorError, Misconfigured
from connector.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit_cli = typer.Typer(no_args_is_help=True, help="The audit chain.")
cli.add_typer(audit_cli, name="audit")


def main() -> None:
    """Entry of the `connector` command; a mistake of set-up ends in one sentence and exit code 2."""
    try:
        cli(standalone_mode=True)
    except ConnectorError as error:
        print(f"{error.title}: {error.detail}", file=sys.stderr)
        raise SystemExit(2) from None
    except ValidationError as error:
        # Only names and rules: a value may be a secret.
        wrong = (f"CONNECTOR_{str(one['loc'][0]).upper()} ({one['msg']})" for one in error.errors())
        print(f"{Misconfigured.title}: mend {', '.join(wrong)}.", file=sys.stderr)
        raise SystemExit(2) from None
    except SettingsError as error:
        print(f"{Misconfigured.title}: {error}; lists are written as JSON.", file=sys.stderr)
        raise SystemExit(2) from None


@cli.command()
def serve(
    with_worker: Annotated[bool, typer.Option(help="Also do the durable work in this process.")] = False,
) -> None:
    """Answers requests. Run `connector worker` beside it, or give --with-worker on a single machine."""
    from connector.serving import serve_web

    _run(lambda settings, stop: serve_web(settings, stop, with_worker=with_worker))


@cli.command()
def worker() -> None:
    """Does the durable work: transcription, drafting, write-back, deletion. As many as you like may run."""
    from connector.serving import serve_work

    _run(serve_work)


@cli.command()
def migrate() -> None:
    """Brings the database's schema up to date."""
    from connector.serving import migrate_database

    print(f"The database schema is at {asyncio.run(migrate_database(Settings()))}.")


@cli.command()
def doctor() -> None:
    """Says in plain words what is set up and what is missing; exit code 1 when something is."""
    from connector.serving import examine

    findings = asyncio.run(examine(Settings()))
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'MEND'}  {finding.text}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


@audit_cli.command("verify")
def audit_verify() -> None:
    """Recomputes every tenant's audit chain; exit code 1 when one is broken."""
    from connector.serving import verify_audit

    reports = asyncio.run(verify_audit(Settings()))
    for report in reports:
        state = "whole" if report.broken_at is None else f"BROKEN at entry {report.broken_at}: {report.reason}"
        print(f"{report.tenant}: {report.entries} entries, {state}")
    raise typer.Exit(0 if all(report.broken_at is None for report in reports) else 1)


def _run(job: Callable[[Settings, asyncio.Event], Awaitable[None]]) -> None:
    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await job(Settings(), stop)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_stopped())


if __name__ == "__main__":
    main()
