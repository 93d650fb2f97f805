"""Scores one clip of alpha against its truth, frame by frame in constant memory; the work of one task."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.stored import true_flow
from mattekit.media import frames_at, probe, read_alpha, show_path
from mattekit.metrics import CONVENTIONS, alpha_flow, measure
from mattekit.metrics.clip import mean_known

CHUNK = 8
"""Frames measured at a time, and one more for the last pair."""
HEIGHT = 240
"""Height in px of the pictures of worst frames."""


def score_clip(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Score one clip.

    Args:
        arguments: name, predicted, true, trimaps (a path or None), convention, force; home (the folder of the composed
            clip, where conventions with its own motion find that); flows (a folder that keeps the true motion for
            MESSDdt where it is estimated, or None); worst (how many frames are drawn), pictures (the folder for them,
            or None), frames (the clip itself, for the pictures, or None).

    Returns:
        frames: by metric the list of its values, None where nothing was scored; means; scored and empty frames; worst:
        frame numbers and the names of their pictures, the worst first.

    Raises:
        InputError: The clips do not fit each other; the message begins with the clip's name.
        MediaError: A frame is damaged.
    """
    try:
        values, scored, empty = _measured(arguments)
        worst = _worst(values, int(arguments["worst"])) if arguments["pictures"] is not None else []
        pictures = _draw(arguments, worst)
    except InputError as error:
        raise type(error)(f"{arguments['name']}: {error}") from error
    return {
        "frames": {name: _plain(known) for name, known in values.items()},
        "means": {name: mean_known(known) for name, known in values.items()},
        "scored": scored,
        "empty": empty,
        "worst": [{"frame": index, "picture": picture} for index, picture in zip(worst, pictures, strict=True)],
    }


def _measured(arguments: Mapping[str, Any]) -> tuple[dict[str, Tensor], int, int]:
    """Return the values by metric and frame, and how many frames were scored and left out."""
    parts: dict[str, list[Tensor]] = {}
    frames = 0
    for start, (alpha, truth, trimap) in _chunks(arguments):
        flow, force = _motion(arguments, start), bool(arguments["force"])
        errors = measure(arguments["convention"], alpha, truth, trimap=trimap, flow=flow, force=force)
        frames = start + len(alpha)
        for name, found in errors.frames.items():
            parts.setdefault(name, []).append(_new(found, len(alpha), first=start == 0))
    values = {name: torch.cat(found) for name, found in parts.items()}
    single = next((found for found in values.values() if len(found) == frames), None)
    scored = frames if single is None else int((~single.isnan()).sum())
    return values, scored, frames - scored


def _motion(arguments: Mapping[str, Any], start: int) -> Callable[[Tensor], Tensor] | None:
    """Return what makes the true motion from the true alpha of a chunk that begins at a frame, if anything can."""
    if CONVENTIONS[arguments["convention"]].stored:
        return partial(true_flow, Path(arguments["home"]), start=start)
    cache = None if arguments["flows"] is None else Path(arguments["flows"])
    return partial(alpha_flow, cache=cache) if find_spec("cv2") is not None else None


def _new(values: Tensor, frames: int, *, first: bool) -> Tensor:
    """Return the values of a chunk that the chunk before did not have; a chunk begins with that one's last frame."""
    return values if first or len(values) == frames - 1 else values[1:]


def _chunks(arguments: Mapping[str, Any]) -> Iterator[tuple[int, tuple[Tensor, Tensor, Tensor | None]]]:
    """Yield the number of the first frame and alpha, truth and trimap of a chunk; chunks share one frame."""
    clips = [probe(Path(arguments[key])) for key in ("predicted", "true")]
    if clips[0].size != clips[1].size or clips[0].frames != clips[1].frames:
        raise InputError(
            f"predicted must have the truth's {clips[1].frames} frames of size {clips[1].size} (height, width); got "
            f"{clips[0].frames} of {clips[0].size}"
        )
    sources = [read_alpha(clip) for clip in clips]
    if arguments["trimaps"] is not None:
        trimaps = probe(Path(arguments["trimaps"]))
        if trimaps.size != clips[1].size or trimaps.frames != clips[1].frames:
            raise InputError(
                f"trimaps must be as many and as large as the truth, {clips[1].frames} of {clips[1].size}; got "
                f"{trimaps.frames} of {trimaps.size} in {show_path(trimaps.path)}"
            )
        sources.append(read_alpha(trimaps))
    held: list[tuple[np.ndarray[Any, Any], ...]] = []
    start = 0
    for planes in zip_longest(*sources):
        held.append(planes)
        if len(held) == CHUNK + 1:
            yield start, _stacked(held)
            start, held = start + CHUNK, held[-1:]
    if start == 0 or len(held) > 1:
        yield start, _stacked(held)


def _stacked(held: list[tuple[np.ndarray[Any, Any], ...]]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return alpha and truth (T, 1, H, W) uint8 and the trimap in {0, 0.5, 1}, or None."""
    alpha, truth = (
        torch.from_numpy(np.stack([planes[place] for planes in held]))[:, None].mul(255).round().to(torch.uint8)
        for place in (0, 1)
    )
    if len(held[0]) == 2:
        return alpha, truth, None
    trimap = torch.from_numpy(np.stack([planes[2] for planes in held]))[:, None]
    return alpha, truth, (trimap * 2).round() / 2


def _plain(values: Tensor) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _worst(values: dict[str, Tensor], count: int) -> list[int]:
    """Return the numbers of the frames with the largest error in the convention's first metric a frame."""
    name = next((name for name in ("SAD", "MAD", "SSDA") if name in values), None)
    if name is None:
        return []
    errors = torch.nan_to_num(values[name], nan=-1.0)
    order = torch.argsort(errors, descending=True, stable=True)[:count]
    return [index for index in order.tolist() if errors[index] > 0]


def _draw(arguments: Mapping[str, Any], worst: list[int]) -> list[str]:
    """Write a picture of each chosen frame (the frame where there is one, truth, prediction, error); return names."""
    if not worst:
        return []
    wanted = sorted(worst)
    predicted, truth = (_planes(Path(arguments[key]), wanted) for key in ("predicted", "true"))
    colours: dict[int, np.ndarray[Any, Any]] = {}
    if arguments["frames"] is not None:
        clip = probe(Path(arguments["frames"]))
        for index, frame in zip(wanted, frames_at(clip, wanted), strict=True):
            colours[index] = frame.permute(1, 2, 0).numpy()
    names = {}
    for index in wanted:
        gap = predicted[index] - truth[index]
        error = np.stack((np.maximum(gap, 0), np.maximum(-gap, 0), np.maximum(-gap, 0)), axis=-1)  # red too much
        shown = [np.repeat(plane[..., None], 3, axis=2) for plane in (truth[index], predicted[index])]
        parts = [*([colours[index]] if index in colours else []), *shown, error]
        picture = Image.fromarray((np.concatenate(parts, axis=1) * 255).round().clip(0, 255).astype(np.uint8))
        scale = min(1.0, HEIGHT / picture.height)
        names[index] = f"{arguments['number']:04d}-{index:06d}.png"
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture.resize(size, Image.Resampling.BOX).save(Path(arguments["pictures"]) / names[index])
    return [names[index] for index in worst]


def _planes(path: Path, wanted: list[int]) -> dict[int, np.ndarray[Any, Any]]:
    """Return the mattes of some frames by number."""
    return {index: plane for index, plane in enumerate(read_alpha(probe(path))) if index in wanted}
