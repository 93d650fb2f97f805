"""Fuzzes every reader for so many minutes with fresh damage, and keeps what breaks one: run.py --minutes 5."""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fuzz.mutation import draw_edits, mutate, shrink_edits  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402
from fuzz.worker import Outcome, Reader  # noqa: E402

CRASHES = HERE / "crashes"


def crash_path(target: str, name: str, data: bytes) -> Path:
    """Return where a crash is kept, made small: the target, a checksum, and the name of the file that was damaged."""
    return CRASHES / f"{target}--{hashlib.sha256(data).hexdigest()[:8]}--{name}.z"


def keep(target: str, name: str, data: bytes) -> Path:
    """Keep a crash; return where."""
    path = crash_path(target, name, data)
    path.write_bytes(zlib.compress(data, 9))
    return path


def kept(path: Path) -> tuple[str, str, bytes]:
    """Return the target of a crash, the name of its file, and what is in it."""
    target, _, name = path.name.removesuffix(".z").split("--")
    return target, name, zlib.decompress(path.read_bytes())


def signature(target: str, outcome: Outcome) -> str:
    """Return what two faults of one cause have in common."""
    head = outcome.told.split(":")[0] if outcome.kind == "raised" else ""
    where = outcome.told.rsplit("|", 1)[-1] if outcome.kind == "raised" else re.sub(r"\d+", "N", outcome.told)
    return f"{target} {outcome.kind} {head} {where}"


def main() -> int:
    """Fuzz until the time is over; return how many kinds of faults were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    given = parser.parse_args()
    generator = random.Random(given.seed)
    chosen = given.target or list(TARGETS)
    with tempfile.TemporaryDirectory() as folder:
        whole = {target: TARGETS[target].seeds(Path(folder)) for target in chosen}
    count, found, most = Counter[str](), dict[str, str](), Counter[str]()
    end = time.monotonic() + 60 * given.minutes
    with Reader() as reader:
        while time.monotonic() < end:
            target = generator.choices(chosen, [TARGETS[each].share for each in chosen])[0]
            name, other = generator.choice(sorted(whole[target])), generator.choice(sorted(whole[target].values()))
            edits = draw_edits(generator)

            def make(edits, target=target, name=name, other=other):
                return TARGETS[target].wrap(mutate(whole[target][name], edits, other))

            outcome = reader.run(target, name, make(edits))
            count[target] += 1
            most[target] = max(most[target], outcome.megabytes)
            mark = signature(target, outcome)
            if not outcome.is_fault or mark in found:
                continue
            if outcome.kind != "slow":

                def fails(fewer, target=target, name=name, mark=mark, make=make):
                    return signature(target, reader.run(target, name, make(fewer))) == mark

                edits = shrink_edits(edits, fails)
            data = make(edits)
            path = keep(target, name, data)
            found[mark] = outcome.told
            print(f"{outcome.kind}: {outcome.told[:300]}\n    {path.name} ({len(data)} bytes)", flush=True)
    for target in chosen:
        print(f"{target}: {count[target]} inputs, at most {most[target]} MB")
    return len(found)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
