"""In: `--config FILE.json`. Out: the sandbox EHR served over HTTP until it is told to stop.
Never listens beyond loopback unless the configuration's `host` says so, and never logs addresses of requests."""

import argparse
import errno
import os
import socket
import sys
from pathlib import Path

import uvicorn

from .app import create_app
from .configuration import ConfigurationRefused, EhrConfig, read_config


def main(arguments: list[str] | None = None) -> int:
    """Run the server. Exit code 2 when the configuration cannot be used or the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m connector_sandbox.ehr", description="The sandbox EHR")
    parser.add_argument("--config", type=Path, required=True, help="JSON file, see README.md beside this module")
    try:
        config = read_config(parser.parse_args(arguments).config)
        sockets = listen(config)
    except (ConfigurationRefused, OSError) as error:
        print(f"Sandbox EHR cannot start: {error}", file=sys.stderr)
        return 2
    if not config.base_url.startswith("https://"):
        # Authlib refuses plain http on names other than localhost; a compose network has such names.
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    settings = uvicorn.Config(create_app(config), access_log=False, log_level="warning", timeout_graceful_shutdown=3)
    server = uvicorn.Server(settings)
    print(f"Sandbox EHR ready on {config.base_url}", flush=True)
    server.run(sockets=sockets)
    return 0


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
            sock.listen(128)
        except OSError as error:
            if host == "::1" and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # no IPv6 on this machine: localhost resolves to 127.0.0.1 as well
            raise
        sockets.append(sock)
    return sockets


if __name__ == "__main__":
    sys.exit(main())
