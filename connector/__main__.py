"""The command line: serve, worker, doctor, audit, ehr, upload, export. In: arguments, environment. Out: codes, text.

Secrets are taken from files and variables, never from arguments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connector.errors import ConnectorError, Misconfigured, UploadFailed, UploadInterrupted
from connector.logs import name_failure, start_logging, tell_no_tracebacks
from connector.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
audit_cli = typer.Typer(no_args_is_help=True, help="The audit chain.")
ehr_cli = typer.Typer(no_args_is_help=True, help="The EHRs this deployment serves.")
mappings_cli = typer.Typer(no_args_is_help=True, help="The files that say what the connector does.")
cli.add_typer(audit_cli, name="audit")
cli.add_typer(ehr_cli, name="ehr")
cli.add_typer(mappings_cli, name="mappings")


def main() -> None:
    """Entry of the `connector` command; a mistake of set-up ends in one sentence and exit code 2, one of ours in 70.

    What libraries say and what nobody caught is told without its texts, which may hold a secret or a patient's words.
    """
    start_logging()
    tell_no_tracebacks()
    try:
        cli(standalone_mode=True)
    except ConnectorError as error:
        print(f"{error.title}: {error.detail}", file=sys.stderr)
        raise SystemExit(2) from None
    except ValidationError as error:
        # Only names and rules: a value may be a secret.
        wrong = (
            f"CONNECTOR_{str(one['loc'][0]).upper()} ({one['msg'].removeprefix('Value error, ')})"
            for one in error.errors()
        )
        print(f"{Misconfigured.title}: mend {', '.join(wrong)}.", file=sys.stderr)
        raise SystemExit(2) from None
    except SettingsError as error:
        named = re.search(r'field "(\w+)"', str(error))
        variable = f"CONNECTOR_{named[1].upper()}" if named else str(error)
        print(f'{Misconfigured.title}: mend {variable} (lists are JSON, such as ["one","two"]).', file=sys.stderr)
        raise SystemExit(2) from None
    except Exception as error:
        print(f"The command broke off on a fault of its own: {name_failure(error)}.", file=sys.stderr)
        raise SystemExit(os.EX_SOFTWARE) from None


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
    from connector.examining import examine

    findings = asyncio.run(examine(Settings()))
    for finding in findings:
        print(f"{'NOTE' if finding.noted else 'ok  ' if finding.good else 'MEND'}  {finding.text}")
    wrong, noted = sum(not one.good for one in findings), sum(one.noted for one in findings)
    told = f"{wrong} to mend" if wrong else "Nothing to mend"
    print(f"{told}{f', {noted} to know of' if noted else ''}.")
    raise typer.Exit(1 if wrong else 0)


@cli.command()
def costs(month: Annotated[str | None, typer.Option(help="Such as 2026-11; this one unless said.")] = None) -> None:
    """Says what each registration's visits cost at the vendors in a month, and what is not counted."""
    from connector.serving import sum_costs
    from connector.web.cost_view import show_dollars
    from connector.web.moments import count

    found = asyncio.run(sum_costs(Settings(), month))
    for one in found:
        missing = f"; not counted: {', '.join(one.uncounted)}" if one.uncounted else ""
        print(f"{one.tenant}: {show_dollars(one.micros)} for {count(one.visits, 'visit')}{missing}")
    if not found:
        print("Nothing was spent.")


@audit_cli.command("verify")
def audit_verify() -> None:
    """Recomputes every tenant's audit chain; exit code 1 when one is broken."""
    from connector.serving import verify_audit

    reports = asyncio.run(verify_audit(Settings()))
    for report in reports:
        state = "whole" if report.broken_at is None else f"BROKEN at entry {report.broken_at}: {report.reason}"
        print(f"{report.tenant}: {report.entries} entries, {state}")
    raise typer.Exit(0 if all(report.broken_at is None for report in reports) else 1)


