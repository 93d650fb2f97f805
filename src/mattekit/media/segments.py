"""Keeps what a long job has made so far in a hidden folder, segment by segment, each whole or not at all.

Every segment is three files: planes of its frames, a snapshot of what the job must remember at its end, and a record
with the sizes and SHA-256 of both, written last and in one step. What a sudden end left half-done has no record.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mattekit.checks import InputError
from mattekit.media.paths import cannot_write, show_path
from mattekit.media.planes import read_planes_from, write_planes_to
from mattekit.media.records import marks_of, read_record, write_record
from mattekit.media.verify import sync

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Planes = Mapping[str, NDArray[np.float32]]

JOB, LOCK, BEGUN = "job.json", "lock", "begun"


@dataclass(frozen=True)
class Segment:
    """Consecutive frames that are done.

    Attributes:
        number: Its place among the segments, from 0.
        first: Number of its first frame.
        end: One past its last.
        facts: What else the job needs to know to go on after it, as JSON holds it.
        files: Bytes and SHA-256 of each of its files by suffix.
    """

    number: int
    first: int
    end: int
    facts: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]


class Segments:
    """The segments of one job; a context manager that lets go of the folder.

    Args:
        folder: Hidden and the job's own; it is made where it is missing, and locked until `close`.
        job: What the frames hang on, by name, as JSON holds it. A folder of another job is refused.
        start: Number of the job's first frame.

    Attributes:
        folder: As given.
        done: The segments that are whole, from the first frame on without a gap; the snapshot of the last is whole too.
        found: How many frames were done when the folder was opened.

    Raises:
        InputError: The folder belongs to a job with other settings, or another run is using it.
        MediaError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, job: Mapping[str, Any], *, start: int) -> None:
        self.folder, self._start = folder, start
        self._file: BufferedRandom | None = None
        self._frames = 0
        try:
            folder.mkdir(exist_ok=True)
            self._lock = (folder / LOCK).open("ab")
        except OSError as error:
            raise cannot_write(folder, error) from error
        try:
            self._take()
            self._check_job(json.loads(json.dumps(job)))
            self.done = self._verified()
            self._clear()
            self.found = self.end - start
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Segments:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def end(self) -> int:
        """One past the last frame that is done."""
        return self.done[-1].end if self.done else self._start

    @property
    def snapshot(self) -> Path | None:
        """The snapshot at the end of what is done; None where nothing is."""
        return self._path(len(self.done) - 1, "state") if self.done else None

    @property
    def waiting(self) -> int:
        """How many frames were added since the last segment's end."""
        return self._frames

    def frames(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Yield the planes of every frame that is done, in order."""
        for segment in self.done:
            with self._path(segment.number, "frames").open("rb") as file:
                for _ in range(segment.end - segment.first):
                    yield read_planes_from(file)

    def add(self, planes: Planes) -> None:
        """Keep the next frame: float32 arrays by name, to the bit.

        Raises:
            MediaError: The disk does not take them.
        """
        try:
            if self._file is None:
                self._file = (self.folder / BEGUN).open("w+b")
            write_planes_to(self._file, planes)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        self._frames += 1

    def commit(self, facts: Mapping[str, Any], save: Callable[[Path], None]) -> None:
        """Make a segment of the frames added since the last one.

        Args:
            facts: What else the job needs to go on after it, as JSON holds it.
            save: Writes the snapshot to the path that it is given.

        Raises:
            MediaError: The disk does not take them.
        """
        number = len(self.done)
        frames, state = (self._path(number, suffix) for suffix in ("frames", "state"))
        try:
            if self._file is None:
                self._file = (self.folder / BEGUN).open("w+b")
            self._file.close()
            self._file = None
            os.replace(self.folder / BEGUN, frames)
            save(state)
            for path in (frames, state):
                sync(path)
            files = {path.suffix[1:]: marks_of(path) for path in (frames, state)}
            segment = Segment(number, self.end, self.end + self._frames, dict(facts), files)
            write_record(self._path(number, "json"), asdict(segment))
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        self.done.append(segment)
        self._frames = 0
        for each in self.done[:-2]:
            if (each.number + 1) & each.number:  # those after 1, 2, 4, 8 ... segments stay, should a later one be bad
                self._path(each.number, "state").unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the folder; what is done stays, and a folder in which nothing is done is taken away."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not self.done:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def discard(self) -> None:
        """Take the folder away."""
        self.done = []
        self.close()

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06d}.{suffix}"

    def _take(self) -> None:
        """Lock the folder, where the system can; the lock ends with the process, however it ends."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"{show_path(self.folder)} must be used by one run at a time; another holds it; wait for its end"
            ) from error

    def _check_job(self, job: Mapping[str, Any]) -> None:
        """Raise where the folder belongs to a job with other settings; write down this one where it is new."""
        shown = show_path(self.folder)
        known = read_record(self.folder / JOB)
        if known is None:
            try:
                write_record(self.folder / JOB, job)
            except OSError as error:
                raise cannot_write(self.folder, error) from error
            for file in self.folder.glob("[0-9]*.json"):  # records of a job that nobody knows
                file.unlink()
            return
        changed = [name for name in sorted({*job, *known}) if job.get(name) != known.get(name)]
        if changed:
            raise InputError(
                f"what --resume continues must be the job that was begun; changed since: {', '.join(changed)}; "
                f"give the same again, or delete {shown} to begin anew"
            )

    def _verified(self) -> list[Segment]:
        """Return the segments from the first on that are as they were written, up to the last with a snapshot."""
        done: list[Segment] = []
        while (record := read_record(self._path(len(done), "json"))) is not None:
            end = done[-1].end if done else self._start
            try:
                segment = Segment(**record)
                if (segment.number, segment.first) != (len(done), end) or not self._is_whole(segment, "frames"):
                    break
            except (OSError, TypeError, ValueError, KeyError):
                break
            done.append(segment)
        while done and not self._is_whole(done[-1], "state"):
            done.pop()
        return done

    def _is_whole(self, segment: Segment, suffix: str) -> bool:
        """Return whether a file of a segment is as it was written."""
        try:
            return [*marks_of(self._path(segment.number, suffix))] == [*segment.files[suffix]]
        except OSError:
            return False

    def _clear(self) -> None:
        """Take away what lies in the folder and is no part of what is done."""
        numbers = {f"{segment.number:06d}" for segment in self.done}
        for file in [*self.folder.glob("[0-9]*"), *self.folder.glob("*.part"), self.folder / BEGUN]:
            if file.stem not in numbers:
                with suppress(OSError):
                    file.unlink()
