"""`python -m connector_sandbox demo|stop`. In: a command and the environment. Out: its exit code."""

import sys

from connector_sandbox.demo import run_demo
from connector_sandbox.state import stop_demos


def main(arguments: list[str]) -> int:
    """Runs one command."""
    if arguments == ["demo"]:
        return run_demo()
    if arguments == ["stop"]:
        stopped = stop_demos()
        print(f"Stopped: {', '.join(stopped)}." if stopped else "No demo is running.")
        return 0
    print("usage: python -m connector_sandbox demo|stop", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