@ehr_cli.command("list")
def ehr_list() -> None:
    """Shows every registration with the addresses its EHR has to know."""
    from connector.registering import list_ehrs

    for one, addresses in list_ehrs(Settings()):
        state = one.auth_method if one.client_id else "waits for a client id"
        print(f"{one.tenant:<20} {state:<22} {one.fhir_base}")
        print(f"{'':<20} redirect URI {addresses.redirect}")
        if addresses.key_set is not None:
            print(f"{'':<20} key set      {addresses.key_set}")


@ehr_cli.command("check")
def ehr_check(tenants: Annotated[list[str] | None, typer.Argument(help="Which; all unless said.")] = None) -> None:
    """Asks each EHR what it publishes and says what will and will not work; exit code 1 when a launch cannot."""
    from connector.registering import check_ehr, list_ehrs

    settings, bad = Settings(), False
    marks = {"good": "ok  ", "poor": "NOTE", "bad": "MEND"}
    for tenant in tenants or [one.tenant for one, _ in list_ehrs(settings) if one.client_id]:
        print(f"{tenant}:")
        for finding in asyncio.run(check_ehr(settings, tenant, os.environ)):
            print(f"  {marks[finding.weight]}  {finding.topic}: {finding.text}")
            bad = bad or finding.weight == "bad"
    raise typer.Exit(1 if bad else 0)


