"""In: `--config FILE.json`, once for each EHR. Out: the sandbox EHRs served over HTTP until told to stop.
Never listens beyond loopback unless the configuration's `host` says so, and never logs addresses of requests."""

import argparse
import asyncio
import errno
import os
import socket
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType

import uvicorn

from .app import create_app
from .configuration import ConfigurationRefused, EhrConfig, read_config


class _Follower(uvicorn.Server):
    """A server beside the first one; it leaves signals to it."""

    def capture_signals(self) -> AbstractContextManager[None]:
        """No signal is caught here."""
        return nullcontext()


class _Leader(uvicorn.Server):
    """The first server: what ends it ends the others."""

    followers: tuple[_Follower, ...] = ()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called on SIGINT and SIGTERM."""
        super().handle_exit(sig, frame)
        for follower in self.followers:
            follower.should_exit = True


def main(arguments: list[str] | None = None) -> int:
    """Run the servers. Exit code 2 when a configuration cannot be used or a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m connector_sandbox.ehr", description="The sandbox EHR")
    parser.add_argument(
        "--config", type=Path, required=True, action="append", help="JSON file, see README.md; once for each EHR"
    )
    try:
        configs = [read_config(path) for path in parser.parse_args(arguments).config]
        bound = [(config, listen(config)) for config in configs]
    except (ConfigurationRefused, OSError) as error:
        print(f"Sandbox EHR cannot start: {error}", file=sys.stderr)
        return 2
    if not all(config.base_url.startswith("https://") for config in configs):
        # Authlib refuses plain http on names other than localhost; a compose network has such names.
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    for config in configs:
        print(f"{config.name} ready on {config.base_url}", flush=True)
    asyncio.run(_serve(bound))
    return 0


async def _serve(bound: list[tuple[EhrConfig, list[socket.socket]]]) -> None:
    leader = _Leader(_settings(bound[0][0]))
    leader.followers = tuple(_Follower(_settings(config)) for config, _ in bound[1:])
    servers = (leader, *leader.followers)
    await asyncio.gather(*(server.serve(sockets=sockets) for server, (_, sockets) in zip(servers, bound, strict=True)))


def _settings(config: EhrConfig) -> uvicorn.Config:
    return uvicorn.Config(create_app(config), access_log=False, log_level="warning", timeout_graceful_shutdown=3)


def listen(config: EhrConfig) -> list[socket.socket]:
    """The listening sockets: the configured host, and ::1 beside 127.0.0.1 where there is IPv6. Raises OSError."""
    hosts = ["127.0.0.1", "::1"] if config.host in ("127.0.0.1", "localhost") else [config.host]
    sockets: list[socket.socket] = []
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, config.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
            sock.listen(128)
        except OSError as error:
            if host == "::1" and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # no IPv6 on this machine: localhost resolves to 127.0.0.1 as well
            raise
        sockets.append(sock)
    return sockets


if __name__ == "__main__":
    sys.exit(main())
