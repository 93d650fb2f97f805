"""Speed of composing 1080p clips in memory: foregrounds that walk, turn and zoom over a background.

Variants take turns in one process on the same frames, on one thread, and are given as ratios: ours; a full-frame
bicubic reading of the whole picture; and the published order of work (turn on an enlarged canvas, zoom on a fixed one,
paste, composite in floating point) with OpenCV. Then two processes compose at the same time, as `mattekit compose
--workers 2` does, and the frames of both are counted; making each foreground ready is part of their time. Nothing is
decoded or written.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.figure import Figure
from mattekit.data.procedural import render, texture
from mattekit.data.walk import Walk, random_walk

SIZE = (1080, 1920)
FIGURE = (900, 1600)
KINDS = ("fur", "hair", "patterned", "foliage", "yarn", "limbs")
FRAMES = 60
PUBLISHED = 6.9
"""Frames a second of the published generator at 1080p, writing included, as measured on another machine."""


def figures(count: int) -> list[Tensor]:
    """Return (4, 900, 1600) uint8 procedural foregrounds."""
    made = []
    for index in range(count):
        random = np.random.default_rng((17, index))
        layer = render(KINDS[index % len(KINDS)], random, size=FIGURE, frames=1)
        made.append((torch.cat((layer.colour, layer.alpha), dim=1)[0] * 255).round().to(torch.uint8))
    return made


def plate() -> Tensor:
    """Return a background (3, 1080, 1920) uint8."""
    return (texture(np.random.default_rng(3), SIZE) * 255).round().to(torch.uint8)


def ours(pixels: Tensor, walk: Walk, background: Tensor) -> Callable[[int], object]:
    """Return what composes frame number t by the package's own way."""
    figure, places = Figure(pixels), walk.places(FIGURE)
    return lambda t: figure.place(places[t], background)


def full_frame(pixels: Tensor, walk: Walk, background: Tensor) -> Callable[[int], object]:
    """Return what reads the whole frame by bicubic interpolation of premultiplied colour and composites it."""
    layer = pixels.float() / 255
    premultiplied = torch.cat((layer[:3] * layer[3:], layer[3:]))[None]
    places, under = walk.places(FIGURE), background.float()

    def frame(t: int) -> object:
        scale = torch.tensor([2 / FIGURE[1], 2 / FIGURE[0]])[:, None]
        y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
        here = torch.stack((x.flatten(), y.flatten(), torch.ones(x.numel()))).float()
        grid = ((places[t].float() @ here + 0.5) * scale - 1).T.view(1, *SIZE, 2)
        read = functional.grid_sample(premultiplied, grid, mode="bicubic", align_corners=False)[0].clamp(0, 1)
        alpha = read[3:]
        colour = read[:3] / alpha.clamp_min(1e-3)
        mixed = alpha * colour * 255 + (1 - alpha) * under
        return [(part * 255).round().to(torch.uint8) for part in (colour, alpha)], mixed.round().to(torch.uint8)

    return frame


