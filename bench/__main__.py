"""`python -m bench` lists the benchmarks, `python -m bench NAME` runs one. In: arguments. Out: exit code, a JSON line.

The last line on stdout is {"name", "figures", "targets", "short"}; `short` names the figures that miss their targets.
A run that did not do what it measures prints none and fails.
"""

import argparse
import signal
import sys

from connector_sandbox.clinician import VisitStuck
from connector_sandbox.hapi_build import Unbuildable
from connector_sandbox.processes import StartFailed
from connector_sandbox.state import UnfitStateFolder

from bench import context, doubts, hints, launch, transcription, upload, visit
from bench.report import NotMeasured

BENCHMARKS = {
    "context": context,
    "doubts": doubts,
    "hints": hints,
    "launch": launch,
    "transcription": transcription,
    "upload": upload,
    "visit": visit,
}


def main() -> int:
    """0 when the benchmark was run, 1 when what it measures did not come through, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks on real servers.")
    parser.add_argument("name", nargs="?", help="which one; without it they are listed")
    parser.add_argument("--repetitions", type=int, help="how often; figures are medians (default: its own)")
    chosen = parser.parse_args()
    if chosen.name is None:
        for name, module in BENCHMARKS.items():
            print(f"{name:<13} {(module.__doc__ or '').splitlines()[0]}")
        return 0
    if chosen.name not in BENCHMARKS or (chosen.repetitions is not None and chosen.repetitions < 1):
        print(f"There is no such benchmark. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = BENCHMARKS[chosen.name].run(chosen.repetitions or BENCHMARKS[chosen.name].REPETITIONS)
    except (NotMeasured, VisitStuck, Unbuildable, StartFailed, UnfitStateFolder) as error:
        print(f"{chosen.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(report.as_line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
