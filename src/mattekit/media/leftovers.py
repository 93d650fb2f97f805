"""What runs that were ended without warning have left under temporary names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from mattekit.media.records import read_record, write_record
from mattekit.media.verify import remove

TEMPORARY = re.compile(r"\.mattekit-[0-9a-f]{12}(\.\w+)?")
"""Names that `mattekit.media.outputs.temporary_path` gives."""


def note_temporaries(record: Path, paths: Iterable[Path]) -> None:
    """Write down the temporary names of a run, for the one after it.

    Raises:
        OSError: It cannot be written.
    """
    write_record(record, {"paths": [os.fsencode(os.path.abspath(path)).hex() for path in paths]})


def remove_noted(record: Path) -> None:
    """Remove what is left under the names that a run wrote down; no other name than a temporary one is touched."""
    for text in (read_record(record) or {}).get("paths", []):
        path = Path(os.fsdecode(bytes.fromhex(text)))
        if TEMPORARY.fullmatch(path.name):
            remove(path)


def remove_temporaries(folders: Iterable[Path]) -> int:
    """Remove whatever has a temporary name in some folders, which nobody else may be writing to; return how many."""
    found = [
        file
        for folder in folders
        if folder.is_dir()
        for file in folder.iterdir()
        if TEMPORARY.fullmatch(file.name) and not file.is_symlink()
    ]
    for file in found:
        remove(file)
    return len(found)
