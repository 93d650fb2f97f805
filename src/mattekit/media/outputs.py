"""Plans where and how an output is written, and refuses what would do harm, before anything is computed."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mattekit.checks import InputError, MediaError
from mattekit.media.encoders import (
    STILL_BITS,
    STILLS,
    VIDEOS,
    VideoFormat,
    channels_of,
    check_size,
    choose_bits,
    choose_video,
)
from mattekit.media.paths import reason, show_path
from mattekit.media.style import DEFAULT, Style
from mattekit.types import ClipInfo

COUNTER = re.compile(r"%0?(\d*)d")
OFFERED = f"{', '.join(VIDEOS)}, a folder, or name_%05d with {', '.join(STILLS)}"


@dataclass(frozen=True)
class Plan:
    """One output, decided.

    Attributes:
        path: The video file, the folder of a sequence, the pattern of one, or a single picture.
        kind: "video", "folder", "pattern" or "still".
        content: "alpha", "foreground", "cutout", "composite" or "preview".
        bits: Bits a channel.
        video: How the file is written, or None for pictures.
        names: Text before and after the frame number of a sequence, and the least number of its digits.
        stills: Format of pictures: "png", "exr" or "jpg".
        style: What a user chose.
    """

    path: Path
    kind: str
    content: str
    bits: int
    video: VideoFormat | None = None
    names: tuple[str, str, int] = ("", ".png", 5)
    stills: str = "png"
    style: Style = DEFAULT

    @property
    def premultiplied(self) -> bool:
        """Whether colour is multiplied by alpha: in cut-outs where it was asked for, and in EXR unless it was not."""
        wanted = self.style.premultiplied
        by_custom = self.video is None and self.stills == "exr"
        return self.content == "cutout" and (by_custom if wanted is None else wanted)

    def name(self, index: int) -> str:
        """Return the file name of a frame of a sequence."""
        before, after, digits = self.names
        return self.path.name if self.kind == "still" else f"{before}{index:0{digits}d}{after}"

    def standing(self) -> list[Path]:
        """Return the files that stand where this output will be."""
        if self.kind in ("video", "still"):
            return [self.path] if os.path.lexists(self.path) else []
        folder = self.path if self.kind == "folder" else self.path.parent
        before, after, digits = self.names
        taken = re.compile(re.escape(before) + rf"\d{{{digits},}}" + re.escape(after))
        return sorted(file for file in folder.iterdir() if taken.fullmatch(file.name)) if folder.is_dir() else []


def plan_output(path: Path | str, *, content: str, style: Style = DEFAULT) -> Plan:
    """Return how an output is written; the suffix chooses the format.

    Raises:
        InputError: The suffix is not known, or the format cannot hold the content or what the style asks for.
    """
    ends_in_slash = str(path).endswith(("/", os.sep))
    path = Path(path)
    channels = channels_of(content)
    suffix, shown = path.suffix.lower(), show_path(path)
    if path.name in ("", "..") or ends_in_slash or not suffix or (os.path.isdir(path) and suffix not in VIDEOS):
        return _plan_stills(path, "folder", content, style.stills, style)
    if suffix in STILLS:
        kind = "still" if _counter_of(path) is None else "pattern"
        return _plan_stills(path, kind, content, STILLS[suffix], style)
    if suffix not in VIDEOS:
        raise InputError(f"an output must be {OFFERED}; got {shown}; change its suffix")
    video = choose_video(suffix, style)
    chosen = choose_bits(shown, video.bits, style.bits)
    if (channels, chosen) not in video.pixels:
        raise _needs_alpha(content, suffix, shown)
    return Plan(path, "video", content, chosen, video, style=style)


def output_size(content: str, size: tuple[int, int]) -> tuple[int, int]:
    """Return the (height, width) of an output of a clip; a preview has three pictures side by side."""
    return (size[0], 3 * size[1]) if content == "preview" else size


def check_output(
    path: Path | str,
    clip: ClipInfo,
    *,
    content: str,
    overwrite: bool = False,
    style: Style = DEFAULT,
    frames: int | None = None,
) -> Plan:
    """Refuse an output that cannot or must not be written, without opening or changing anything.

    Args:
        path: The output.
        clip: What it is made of; no file of it is ever written to.
        content: "alpha", "foreground", "cutout", "composite" or "preview".
        overwrite: Whether an output that stands there may be replaced.
        style: How it is written.
        frames: How many frames will be written, or None for all of the clip.

    Raises:
        InputError: The format is not known, or cannot hold the content.
        MediaError: The folder is missing or must not be written to, the output is the input, or it exists.
    """
    plan = plan_output(path, content=content, style=style)
    shown, suffix = show_path(plan.path), plan.path.suffix.lower()
    if plan.kind == "still" and (clip.frames if frames is None else frames) > 1:
        raise InputError(f"a single {suffix} holds one frame; got {shown} for more; name a folder or name_%05d{suffix}")
    if plan.video is not None:
        check_size(plan.video, output_size(content, clip.size), shown)
    _check_folder(plan)
    standing = plan.standing()
    _check_not_input(plan, clip, standing)
    _check_standing(plan, standing, overwrite=overwrite)
    return plan


def check_distinct(paths: Sequence[Path | str]) -> None:
    """Raise unless every output has a path of its own.

    Raises:
        InputError: Two outputs would be written to one place.
    """
    seen: dict[str, Path] = {}
    for path in map(Path, paths):
        place = os.path.realpath(path)
        if place in seen:
            raise InputError(
                f"every output must have a path of its own; got {show_path(seen[place])} and {show_path(path)}; "
                "rename one"
            )
        seen[place] = path


def temporary_path(plan: Plan) -> Path:
    """Return a hidden name in the folder of the output, with its suffix, that nothing has."""
    suffix = plan.path.suffix if plan.video is not None else ""
    return _folder_of(plan) / f".mattekit-{secrets.token_hex(6)}{suffix}"


def _plan_stills(path: Path, kind: str, content: str, stills: str, style: Style) -> Plan:
    """Return how pictures are written."""
    shown = show_path(path)
    if stills == "jpg" and channels_of(content) == 4:
        raise _needs_alpha(content, ".jpg", shown)
    bits = choose_bits(shown, STILL_BITS[stills], style.bits)
    names = _counter_of(path) if kind == "pattern" else None
    return Plan(path, kind, content, bits, None, names or ("", f".{stills}", 5), stills, style)


def _needs_alpha(content: str, suffix: str, shown: str) -> InputError:
    """Return the error for a format without alpha."""
    return InputError(
        f"a {content} needs alpha, which {suffix} has not; got {shown}; take .mov, .webm, .mkv, .exr or PNG"
    )


def _folder_of(plan: Plan) -> Path:
    """Return the folder that the output is put into."""
    return Path(os.path.abspath(plan.path)).parent


def _counter_of(path: Path) -> tuple[str, str, int] | None:
    """Return what stands around the frame number in a pattern, and its digits; None for a name without one."""
    found = list(COUNTER.finditer(path.name))
    if not found:
        return None
    if len(found) > 1:
        raise InputError(f"a pattern must hold one frame number such as %05d; got {show_path(path)}; leave one")
    before, after = path.name[: found[0].start()], path.name[found[0].end() :]
    return before, after, int(found[0][1] or 1)


def _check_folder(plan: Plan) -> None:
    """Raise unless the folder of an output is there and can be written to."""
    folders = [_folder_of(plan)]
    if plan.kind == "folder" and os.path.isdir(plan.path):
        folders.append(plan.path)
    for folder in folders:
        shown = show_path(folder)
        try:
            is_there = folder.is_dir()
        except OSError as error:
            raise MediaError(f"{shown} must be a folder to write into; {reason(error)}; check the name") from error
        if not is_there:
            raise MediaError(f"{shown} must be a folder to write into; there is none; make it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise MediaError(f"{shown} must allow writing; it does not; choose another folder")
    try:
        os.lstat(plan.path)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise MediaError(
            f"{show_path(plan.path)} must be a name that the disk takes; {reason(error)}; choose another"
        ) from error
    if plan.kind == "folder" and plan.path.exists() and not plan.path.is_dir():
        raise MediaError(f"{show_path(plan.path)} must be a folder or new; it is a file; choose another name")


def _check_not_input(plan: Plan, clip: ClipInfo, standing: list[Path]) -> None:
    """Raise if writing would touch a file of the clip."""
    sources = [clip.path, *clip.files]
    touched = [*standing, plan.path] if plan.kind == "folder" else standing
    for target in touched:
        for source in sources:
            try:
                same = os.path.samefile(target, source)
            except OSError:
                same = False
            if same:
                raise MediaError(f"an output must not be the input; got {show_path(target)}; choose another name")


def _check_standing(plan: Plan, standing: list[Path], *, overwrite: bool) -> None:
    """Raise unless what stands in the place of an output may be replaced, and is nothing but that."""
    shown = show_path(plan.path)
    if not standing and not (plan.kind == "folder" and plan.path.is_dir() and any(plan.path.iterdir())):
        return
    if not overwrite:
        raise MediaError(f"{shown} must not exist yet; it does; choose another name or allow overwriting")
    if plan.kind == "folder":
        others = sorted(file.name for file in plan.path.iterdir() if file not in standing)
        if others:
            raise MediaError(
                f"folder {shown} must hold nothing but an earlier output to be replaced; it holds "
                f"{show_path(others[0])}; choose another folder"
            )
    elif any(file.is_dir() for file in standing):
        raise MediaError(f"{shown} must be a file to be replaced; it is a folder; choose another name")
