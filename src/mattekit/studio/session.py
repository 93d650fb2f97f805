"""A session: one clip, the trimaps painted on it, what was made of them, and the work that is under way. No HTTP.

Every method may be called from any thread, and none waits for the networks, which are in a process of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mattekit.checks import InputError
from mattekit.media import probe, show_path
from mattekit.studio import guess as guessing
from mattekit.studio.background import Background
from mattekit.studio.board import Held
from mattekit.studio.canvas import Canvas, Change
from mattekit.studio.clip import ShownFrames
from mattekit.studio.colour import straight_colour
from mattekit.studio.export import Export
from mattekit.studio.exports import Exports
from mattekit.studio.pictures import Levels, pack
from mattekit.studio.project import Project, read_project, write_project
from mattekit.studio.strokes import Box
from mattekit.studio.worker import Setup
from mattekit.types import ClipInfo

__all__ = ["Change", "Export", "Session"]

PATIENCE = 60.0
"""Seconds that finding people may take, loading included."""


class Session(Canvas):
    """One clip that is being worked on; `Session.open` makes one.

    Args:
        info: The clip.
        project: Folder that `save` writes.
        output: Folder that exports go to.
        setup: What the background process is started with.
        loaded: What was saved before, or None.
    """

    def __init__(
        self, info: ClipInfo, *, project: Path, output: Path, setup: Setup, loaded: Project | None = None
    ) -> None:
        super().__init__(info)
        self.project = project
        self._frames = ShownFrames(info)
        self._view: dict[str, Any] = {}
        self._backdrop: Levels | None = None
        self._is_stored = loaded is not None
        if loaded is not None:
            self._view = dict(loaded.view)
            for number, trimap in loaded.keys.items():
                self._board.put(number, Held(pack(trimap)))
            self._teller.saved()
        self._background = Background(setup, self._board, self._teller, self._lock)
        self._exports = Exports(setup, output, jobs=self._teller.jobs, tell=self._teller.job)

    @classmethod
    def open(
        cls,
        clip: Path | None,
        *,
        project: Path | None = None,
        output: Path | None = None,
        weights: Path | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> Session:
        """Open a clip, with what was saved of it; the background process is started and not waited for.

        Args:
            clip: Video file or folder of images; None takes the one that the project names.
            project: Folder of the project; it need not be there. None is NAME.mattekit in the working folder.
            output: Folder that exports go to; None is NAME-studio in the working folder.
            weights: File of the networks' weights; None takes those that the package carries.
            device: Where the networks run: auto, cpu, cuda or mps.
            threads: How many one operation may use; None leaves torch's own choice.

        Raises:
            InputError: There is neither clip nor project, or the project is broken or of another clip.
            MediaError: The clip cannot be read.
        """
        loaded = read_project(project, clip) if project is not None and project.exists() else None
        if loaded is None and clip is None:
            raise InputError("a clip must be given where there is no project; got none: name a video or a folder")
        info = loaded.info if loaded is not None else probe(Path(clip or "."))
        name = show_path(info.path.resolve().stem)
        session = cls(
            info,
            project=project or Path.cwd() / f"{name}.mattekit",
            output=output or Path.cwd() / f"{name}-studio",
            setup=Setup(info, weights, device, threads),
            loaded=loaded,
        )
        session._background.start()
        return session

    @property
    def saved(self) -> bool:
        """Whether the project holds the key frames as they are."""
        with self._lock:
            return self._teller.is_saved

    @property
    def worker(self) -> int | None:
        """Number of the background process, or None where there is none."""
        return self._background.process

    def state(self) -> dict[str, Any]:
        """Return all that a page shows but for the pictures, ready for JSON."""
        with self._lock:
            info = self.info
            rate = float(info.rate)
            clip = {"name": show_path(info.path.name), "width": info.size[1], "height": info.size[0]}
            return {
                "clip": {**clip, "frames": info.frames, "rate": rate, "seconds": info.frames / rate},
                "frames": [self._teller.frame_facts(number) for number in range(info.frames)],
                **self._teller.facts(),
                "project": show_path(self.project.name) if self._is_stored else None,
                "exports": self._exports.facts(),
                "model": self._background.facts(),
                "cuts": list(self._board.cuts),
                "view": dict(self._view),
            }

    def listen(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call a listener with each message, from any thread; it must not wait. What is returned ends that."""
        return self._teller.listen(listener)

    def look(self, number: int, view: str = "") -> None:
        """Take note of what the user sees: a frame, and which view of it."""
        self._check_frame(number)
        with self._lock:
            self._view = {"frame": number, "view": view}
            self._background.look(number)

    def frame(self, number: int) -> Levels:
        """Return a frame, (H, W, 3) RGB in levels of 8 bits, not to be changed."""
        self._check_frame(number)
        return self._frames.get(number)

    def alpha(self, number: int) -> Levels | None:
        """Return a frame's alpha, (H, W) in levels of 8 bits, or None."""
        self._check_frame(number)
        with self._lock:
            held = self._board.alphas.get(number)
        return None if held is None else held.packed.open(self.info.size)

    def cutout(self, number: int) -> Levels | None:
        """Return a frame's straight colour with its alpha, (H, W, 4) in levels of 8 bits, or None."""
        alpha = self.alpha(number)
        return None if alpha is None else straight_colour(self.frame(number), alpha)

    def guess(
        self,
        number: int,
        *,
        box: Box | None = None,
        rough: bool = False,
        person: bool = False,
        band: int | None = None,
    ) -> Change:
        """Make a frame a key frame whose trimap is guessed; this takes a moment, and for people waits for the networks.

        Args:
            number: Of the frame.
            box: First column and row and one past the last ones, around the subject.
            rough: Whether what is painted on the frame marks the subject.
            person: Whether people are the subject.
            band: Reach of the unknown in px; None is a fiftieth of the frame's long side. That of people is as wide as
                what is known of them asks for.

        Raises:
            InputError: Not one of the three is given, or nothing is found.
        """
        self._check_frame(number)
        if [box is not None, rough, person].count(True) != 1:
            raise InputError("a guess must start from one thing; got none or several: a box, rough strokes or people")
        if person:
            return self._replace(number, self._background.people(number, patience=PATIENCE).open(self.info.size))
        reach, frame, present = self._band(band), self.frame(number), self.trimap(number)
        if box is not None:
            return self._replace(number, guessing.from_box(frame, box, band=reach))
        return self._replace(
            number, guessing.from_rough(frame, self._empty() if present is None else present, band=reach)
        )

    def propagate(self, start: int, end: int) -> str:
        """Carry trimaps to the frames of a span that have none or a stale one; return the job's id.

        It is done as `mattekit propagate` does it, with results that are the same to the bit; after an edit only what
        hangs on it is done again.
        """
        return self._begin("propagate", start, end)

    def matte(self, start: int, end: int) -> str:
        """Make the alpha of the frames of a span that have none or a stale one; return the job's id.

        Trimaps are carried first where they must be. In a span of several frames each sees its neighbours, as in an
        export before it is stabilised; a span of one frame is done at once, as if the clip had no other frame.
        """
        return self._begin("matte", start, end)

    def export(self, export: Export) -> str:
        """Write files of the clip, as `mattekit matte` does with the key frames; return the job's id.

        Raises:
            InputError: It cannot be written as asked, or there is no key frame.
        """
        with self._lock:
            export.check(self.info.frames, picture=self._backdrop)
            keys = self._keys()
            if not keys:
                raise InputError("an export must have a key frame to begin with; there is none: paint a trimap first")
            job = self._exports.begin(export, keys, picture=self._backdrop)
            self._teller.job(job)
        return job.id

    def cancel(self, name: str) -> bool:
        """End a job; False where there is none of that id."""
        job = self._teller.jobs.get(name)
        if job is None:
            return False
        (self._exports if job.kind == "export" else self._background).cancel(job)
        return True

    def export_file(self, name: str) -> Path | None:
        """Return the file that the id of an export stands for, or None."""
        return self._exports.file(name)

    def take_background(self, picture: Levels) -> None:
        """Take a picture, (h, w, 3) RGB in levels of 8 bits, that composites may be laid over."""
        with self._lock:
            self._backdrop = picture

    def save(self) -> str:
        """Write the project and return its name.

        Raises:
            InputError: Something else has its name.
            MediaError: It cannot be written.
        """
        with self._lock:
            write_project(self.project, Project(self.info, self._keys(), self._view))
            self._is_stored = True
            self._teller.saved()
            return show_path(self.project.name)

    def close(self) -> None:
        """End the background process and all jobs; may be called twice."""
        self._exports.close()
        self._background.close()
        self._frames.close()

    def _begin(self, kind: str, start: int, end: int) -> str:
        if not 0 <= start < end <= self.info.frames:
            raise InputError(
                f"a span must be of the clip's {self.info.frames} frames, at least one; got {start} to {end}"
            )
        return self._background.begin(kind, start, end).id

    def _sent(self, number: int, held: Held | None) -> None:
        self._background.put(number, held)
