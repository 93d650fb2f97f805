"""Hard things: patterned solids, polygons with holes and thin outlines, words; they move as rigid or bending bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, Paint, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import grow, light_strands, random_light, tapered
from mattekit.data.procedural.lens import focus
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.noise import places_of
from mattekit.data.procedural.outline import blob, round_shade
from mattekit.data.procedural.skin import PATTERNED, Skin

Floats = NDArray[np.floating[Any]]
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789&%@#?!*+=$"
_INK = 1024
"""Height in px of the picture that words are taken from."""


def patterned(
    random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None
) -> Layer:
    """Render a solid whose own stripes, checks or patches stand out more than its edge, sharp, soft or fuzzy.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that covers it, or None.
    """
    skin, light = Skin(random, kinds=PATTERNED, texture=texture), random_light(random)
    radii, centre = random.uniform(0.15, 0.42, 2), random.uniform(-0.08, 0.08, 2)
    outline = blob(random, centre, radii, rough=random.uniform(0, 0.25), square=random.uniform(2, 8), points=320)
    ball = (centre, radii * 1.25)
    motion = Motion(
        random, swing=0.12, wave=random.uniform(0, 0.03), spin=random.uniform(-0.4, 0.4), centre=tuple(centre)
    )
    fuzz = _fuzz(random, outline, skin, light) if random.uniform() < 0.4 else None
    blur = random.uniform(0.2, 3.2) / 384 if random.uniform() < 0.5 else 0.0
    times, canvases = times_of(frames), []
    for time in times:
        canvas = Canvas(size)
        paint = _lit(skin, motion, time, lambda rest: round_shade(rest, *ball, light))
        canvas.polygon(motion.place(outline, time), paint)
        if fuzz is not None:
            moved = Fibres(motion.place(fuzz.points, time), fuzz.widths, fuzz.colours, fuzz.depth)
            draw_fibres(canvas, moved, layers=4)
        canvases.append(canvas)
    return _moving(canvases, blur, motion, times)


def polygons(
    random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None
) -> Layer:
    """Render stars and polygons, some with holes, some mere outlines.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that covers them, or None.
    """
    light = random_light(random)
    motion = Motion(random, swing=0.2, spin=random.uniform(-1, 1))
    pieces = []
    for _ in range(int(random.integers(1, 9))):
        corners, star = int(random.integers(3, 9)), random.uniform(0.35, 1)
        angle = np.sort(random.uniform(0, 0.35, 2 * corners) + np.arange(2 * corners) * np.pi / corners)
        radius = random.uniform(0.06, 0.3) * np.where(np.arange(2 * corners) % 2 == 0, 1, star)
        loop = random.uniform(-0.25, 0.25, 2) + (radius * np.stack((np.cos(angle), np.sin(angle)))).T
        hole = loop.mean(axis=0) + (loop - loop.mean(axis=0)) * random.uniform(0.3, 0.98)
        loops = [loop, hole[::-1]] if random.uniform() < 0.5 else [loop]
        pieces.append((loops, Skin(random, texture=texture)))
    times, canvases = times_of(frames), []
    for time in times:
        canvas = Canvas(size)
        for loops, skin in pieces:
            paint = _lit(skin, motion, time, lambda rest: np.clip(0.95 + 0.8 * (rest @ light[:2]), 0.5, 1.2))
            canvas.polygon([motion.place(loop, time) for loop in loops], paint)
        canvases.append(canvas)
    return _moving(canvases, 0.0, motion, times)


def words(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render lines of letters in solid or outlined type.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that covers them, or None.
    """
    masks = _ink(random)
    skin, edge = Skin(random, texture=texture), Skin(random, kinds=("plain",))
    motion = Motion(random, swing=0.15, wave=random.uniform(0, 0.03))
    times, canvases = times_of(frames), []
    for time in times:
        canvas = Canvas(size)
        rest = motion.rest(places_of(size), time)
        for cover, surface in zip(_sampled(masks, motion, size, time), (edge, skin), strict=True):
            canvas.over(surface.planes(rest), cover)
        canvases.append(canvas)
    return _moving(canvases, 0.0, motion, times)


