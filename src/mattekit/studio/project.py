"""A project on disk: a folder with project.json and the key frames as pictures, written whole or not at all.

The names of pictures are made from the numbers of their frames; no name is read from the file and followed, but for the
clip's own, which is opened as any clip is.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mattekit.checks import InputError, MediaError
from mattekit.media import probe, read_trimap, show_path
from mattekit.media.paths import cannot_write, reason
from mattekit.media.publish import publish_folder
from mattekit.studio.pictures import encode_png
from mattekit.studio.strokes import Trimap
from mattekit.types import ClipInfo

VERSION = 1
SUFFIX = ".mattekit"
LISTING, KEYS = "project.json", "keys"
MOST_BYTES = 1 << 20
HEAD = 1 << 16
"""Bytes of a clip's first file by which it is known again."""

MOST_VIEW = 32


@dataclass(frozen=True)
class Project:
    """What was saved.

    Attributes:
        info: The clip.
        keys: Trimap of each key frame, by number.
        view: How the page was set, as it likes.
    """

    info: ClipInfo
    keys: Mapping[int, Trimap]
    view: Mapping[str, Any] = field(default_factory=dict)


def write_project(folder: Path, project: Project) -> None:
    """Write a project; what of an earlier one stands there is replaced when all is written.

    Raises:
        InputError: Something else stands there.
        MediaError: The folder cannot be written.
    """
    if os.path.lexists(folder) and not is_project(folder):
        raise InputError(
            f"{show_path(folder.name)} must be a project or not be there; it is something else: choose another name"
        )
    temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(6)}")
    try:
        (temporary / KEYS).mkdir(parents=True)
        for number, trimap in project.keys.items():
            (temporary / KEYS / key_name(number)).write_bytes(encode_png(trimap))
        listing = json.dumps(_facts(folder, project), indent=1, ensure_ascii=True)
        (temporary / LISTING).write_text(listing + "\n", encoding="utf-8")
        publish_folder(temporary, folder).settle()
    except OSError as error:
        raise cannot_write(Path(folder.name), error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_project(folder: Path) -> bool:
    """Return whether a folder looks like a project."""
    return folder.is_dir() and not folder.is_symlink() and (folder / LISTING).is_file()


def read_project(folder: Path, clip: Path | None = None) -> Project:
    """Return what was saved in a folder.

    Args:
        folder: The project.
        clip: Where the clip is, if not where the project says.

    Raises:
        InputError: The project is broken, of another version, or the clip is not the one it was made for.
        MediaError: The clip cannot be read.
    """
    facts = _listing(folder)
    named = facts["clip"]["path"]
    path = clip if clip is not None else Path(os.path.join(os.path.abspath(folder.parent), named))
    if clip is None and not path.exists():
        raise InputError(
            f"the clip of {show_path(folder.name)} must be where it was; {show_path(Path(named).name)} is not: "
            "give the clip and the project with --project"
        )
    info = probe(path)
    stated = (facts["clip"]["width"], facts["clip"]["height"], facts["clip"]["frames"], facts["clip"]["crc"])
    if stated != (info.size[1], info.size[0], info.frames, head_checksum(info)):
        raise InputError(
            f"the project must be of this clip; {show_path(folder.name)} was made for another, "
            f"{stated[0]} x {stated[1]} with {stated[2]} frames: give that clip, or another project"
        )
    return Project(info, {number: _key(folder, number, info) for number in facts["keys"]}, facts["view"])


def _key(folder: Path, number: int, info: ClipInfo) -> Trimap:
    path = folder / KEYS / key_name(number)
    if path.is_symlink() or path.parent.is_symlink():
        raise InputError(f"{show_path(folder.name)} must hold its pictures itself; {path.name} is a link: restore it")
    return read_trimap(path, info.size)


def key_name(number: int) -> str:
    """Return the name of a key frame's picture."""
    return f"{number:05d}.png"


def head_checksum(info: ClipInfo) -> int:
    """Return the checksum of the first bytes of a clip's first file."""
    first = info.files[0] if info.files else info.path
    try:
        with first.open("rb") as file:
            return zlib.crc32(file.read(HEAD))
    except OSError as error:
        raise MediaError(f"{show_path(first.name)} must be readable; {reason(error)}; check the file") from error


def _facts(folder: Path, project: Project) -> dict[str, Any]:
    info = project.info
    path = os.path.abspath(info.path)
    beside = os.path.relpath(path, os.path.abspath(folder.parent))
    clip = {"path": path if beside.startswith("..") else beside, "width": info.size[1], "height": info.size[0]}
    return {
        "version": VERSION,
        "clip": {**clip, "frames": info.frames, "crc": head_checksum(info)},
        "keys": sorted(project.keys),
        "view": dict(project.view),
    }


def _listing(folder: Path) -> dict[str, Any]:
    """Return what project.json holds, all of it of its kind."""
    path = folder / LISTING
    shown = f"{show_path(folder.name)}/{LISTING}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                f"{shown} must have at most {MOST_BYTES} bytes; it has more: it is no project of the studio"
            )
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{shown} must be there and readable; {reason(error)}: name a project folder") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown} must be JSON; it is not: restore the file, or begin a new project") from error
    if isinstance(facts, dict) and _whole(facts.get("version")) and facts["version"] > VERSION:
        raise InputError(f"{shown} must have version {VERSION}; got {facts['version']}: use a newer mattekit")
    fault = _fault(facts)
    if fault is not None:
        raise InputError(f"{shown} must hold what the studio writes; {fault}: restore the file, or begin a new project")
    listing: dict[str, Any] = facts
    return listing


def _fault(facts: Any) -> str | None:
    """Return what is wrong with the content of project.json, or None."""
    if not isinstance(facts, dict) or set(facts) != {"version", "clip", "keys", "view"}:
        return "its fields are others than version, clip, keys and view"
    if facts["version"] != VERSION or not _whole(facts["version"]):
        return f"its version is not {VERSION}"
    clip, keys, view = facts["clip"], facts["keys"], facts["view"]
    if not isinstance(clip, dict) or set(clip) != {"path", "width", "height", "frames", "crc"}:
        return "its clip has other fields than path, width, height, frames and crc"
    if not isinstance(clip["path"], str) or not clip["path"] or "\0" in clip["path"]:
        return "its clip's path is no path"
    if not all(_whole(clip[name]) for name in ("width", "height", "frames", "crc")):
        return "its clip is not told in whole numbers"
    if not isinstance(keys, list) or not all(_whole(key) and key < clip["frames"] for key in keys):
        return "its key frames are not numbers of frames"
    if keys != sorted(set(keys)):
        return "its key frames do not rise"
    if not isinstance(view, dict) or len(view) > MOST_VIEW or not all(_plain(value) for value in view.values()):
        return "its view holds more than plain values"
    return None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str) and len(str(value)) < 256
