"""Small JSON files that know whether they are whole, and the marks by which other files are known again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mattekit.checks import MediaError
from mattekit.media.paths import reason, show_path
from mattekit.media.verify import sync

BLOCK = 1 << 20


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping of what JSON can hold with its own checksum; the file is the old one or the new one, never less.

    Args:
        path: The file; its folder is there.
        content: With keys of text.

    Raises:
        OSError: It cannot be written.
    """
    text = json.dumps(content, sort_keys=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"content": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}))
    sync(beside)
    os.replace(beside, path)
    sync(path.parent)


def read_record(path: Path) -> dict[str, Any] | None:
    """Return what was written, or None where it is missing or damaged."""
    try:
        record = json.loads(path.read_text())
        text = record["content"]
        content = json.loads(text) if hashlib.sha256(text.encode()).hexdigest() == record["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def marks_of(path: Path) -> tuple[int, str]:
    """Return the bytes and the SHA-256 of a file.

    Raises:
        OSError: It cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        MediaError: It cannot be read.
    """
    try:
        return marks_of(path)[1]
    except OSError as error:
        raise MediaError(f"{show_path(path)} must be readable; {reason(error)}; check the name") from error
