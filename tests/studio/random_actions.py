"""Random actions on a session, with what must hold after each.

    python tests/studio/random_actions.py --minutes 60

runs on and on, and prints how many actions were done and the memory that is held.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mattekit.checks import InputError
from mattekit.engine import stream
from mattekit.media import probe, read
from mattekit.studio import background, tasks
from mattekit.studio.history import MOST_STEPS
from mattekit.studio.session import Session
from mattekit.studio.strokes import Stroke
from mattekit.types import Chunk, ClipInfo
from scenes import soft_disc, write_video
from studio.fakes import HashMatter, HashPropagator, HereWorker, load_fakes

SIZE, FRAMES = (24, 32), 14
STATUSES = {"trimap": {"none", "key", "carried", "stale"}, "alpha": {"none", "done", "stale"}}


def make_clip(folder: Path) -> Path:
    """Write a clip with a cut in its middle."""
    first, second = soft_disc(FRAMES // 2, SIZE, speed=(1, 0)).frames, soft_disc(FRAMES // 2, SIZE).frames
    return write_video(folder / "clip.mkv", torch.cat((first, 1 - second)))


class Actor:
    """Does random things to a session.

    Args:
        session: Its background process is a `HereWorker`.
        seed: Chooses what is done.
    """

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.draw = session, random.Random(seed)
        self.worker: HereWorker = session._background._worker  # type: ignore[assignment]
        self.told: dict[int, dict[str, Any]] = {}
        self.jobs: dict[str, str] = {}
        self.undone = 0
        session.listen(self.hear)

    def hear(self, message: dict[str, Any]) -> None:
        """Take note of what a page would know."""
        if message["type"] == "frame":
            self.told[message["frame"]] = message
        if message["type"] == "job":
            assert self.jobs.get(message["id"]) not in ("done", "failed", "cancelled")
            self.jobs[message["id"]] = message["state"]
            if len(self.jobs) > 1000:
                del self.jobs[next(iter(self.jobs))]

    def act(self) -> None:
        """Do one thing."""
        frame = self.draw.randrange(FRAMES)
        actions = {
            self.paint: 8,
            self.session.undo: 4,
            self.session.redo: 3,
            lambda: self.session.make_key(frame): 1,
            lambda: self.session.remove_key(self.draw.choice(self.keys() or [0])): 4,
            lambda: self.session.look(frame, "alpha"): 2,
            lambda: self.begin("propagate"): 2,
            lambda: self.begin("matte"): 2,
            lambda: self.session.matte(frame, frame + 1): 2,
            lambda: self.worker.work(self.draw.choice([1, 3, 30])): 8,
            self.cancel: 1,
            self.session.save: 1,
        }
        if self.draw.random() < 0.01:
            self.worker.die()
        with suppress(InputError):  # as for a band where there is no trimap
            self.draw.choices(list(actions), list(actions.values()))[0]()

    def paint(self) -> None:
        """Paint with any tool."""
        tool = self.draw.choice(["brush", "box", "polygon", "fill", "band", "edge"])
        count = {"box": 2, "fill": 1, "polygon": 4}.get(tool, 2)
        points = tuple((self.draw.randrange(-9, 41), self.draw.randrange(-9, 33)) for _ in range(count))
        value, grow = self.draw.choice([0, 128, 255]), self.draw.choice([1, 2])
        frame = self.draw.choice([0, 5, 6, 9, 12] * 3 + [self.draw.randrange(FRAMES)])
        self.session.paint(Stroke(frame, tool, value, points, size=self.draw.choice([1, 6]), grow=grow))

    def keys(self) -> list[int]:
        """Return the key frames."""
        return [number for number, facts in enumerate(self.session.state()["frames"]) if facts["trimap"] == "key"]

    def begin(self, kind: str) -> None:
        """Begin a job on some span."""
        start = self.draw.randrange(FRAMES)
        getattr(self.session, kind)(start, self.draw.randrange(start + 1, FRAMES + 1))

    def cancel(self) -> None:
        """End a job, whatever its state."""
        if self.jobs:
            self.session.cancel(self.draw.choice(list(self.jobs)))

    def check(self) -> None:
        """Raise unless what was told is what is."""
        state = self.session.state()
        for number, facts in enumerate(state["frames"]):
            for what, known in STATUSES.items():
                assert facts[what] in known
                assert number not in self.told or self.told[number][what] == facts[what], (number, what)
            held = self.session.trimap(number)
            assert (held is None) == (facts["trimap"] == "none")
            assert facts["alpha"] != "done" or self.session.alpha(number) is not None
        depths = self.session.depths()
        assert (state["undo"], state["redo"]) == depths and state["saved"] == self.session.saved

    def finish(self, clip: ClipInfo) -> None:
        """Let all jobs end; raise unless everything is what one walk along the clip gives."""
        self.session.matte(0, FRAMES)
        while self.worker.work(1000):
            pass
        assert set(self.jobs.values()) <= {"done", "failed", "cancelled"}
        self.check()
        keys = {
            number: (torch.from_numpy(self.session.trimap(number).copy())[None] / 127.5).round() / 2
            for number in self.keys()
        }
        cuts = self.session.state()["cuts"]
        for first, end in ((0, cuts[0]), (cuts[0], FRAMES)):
            if any(first <= key < end for key in keys):
                self.compare(clip, {key: keys[key] for key in keys if first <= key < end}, first, end)

    def compare(self, clip: ClipInfo, keys: dict[int, torch.Tensor], first: int, end: int) -> None:
        """Raise unless trimaps and alphas of a scene are those of one walk."""
        frames = np.concatenate([chunk.frames.numpy() for chunk in read(clip)])
        walk = stream.propagate(
            read(clip, start=first, end=end),
            HashPropagator(),
            indices=list(keys),
            trimap_at=keys.__getitem__,
            frame_at=lambda number: torch.from_numpy(frames[number]),
        )
        chunks: list[Chunk] = list(walk)
        mattes = list(stream.predict(chunks, HashMatter()))
        trimaps = torch.cat([chunk.trimap for chunk in chunks])
        alphas = torch.cat([matte.alpha for matte in mattes])
        for number in range(first, end):
            for found, expected in ((self.session.trimap, trimaps), (self.session.alpha, alphas)):
                wanted = (expected[number - first, 0] * 255).round().byte().numpy()
                assert np.array_equal(found(number), wanted), (number, found.__name__)

    def undo_all(self) -> None:
        """Take everything back; raise unless that is where all began."""
        while self.session.undo() is not None:
            self.undone += 1
        if self.undone < MOST_STEPS:  # else the first changes are forgotten
            assert [facts["trimap"] for facts in self.session.state()["frames"]] == ["none"] * FRAMES
        self.check()


def open_session(folder: Path) -> tuple[Session, ClipInfo]:
    """Open a session on a clip in a folder whose networks are fakes; the caller has put these in place."""
    clip = make_clip(folder)
    session = Session.open(clip, project=folder / "clip.mattekit", output=folder / "out", device="cpu")
    return session, probe(clip)


def memory_mb() -> float:
    """Return the memory that the process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)


def main() -> None:
    """Act for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    background.Worker, tasks.load = HereWorker, load_fakes  # type: ignore[misc,assignment]
    torch.set_num_threads(1)
    end, told, done = time.monotonic() + 60 * options.minutes, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        session, clip = open_session(Path(folder))
        actor = Actor(session, options.seed)
        while time.monotonic() < end:
            for _ in range(200):
                actor.act()
                done += 1
            actor.check()
            actor.finish(clip)
            if time.monotonic() > told + 30:
                told = time.monotonic()
                print(f"{done} actions, {memory_mb():.0f} MB, {session.depths()[0]} changes to take back", flush=True)
        actor.undo_all()
        session.close()
    print(f"{done} actions; all that was told held")


if __name__ == "__main__":
    main()
