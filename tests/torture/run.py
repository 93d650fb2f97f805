"""Run the torture corpus, each case in a process of its own, and print time and peak memory.

    python tests/torture/run.py                     all cases
    python tests/torture/run.py --only salvage      those with a word in their names
    python tests/torture/run.py --cold              each as a command of its own, which imports all anew

A case must end as the table says, within 10 seconds and 2 GiB. Making its inputs does not count. Unless it is cold, a
case begins as a copy of a process that has imported the program; what is locked out or ended from outside is always
cold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from torture.apart import MOST_BYTES, MOST_SECONDS, ONE_THREAD, Spent, run_apart, run_forked
from torture.case import judge, prepare
from torture.cases import CASES

SHOWN = 10


def main() -> None:
    """Run the cases and exit with 1 if one did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a word of the names of cases to run")
    parser.add_argument("--patience", type=float, default=1.0, help="factor of the time limit, for a busy machine")
    parser.add_argument("--cold", action="store_true", help="import the program anew for each")
    options = parser.parse_args()
    os.environ.update(ONE_THREAD)
    if not options.cold:
        import mattekit.cli.matte
        import mattekit.cli.propagate
        import mattekit.engine.stream
        import mattekit.models.dvm  # noqa: F401
    spent: dict[str, Spent] = {}
    failed = 0
    for name in (name for name in CASES if options.only in name):
        words, used = run_one(name, patience=options.patience, cold=options.cold)
        failed += bool(words)
        if used is not None:
            spent[name] = used
            print(f"{used.seconds:6.1f} s {used.processor:6.1f} s cpu {used.peak / 2**20:6.0f} MiB  {name}", flush=True)
        for word in words:
            print(f"FAILED {name}: {word}", flush=True)
    print(f"\n{len(spent)} cases, {failed} failed")
    for title, of in (("slowest", lambda used: used.seconds), ("largest", lambda used: used.peak)):
        print(f"{title}:")
        for name in sorted(spent, key=lambda name: -of(spent[name]))[:SHOWN]:
            print(f"  {spent[name].seconds:6.1f} s {spent[name].peak / 2**20:6.0f} MiB  {name}")
    raise SystemExit(failed > 0)


def run_one(name: str, *, patience: float, cold: bool) -> tuple[list[str], Spent | None]:
    """Run one case and return what went wrong with it, and what it took."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        before = prepare(case, folder)
        try:
            is_cold = cold or case.locked or case.stop is not None
            outcome, used = (run_apart if is_cold else run_forked)(case, folder)
        except TimeoutError as error:
            return [str(error)], None
        wrong = []
        try:
            judge(case, folder, before, outcome)
        except AssertionError as error:
            wrong.append(str(error))
    if used.seconds > MOST_SECONDS * patience:
        wrong.append(f"it took {used.seconds:.1f} s, not {MOST_SECONDS * patience:.0f} at most")
    if used.peak > MOST_BYTES:
        wrong.append(f"it held {used.peak / 2**20:.0f} MiB, not {MOST_BYTES / 2**20:.0f} at most")
    return wrong, used


if __name__ == "__main__":
    main()
