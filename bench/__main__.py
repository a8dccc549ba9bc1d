"""`python -m bench` lists the benchmarks, `python -m bench NAME` runs one. In: arguments. Out: exit code, a JSON line.

The last line on stdout is {"name", "figures", "targets", "short"}; a run that did not do what it measures prints none
and fails.
"""

import argparse
import dataclasses
import json
import signal
import sys

from connector_sandbox.clinician import VisitStuck
from connector_sandbox.hapi_build import Unbuildable
from connector_sandbox.processes import StartFailed
from connector_sandbox.state import UnfitStateFolder

from bench import visit

BENCHMARKS = {"visit": visit}


def main() -> int:
    """0 when the benchmark was run, 1 when what it measures did not come through, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks on real servers.")
    parser.add_argument("name", nargs="?", help="which one; without it they are listed")
    parser.add_argument("--repetitions", type=int, default=5, help="how often; figures are medians (default 5)")
    chosen = parser.parse_args()
    if chosen.name is None:
        for name, module in BENCHMARKS.items():
            print(f"{name:<10} {(module.__doc__ or '').splitlines()[0]}")
        return 0
    if chosen.name not in BENCHMARKS or chosen.repetitions < 1:
        print(f"There is no such benchmark. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = BENCHMARKS[chosen.name].run(chosen.repetitions)
    except (VisitStuck, Unbuildable, StartFailed, UnfitStateFolder) as error:
        print(f"{chosen.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(json.dumps(dataclasses.asdict(report)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