def published_order(pixels: Tensor, walk: Walk, background: Tensor) -> Callable[[int], object]:
    """Return what turns on an enlarged canvas, zooms on a fixed one, pastes and composites, with OpenCV."""
    import cv2

    picture = np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())
    under = np.ascontiguousarray(background.permute(1, 2, 0).numpy())
    height, width = picture.shape[:2]

    def frame(t: int) -> object:
        angle, zoom = -math.degrees(float(walk.turn[t])), float(walk.zoom[t])
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
        wide, tall = int(height * sine + width * cosine), int(height * cosine + width * sine)
        turn[:, 2] += (wide / 2 - width / 2, tall / 2 - height / 2)
        turned = cv2.warpAffine(picture, turn, (wide, tall), flags=cv2.INTER_CUBIC)
        grown = cv2.getRotationMatrix2D((wide / 2, tall / 2), 0, zoom)
        zoomed = cv2.warpAffine(turned, grown, (wide, tall), flags=cv2.INTER_CUBIC)
        canvas = np.zeros((*SIZE, 4), np.uint8)
        left, top = (round(float(c) - s / 2) for c, s in zip(walk.centre[t], (wide, tall), strict=True))
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + wide, SIZE[1]), min(top + tall, SIZE[0])
        canvas[y0:y1, x0:x1] = zoomed[y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = canvas[..., 3:].astype(np.float32) / 255
        foreground = canvas[..., :3].astype(np.float32)
        mixed = alpha * foreground + (1 - alpha) * under
        return mixed.astype(np.uint8), np.repeat(canvas[..., 3:], 3, axis=2), (alpha * foreground).astype(np.uint8)

    return frame


VARIANTS = {"ours": ours, "full frame, bicubic": full_frame, "published order, OpenCV": published_order}


def ratios(pictures: list[Tensor], background: Tensor, rounds: int) -> dict[str, float]:
    """Print and return milliseconds a frame of each variant, which take turns."""
    try:
        import cv2

        cv2.setNumThreads(1)
        names = list(VARIANTS)
    except ImportError:
        names = [name for name in VARIANTS if "OpenCV" not in name]
    seconds = dict.fromkeys(names, 0.0)
    for index, pixels in enumerate(pictures):
        walk = random_walk(FRAMES, SIZE, torch.Generator().manual_seed(index))
        ready = {name: VARIANTS[name](pixels, walk, background) for name in names}
        for step in range(rounds):
            for name, frame in ready.items():
                begin = time.process_time()
                frame(step * FRAMES // rounds)
                seconds[name] += time.process_time() - begin
    milliseconds = {name: 1000 * value / (len(pictures) * rounds) for name, value in seconds.items()}
    for name, value in milliseconds.items():
        print(f"  {name:24s} {value:7.1f} ms a frame, {value / milliseconds['ours']:5.2f} times ours")
    return milliseconds


def compose_some(pictures: list[np.ndarray], seed: int) -> tuple[float, float, int]:
    """Compose clips of 60 frames, one of each foreground; return when that began and ended, and frames made."""
    torch.set_num_threads(1)
    background, begin, made = plate(), time.monotonic(), 0
    for index, pixels in enumerate(pictures):
        figure = Figure(torch.from_numpy(pixels))
        walk = random_walk(FRAMES, SIZE, torch.Generator().manual_seed(100 * seed + index))
        for place in walk.places(FIGURE):
            figure.place(place, background)
            made += 1
    return begin, time.monotonic(), made


def together(pictures: list[Tensor], workers: int) -> float:
    """Print and return frames a second of so many processes at once."""
    arrays = [pixels.numpy() for pixels in pictures]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(compose_some, [arrays[:1]] * workers, range(workers)))
        spans = list(pool.map(compose_some, [arrays] * workers, range(workers)))
    seconds = max(end for _, end, _ in spans) - min(begin for begin, _, _ in spans)
    speed = sum(made for _, _, made in spans) / seconds
    print(
        f"  {workers} processes: {speed:.1f} frames a second, {speed / PUBLISHED:.1f} times the published {PUBLISHED}"
    )
    return speed


def main() -> None:
    """Print the figures, as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=int, default=6, help="foregrounds")
    parser.add_argument("--rounds", type=int, default=6, help="frames of each foreground and variant")
    told = parser.parse_args()
    torch.set_num_threads(1)
    pictures, background = figures(told.figures), plate()
    covered = np.mean([float((pixels[3] > 0).float().mean()) for pixels in pictures]) * math.prod(FIGURE)
    print(f"1920x1080, foregrounds 1600x900 that cover {covered / math.prod(SIZE):.0%} of the frame")
    milliseconds = ratios(pictures, background, told.rounds)
    speeds = {workers: together(pictures, workers) for workers in (1, 2)}
    print(json.dumps({"milliseconds": milliseconds, "frames_per_second": speeds}))


if __name__ == "__main__":
    main()
