"""What a batch remembers of each clip: of which files and with which settings its outputs were made."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mattekit.checks import InputError
from mattekit.media import show_path
from mattekit.media.paths import reason
from mattekit.media.records import read_record, write_record

FOLDER = ".mattekit"
"""Name of the hidden folder of records in that of a batch."""

Marks = dict[str, list[int]]


@dataclass(frozen=True)
class Memory:
    """The records of one clip of a batch.

    Attributes:
        record: Tells how the outputs that are there were made.
        begun: Is there while the outputs are being made, and after a sudden end.
    """

    record: Path
    begun: Path

    def find(self, settings: Mapping[str, Any], inputs: Iterable[Path]) -> dict[str, Any] | None:
        """Return what was said when the outputs were made, or None where they are not there just as they would be made.

        Args:
            settings: All that they hang on but the files, as JSON holds it.
            inputs: Files and folders that are read.
        """
        known = read_record(self.record)
        if known is None:
            return None
        try:
            facts: dict[str, Any] = known["facts"]
            made = known["outputs"] == marks(Path(path) for path in facts["outputs"].values())
            same = made and known["settings"] == settings and known["inputs"] == marks(inputs)
        except (OSError, KeyError):
            return None
        return facts if same else None

    def begin(self) -> None:
        """Write down that the outputs are being made; what stands in their place from then on is ours."""
        write_record(self.begun, {})

    def keep(self, content: Mapping[str, Any]) -> None:
        """Write down how the outputs were made: settings, inputs, outputs and facts."""
        write_record(self.record, content)
        self.begun.unlink(missing_ok=True)

    def forget(self) -> None:
        """Write down that nothing is being made any more."""
        self.begun.unlink(missing_ok=True)


def memory_of(folder: Path, outputs: Iterable[Path]) -> Memory:
    """Return the records of a clip, which its outputs tell from all others of the folder."""
    names = sorted(os.fsencode(os.path.relpath(path, folder)) for path in outputs)
    name = hashlib.sha256(b"\0".join(names)).hexdigest()[:16]
    return Memory(folder / FOLDER / f"{name}.json", folder / FOLDER / f"{name}.begun")


def marks(paths: Iterable[Path]) -> Marks:
    """Return bytes and time of change of files, and of all files in folders, by absolute path.

    A pattern such as name/%05d.png stands for all files of its folder.

    Raises:
        OSError: One is not there.
    """
    found: Marks = {}
    for path in paths:
        place = Path(os.path.abspath(path))
        if "%" in place.name and not place.exists():
            place = place.parent
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            if file.name.startswith(".mattekit-") or file.is_dir():
                continue
            status = file.stat()
            found[os.fsencode(file).decode("utf-8", "backslashreplace")] = [status.st_size, status.st_mtime_ns]
    return found


class Hold:
    """Keeps a folder to one batch at a time, where the system can; the hold ends with the process, however it ends.

    Args:
        folder: Of the batch; it is made where its parent is there.

    Raises:
        InputError: The folder cannot be made or written to, or another batch holds it.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(exist_ok=True)
            (folder / FOLDER).mkdir(exist_ok=True)
            self._file = (folder / FOLDER / "lock").open("ab")
        except OSError as error:
            raise InputError(
                f"-o must be a folder that can be written to; {show_path(folder)}: {reason(error)}; choose another"
            ) from error
        try:
            import fcntl

            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            return
        except OSError as error:
            self._file.close()
            raise InputError(
                f"-o must be the folder of one batch at a time; another is at work in {show_path(folder)}; wait for it"
            ) from error

    def close(self) -> None:
        """Let go of the folder."""
        self._file.close()
