"""Names of files: how to show them in a message, hand them to FFmpeg, and check them before opening."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mattekit.checks import MediaError


def show_path(path: Path | str) -> str:
    """Return a path as one printable line, whatever bytes its name holds.

    Control characters and bytes that are not UTF-8 come out as backslash escapes.

    Example:
        >>> show_path("two\\nlines.mp4")
        'two\\\\nlines.mp4'
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def file_url(path: Path) -> str:
    """Return a path as FFmpeg's file protocol takes it, so that no name is read as a URL, a pattern or an option."""
    return "file:" + os.path.abspath(path)


def check_regular_file(path: Path) -> None:
    """Raise unless a path names a file with content that can be read from start to end.

    Raises:
        MediaError: It is missing, a folder, a pipe, a device, empty, or must not be read.
    """
    shown = show_path(path)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise MediaError(f"{shown} must be a file; {reason(error)}; check the name") from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{shown} must be a file; it is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(f"{shown} must be an ordinary file; it is a pipe or a device; save it to a file first")
    if status.st_size == 0:
        raise MediaError(f"{shown} must hold media; it is empty; copy it again from its source")
    if not os.access(path, os.R_OK):
        raise MediaError(f"{shown} must be readable; its permissions forbid it; change them")


def reason(error: BaseException) -> str:
    """Return what an operating system or FFmpeg error says went wrong, as words without a file name or an end stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    words = " ".join(str(text).split()).rstrip(".")
    return words[:1].lower() + words[1:]


def cannot_write(path: Path, error: BaseException) -> MediaError:
    """Return the error for an output that could not be written."""
    return MediaError(f"{show_path(path)} must be writable; {reason(error)}; check the disk, or choose another place")
