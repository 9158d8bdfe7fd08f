"""`python -m tests.simulation --seeds 10000`: more seeds than CI runs; `--table` writes docs/simulation.md anew."""

import argparse
import sys

from tests.simulation.run import simulate
from tests.simulation.table import DOCUMENT, document, rows

PROGRESS_SEEDS = 500


def main() -> int:
    """Return 1 when a seed finds something."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument(
        "--first", type=int, default=0, help="the first; with --seeds 1 it is run again alone"
    )
    parser.add_argument("--table", action="store_true", help="find every planted fault and write the table")
    asked = parser.parse_args()
    if asked.table:
        DOCUMENT.write_text(document(rows()), "utf-8")
        return 0
    failed = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        result = simulate(seed)
        if result.findings:
            failed += 1
            sys.stdout.write(f"{result}\n\n")
        if (seed - asked.first + 1) % PROGRESS_SEEDS == 0:
            sys.stderr.write(f"{seed - asked.first + 1} seeds, {failed} failed\n")
    sys.stdout.write(f"{asked.seeds} seeds, {failed} failed\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