def _lit(skin: Skin, motion: Motion, time: float, brightness: Callable[[Floats], Floats]) -> Paint:
    """Return a skin that moves with a body and is lit by a brightness at its resting places."""

    def paint(places: Floats) -> Floats:
        rest = motion.rest(places, time)
        return np.asarray(np.clip(skin.planes(rest) * brightness(rest)[None], 0, 1), dtype=np.float32)

    return paint


def _ink(random: np.random.Generator) -> Tensor:
    """Return two masks (1, 2, H, W): the letters with a rim around them, and the letters."""
    rows = int(random.integers(1, 6))
    height = int(_INK * random.uniform(0.45, 0.8) / rows)
    old = random.uniform() < 0.25
    font = ImageFont.load_default_imagefont() if old else ImageFont.load_default(size=height)
    text = "\n".join("".join(random.choice(list(LETTERS), int(random.integers(2, 4 + 2 * rows)))) for _ in range(rows))
    stroke = 0 if old else int(random.choice((0, 0, 1, 2, 4))) * height // 60
    thin = not old and random.uniform() < 0.35
    masks = []
    for width in (0, stroke):
        picture = Image.new("L", (_INK, _INK), 0)
        pen = ImageDraw.Draw(picture)
        if old:
            small = Image.new("L", (64, 64), 0)
            ImageDraw.Draw(small).multiline_text((32, 32), text, fill=255, font=font, anchor=None, align="center")
            box = small.getbbox() or (0, 0, 64, 64)
            picture.paste(
                small.crop(box).resize((_INK * 3 // 4, _INK * 3 // 4), Image.Resampling.NEAREST), (_INK // 8, _INK // 8)
            )
        else:
            pen.multiline_text(
                (_INK / 2, _INK / 2), text, fill=255, font=font, anchor="mm", align="center", stroke_width=width
            )
        masks.append(torch.from_numpy(np.array(picture))[None, None].float() / 255)
    if thin:  # only the line around the letters
        line = max(2, height // int(random.integers(15, 70)))
        shrunk = -functional.max_pool2d(-masks[0], 2 * line + 1, 1, line)
        return (masks[0] - shrunk).repeat(1, 2, 1, 1)
    return torch.cat((masks[1], masks[0]), dim=1)


def _sampled(masks: Tensor, motion: Motion, size: tuple[int, int], time: float) -> Floats:
    """Return the coverage (2, H, W) float32 of masks: the mean over 3x3 places in each pixel."""
    rest = torch.from_numpy(motion.rest(places_of(size), time)).float().permute(2, 0, 1)[None]
    fine = functional.interpolate(rest, scale_factor=3, mode="bilinear", align_corners=False)
    found = functional.grid_sample(masks, 2 * fine.permute(0, 2, 3, 1), align_corners=False)
    return np.asarray(functional.avg_pool2d(found, 3)[0].numpy())


def _fuzz(random: np.random.Generator, outline: Floats, skin: Skin, light: Floats) -> Fibres:
    """Return short hairs that stand on an outline."""
    count, steps = int(random.integers(300, 1800)), 4
    place = random.integers(0, len(outline), count)
    tangent = np.roll(outline, -1, axis=0)[place] - np.roll(outline, 1, axis=0)[place]
    outward = np.stack((tangent[:, 1], -tangent[:, 0]), axis=1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    roots = outline[place] - 0.012 * outward * random.uniform(0, 1, (count, 1))
    length = float(np.exp(random.uniform(np.log(0.01), np.log(0.07)))) * random.lognormal(0, 0.3, count)
    start = outward + random.normal(0, 0.4, (count, 2))
    hairs = grow(roots, start, length, steps=steps, pull=random.normal(0, 1, (count, 2)), bend=1.0)
    colours = light_strands(hairs, np.clip(skin.at(roots) * random.lognormal(0, 0.15, (count, 1)), 0, 1), light=light)
    widths = tapered(random.lognormal(np.log(0.0018), 0.5, count), steps)
    return Fibres(hairs, widths, colours, random.uniform(0, 1, (count, 1)) * np.ones((1, steps)))


def _moving(canvases: list[Canvas], blur: float, motion: Motion, times: list[float]) -> Layer:
    """Return painted frames as a layer with its flow, out of focus by so many heights."""
    layer = focus(finish(canvases), blur * canvases[0].size[0])
    flow, valid = motion.flow(layer.alpha, times)
    return Layer(layer.colour, layer.alpha, flow, valid)