@ehr_cli.command("add")
def ehr_add(
    tenant: Annotated[str, typer.Argument(help="Short name: lower-case letters, digits, hyphens.")],
    name: Annotated[str | None, typer.Option(help="What people call this EHR.")] = None,
    fhir_base: Annotated[str | None, typer.Option(help="Its FHIR R4 base, as in the launch's iss.")] = None,
    client_id: Annotated[str | None, typer.Option(help="What the EHR calls us; empty: the file waits.")] = None,
    auth_method: Annotated[
        str | None, typer.Option(help="public, client_secret_basic, client_secret_post, private_key_jwt.")
    ] = None,
    client_secret_env: Annotated[str | None, typer.Option(help="Variable that holds the secret.")] = None,
    client_secret_file: Annotated[str | None, typer.Option(help="File that holds the secret.")] = None,
    assertion_algorithm: Annotated[str | None, typer.Option(help="RS384 or ES384.")] = None,
    expected_issuer: Annotated[str | None, typer.Option(help="The issuer it has to name.")] = None,
    scope_dialect: Annotated[str | None, typer.Option(help="granular, v2 or v1.")] = None,
    frame_ancestor: Annotated[list[str] | None, typer.Option(help="Origin that may frame us; repeatable.")] = None,
    vendor_profile: Annotated[str | None, typer.Option(help="A file of mappings/ehr/.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help="Whose law consent follows: mappings/consent.yaml.")] = None,
    standalone: Annotated[bool, typer.Option(help="May also be started outside the EHR.")] = False,
) -> None:
    """Writes a registration file from arguments, asking for what is missing; never a secret."""
    from connector.registering import add_ehr, addresses_of

    given: dict[str, Any] = {
        "name": name,
        "fhir_base": fhir_base,
        "client_id": client_id,
        "auth_method": auth_method,
        "client_secret_env": client_secret_env,
        "client_secret_file": client_secret_file,
        "assertion_algorithm": assertion_algorithm,
        "expected_issuer": expected_issuer,
        "scope_dialect": scope_dialect,
        "frame_ancestors": frame_ancestor,
        "vendor_profile": vendor_profile,
        "jurisdiction": jurisdiction,
        "standalone": standalone,
    }
    for key, question in _QUESTIONS.items():
        if given[key] is None:
            given[key] = _ask(question, key)
    settings = Settings()
    path, registration = add_ehr(settings, tenant, given)
    addresses = addresses_of(settings, registration)
    print(f"Wrote {path}. Tell the EHR:\n  launch URL   {addresses.launch}\n  redirect URI {addresses.redirect}")
    if addresses.key_set is not None:
        print(f"  key set      {addresses.key_set}")
    print(f"Then: connector ehr check {tenant}, and start the service again.")


_QUESTIONS = {
    "name": "What do people call this EHR",
    "fhir_base": "Its FHIR R4 base address",
    "client_id": "Client id (empty if there is none yet)",
    "auth_method": "public, client_secret_basic, client_secret_post or private_key_jwt",
}


def _ask(question: str, key: str) -> str:
    if not sys.stdin.isatty():
        if key == "client_id":
            return ""
        raise typer.BadParameter(f"--{key.replace('_', '-')} is needed where nobody can be asked.")
    return str(typer.prompt(question, default="" if key == "client_id" else None, show_default=False))


@ehr_cli.command("rotate-key")
def ehr_rotate_key(
    tenant: str,
    retire: Annotated[bool, typer.Option(help="Take away the older keys instead of making a new one.")] = False,
    at_once: Annotated[bool, typer.Option(help="Sign with the new key at once: the old one has leaked.")] = False,
) -> None:
    """Makes a new key pair for one EHR; the old one stays published until it is retired."""
    from connector.registering import rotate_key

    for line in rotate_key(Settings(), tenant, retire=retire, at_once=at_once):
        print(line)


@mappings_cli.command("check")
def mappings_check() -> None:
    """Finds every mistake in mappings, prompts and registrations, with file and line; exit code 1 when there is one."""
    from connector.proofreading import check_files
    from connector.web.moments import count

    problems = check_files(Settings())
    for problem in problems:
        print(problem)
    print(
        f"{count(len(problems), 'mistake')}."
        if problems
        else "No mistakes: mappings, prompts and registrations can be read."
    )
    raise typer.Exit(1 if problems else 0)


@cli.command()
def upload(
    files: Annotated[list[Path], typer.Argument(help="One recording, or its pieces in their order.")],
    to: Annotated[str, typer.Option(help="The scribe's address, such as https://scribe.example.org.")],
    ca_file: Annotated[Path | None, typer.Option(help="Certificates (PEM) of a private authority.")] = None,
) -> None:
    """Brings files of this computer into a visit, by a code from its page for each; goes on where it stopped.

    Codes come from CONNECTOR_UPLOAD_CODE, from standard input, or are asked for; never from the command line.
    """
    from connector.uploading import (
        CODE_VARIABLE,
        Destination,
        ShownProgress,
        read_base_url,
        read_codes,
        show_name,
        upload_files,
    )

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    try:
        destination = Destination(read_base_url(to), ca_file)
        told = os.environ.get(CODE_VARIABLE) or _ask_for_codes(len(files))
        progress = ShownProgress(write, redraws=sys.stderr.isatty())
        asyncio.run(upload_files(files, read_codes(told), destination=destination, progress=progress))
    except UploadFailed as error:
        print(f"{error.title}: {show_name(error.detail)}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except UploadInterrupted as error:
        print(f"{error.title}: {show_name(error.detail)} Run the same again to go on.", file=sys.stderr)
        raise typer.Exit(os.EX_TEMPFAIL) from None


@cli.command()
def export(
    redacted: Annotated[str, typer.Option(metavar="VISIT", help="Its redacted copy: the reference on its page.")],
    out: Annotated[Path, typer.Option(help="The zip file to write; it must not be there yet.")],
    begin: Annotated[str | None, typer.Option("--from", help="Where a clip begins, MM:SS.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Where it ends, MM:SS.")] = None,
) -> None:
    """Writes a visit's redacted copy, or a clip of it, for audit, training or supervision; never the clinical one."""
    from connector.exporting import Wanted, export_redacted
    from connector.web.moments import count

    made = asyncio.run(export_redacted(Settings(), Wanted(redacted, out, begin, end)))
    print(f"Wrote {out}: {count(made.turns, 'turn')}, {'with sound' if not made.why_no_sound else 'without sound'}.")
    if made.why_no_sound:
        print(made.why_no_sound)
    print("Read and hear it before you pass it on: machines took parts out of it, and they err.")


def _ask_for_codes(count: int) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read(100_000)
    return " ".join(str(typer.prompt(f"Upload code {place + 1} of {count}", hide_input=True)) for place in range(count))


def _run(job: Callable[[Settings, asyncio.Event], Awaitable[None]]) -> None:
    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await job(Settings(), stop)

    import uvloop

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_stopped())


if __name__ == "__main__":
    main()
