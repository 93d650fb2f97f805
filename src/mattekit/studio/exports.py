"""Runs exports: `mattekit matte` as a process of its own on the key frames, into a folder, never over a file."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mattekit.media import show_path
from mattekit.media.paths import reason
from mattekit.studio.export import Export, place, stem, words
from mattekit.studio.jobs import Job, Jobs
from mattekit.studio.pictures import Levels
from mattekit.studio.strokes import Trimap
from mattekit.studio.worker import Setup

MOST_NAMES = 10_000
PATIENCE = 10.0
"""Seconds that an export that was ended has to take away what it wrote."""

MARKS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRESS, BAR = re.compile(r"matte\b\D*(\d+)/(\d+)"), re.compile(r"\w+ \D*\d+/\d+")
"""What the bar of the command says, of matting and of anything else."""


@dataclass(frozen=True)
class _Written:
    """An output that an export has made."""

    id: str
    path: Path

    def facts(self) -> dict[str, Any]:
        """Return what a page is told of it."""
        size = self.path.stat().st_size if self.path.is_file() else 0
        return {"id": self.id, "name": show_path(self.path.name), "bytes": size}


class Exports:
    """The exports of a session, one at a time.

    Args:
        setup: The clip and the networks.
        output: Folder they go to; made when the first one begins.
        jobs: Where each is a job.
        tell: Called with a job whenever more of it is done.
    """

    def __init__(self, setup: Setup, output: Path, *, jobs: Jobs, tell: Callable[[Job | None], None]) -> None:
        self._setup, self._output, self._jobs, self._tell = setup, output, jobs, tell
        self._written: list[_Written] = []
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._running: tuple[str, subprocess.Popen[str]] | None = None
        self._threads: list[threading.Thread] = []

    def facts(self) -> list[dict[str, Any]]:
        """Return what a page is told of all that was written."""
        with self._lock:
            return [written.facts() for written in self._written]

    def file(self, name: str) -> Path | None:
        """Return the file that an id stands for, or None."""
        with self._lock:
            return next((written.path for written in self._written if written.id == name), None)

    def begin(self, export: Export, keys: Mapping[int, Trimap], *, picture: Levels | None) -> Job:
        """Return the job of a new export, which waits for those before it.

        Args:
            export: Checked.
            keys: Trimap of each key frame.
            picture: The background that was given, or None.
        """
        job = self._jobs.add("export")
        thread = threading.Thread(target=self._run, args=(job, export, dict(keys), picture), daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()
        return job

    def cancel(self, job: Job) -> None:
        """End an export; nothing of it is left."""
        self._tell(self._jobs.end(job.id, "cancelled"))
        with self._lock:
            if self._running is not None and self._running[0] == job.id:
                self._running[1].send_signal(signal.SIGINT)

    def close(self) -> None:
        """End all exports."""
        for job in self._jobs:
            if job.kind == "export" and job.is_open:
                self.cancel(job)
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        with self._lock:
            if self._running is not None:  # it takes too long to take away what it wrote
                self._running[1].kill()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, job: Job, export: Export, keys: dict[int, Trimap], picture: Levels | None) -> None:
        """Do an export when its turn has come; runs in a thread of its own."""
        with self._turn, tempfile.TemporaryDirectory(prefix="mattekit-") as held:
            if not self._is_open(job):
                return
            try:
                outputs = self._places(export)
                fault = self._matte(job, words(self._setup, export, outputs, keys, picture=picture, held=Path(held)))
                files = [] if fault is not None else [_one_file(path) for path in outputs.values()]
            except OSError as error:
                fault, files = f"the folder of exports must be writable; {reason(error)}: check the disk", []
            if fault is not None:
                _tidy(self._output)
            with self._lock:
                self._written += [_Written(secrets.token_urlsafe(12), path) for path in files]
            told = fault or f"wrote {', '.join(show_path(path.name) for path in files)}"
            self._tell(self._jobs.end(job.id, "done" if fault is None else "failed", told))

    def _places(self, export: Export) -> dict[str, Path]:
        """Return a path for each output at which nothing is."""
        self._output.mkdir(parents=True, exist_ok=True)
        standing = {path.name.split(".")[0] for path in self._output.iterdir()}
        for number in range(1, MOST_NAMES):
            if not any(stem(content, number) in standing for content in export.wanted):
                break
        paths = {content: place(self._output, content, suffix, number) for content, suffix in export.wanted.items()}
        for path in paths.values():
            path.parent.mkdir(exist_ok=True)
        return paths

    def _matte(self, job: Job, command: list[str]) -> str | None:
        """Run the command and return what went wrong, or None."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "120", "TERM": "xterm"},  # for its bar to be shown
            start_new_session=True,
            text=True,
            errors="replace",
        ) as process:
            with self._lock:
                self._running = job.id, process
            if not self._is_open(job):  # it was cancelled just before
                process.send_signal(signal.SIGINT)
            last = self._follow(job, process)
            code = process.wait()
            with self._lock:
                self._running = None
        return None if code == 0 else last or f"matting must end well; it ended with code {code}: try again"

    def _follow(self, job: Job, process: subprocess.Popen[str]) -> str:
        """Tell how far a command is until it ends; return the last line that is not about that."""
        last = ""
        for line in process.stderr or ():
            plain = MARKS.sub("", line).strip()
            found = PROGRESS.match(plain)
            if found:
                done, total = (int(number) for number in found.groups())
                self._tell(self._jobs.change(job.id, state="running", done=done, total=total, message=""))
            elif plain and not BAR.match(plain):
                last = plain.removeprefix("error: ").removeprefix("mattekit: ")
        return last

    def _is_open(self, job: Job) -> bool:
        present = self._jobs.get(job.id)
        return present is not None and present.is_open


def _one_file(path: Path) -> Path:
    """Return a video's file, or one archive of the pictures of a folder, beside it."""
    if "%" not in path.name:
        return path
    archive = path.parent.with_suffix(".zip")
    with zipfile.ZipFile(archive, "x", zipfile.ZIP_STORED) as packed:
        for picture in sorted(path.parent.iterdir()):
            packed.write(picture, f"{path.parent.name}/{picture.name}")
    return archive


def _tidy(folder: Path) -> None:
    """Take away folders in which nothing was written, and the one they are in if it is empty then."""
    with suppress(OSError):
        for inner in [path for path in folder.iterdir() if path.is_dir() and not any(path.iterdir())]:
            inner.rmdir()
        folder.rmdir()
