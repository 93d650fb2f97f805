"""Procedural subjects with exactly known alpha and straight colour: a body with strands that sway."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from mattekit.ops.extend import extend_colour

Floats = NDArray[np.float64]
_SUPERSAMPLE = 3
_SEGMENTS = 10


@dataclass(frozen=True)
class HairySubject:
    """A body of ellipses covered with strands; lengths are in units of the picture's height.

    Attributes:
        blobs: (n, 5) centre x, y, radii, turn in radians.
        roots: (m, 2) where strands begin.
        angles: (m,) direction of growth.
        lengths: (m,) length of each strand.
        curls: (m,) turn over the strand in radians.
        widths: (m,) width at the root.
        colours: (m, 3) in [0, 255].
        phases: (m,) phase of the sway.
        body_colours: (2, 3) shading of the body from top to bottom.
    """

    blobs: Floats
    roots: Floats
    angles: Floats
    lengths: Floats
    curls: Floats
    widths: Floats
    colours: Floats
    phases: Floats
    body_colours: Floats

    def draw(self, size: tuple[int, int], *, time: float = 0.0, shift: tuple[float, float] = (0, 0)) -> Tensor:
        """Return straight colour and alpha, (4, H, W) in [0, 1].

        Args:
            size: (height, width) in px.
            time: In seconds; moves the sway of the strands.
            shift: (x, y) of the subject, in heights.
        """
        height, width = (side * _SUPERSAMPLE for side in size)
        canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        pen = ImageDraw.Draw(canvas)
        offset = np.asarray(shift) + np.array((width / height / 2, 0.5))
        self._draw_body(pen, height, offset)
        self._draw_strands(pen, height, offset, time)
        return _straight(canvas, size)

    def _draw_body(self, pen: ImageDraw.ImageDraw, height: int, offset: Floats) -> None:
        turn = np.linspace(0, 2 * np.pi, 64)
        top, bottom = self.body_colours
        for step, shrink in enumerate(np.linspace(1, 0.15, 12)):
            shade = top + (bottom - top) * step / 11
            for x, y, wide, tall, tilt in self.blobs:
                u, v = wide * shrink * np.cos(turn), tall * shrink * np.sin(turn)
                points = np.stack((x + u * np.cos(tilt) - v * np.sin(tilt), y + u * np.sin(tilt) + v * np.cos(tilt)), 1)
                pen.polygon([tuple(p) for p in (points + offset) * height], fill=_ink(shade))

    def _draw_strands(self, pen: ImageDraw.ImageDraw, height: int, offset: Floats, time: float) -> None:
        along = np.linspace(0, 1, _SEGMENTS + 1)
        sway = 0.35 * np.sin(2.2 * time + self.phases)
        bend = self.angles[:, None] + (self.curls + sway)[:, None] * along[None] ** 1.5
        steps = (self.lengths / _SEGMENTS)[:, None]
        points = np.zeros((len(self.roots), _SEGMENTS + 1, 2))
        points[:, 1:, 0] = np.cumsum(steps * np.cos(bend[:, :-1]), axis=1)
        points[:, 1:, 1] = np.cumsum(steps * np.sin(bend[:, :-1]), axis=1)
        points = (points + self.roots[:, None] + offset) * height
        for strand, colour, wide in zip(points, self.colours, self.widths * height, strict=True):
            for part in range(_SEGMENTS):
                line = (*strand[part], *strand[part + 1])
                taper = max(1, round(wide * (1 - 0.8 * part / _SEGMENTS)))
                pen.line(line, fill=_ink(colour * (0.8 + 0.03 * part)), width=taper)


def hairy_subject(
    random: np.random.Generator, *, strands: int = 1800, fineness: float = 1.0, palette: int = 1
) -> HairySubject:
    """Draw a subject at random.

    Args:
        random: Where the randomness comes from.
        strands: Number of hairs.
        fineness: Divides the width of the hairs.
        palette: Colours among the hairs; more than one for yarn and plush, whose own contrasts exceed that of the edge.
    """
    count = int(random.integers(1, 4))
    blobs = np.stack(
        (
            random.uniform(-0.12, 0.12, count),
            random.uniform(-0.1, 0.15, count),
            random.uniform(0.1, 0.24, count),
            random.uniform(0.1, 0.26, count),
            random.uniform(-0.6, 0.6, count),
        ),
        axis=1,
    )
    home = random.integers(0, count, strands)
    angle = random.uniform(-np.pi, np.pi, strands)
    depth = np.sqrt(random.uniform(0.2, 1.02, strands))
    u, v = blobs[home, 2] * depth * np.cos(angle), blobs[home, 3] * depth * np.sin(angle)
    tilt = blobs[home, 4]
    roots = blobs[home, :2] + np.stack(
        (u * np.cos(tilt) - v * np.sin(tilt), u * np.sin(tilt) + v * np.cos(tilt)), axis=1
    )
    clumps = random.uniform(-0.7, 0.7, 24)[((angle + np.pi) / (2 * np.pi) * 23.99).astype(int)]
    base = random.uniform(20, 235, 3)
    bright = random.normal(1, random.uniform(0.08, 0.3), (strands, 1))
    subject = HairySubject(
        blobs,
        roots,
        angle + tilt + clumps + random.normal(0, 0.25, strands),
        random.uniform(0.05, 0.28) * random.lognormal(0, 0.3, strands).clip(0.3, 2),
        random.normal(0, random.uniform(0.2, 1.6)) + random.normal(0, 0.4, strands),
        random.uniform(0.0008, 0.0022) * random.uniform(0.5, 1.3, strands) / fineness,
        np.clip(base * bright + random.normal(0, 8, (strands, 3)), 0, 255),
        random.uniform(0, 0.8) * random.normal(0, 1, strands) + angle,
        np.clip(base * random.uniform(0.6, 1.1, (2, 1)) + random.normal(0, 10, (2, 3)), 0, 255),
    )
    if palette < 2:
        return subject
    skeins = random.uniform(0, palette, 60).astype(int) if random.uniform() < 0.5 else np.arange(60) % palette
    hues = random.uniform(15, 240, (palette, 3))[skeins[((angle + np.pi) / (2 * np.pi) * 59.99).astype(int)]]
    return replace(subject, colours=np.clip(hues * bright, 0, 255))


def veil(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Draw a translucent cloud, (4, H, W) straight colour and alpha in [0, 1]."""
    height, width = size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    body = np.clip(1.3 - 1.6 * np.hypot(x / random.uniform(0.7, 1.1), y / random.uniform(0.7, 1.1)), 0, 1)
    texture = _clouds(random, size, octaves=6)
    alpha = np.clip(body * random.uniform(0.6, 1.2) * (0.3 + 1.4 * texture) - 0.12, 0, 1) ** random.uniform(0.7, 1.5)
    base = random.uniform(0.1, 1, 3)[:, None, None]
    colour = np.clip(base * (0.7 + 0.6 * _clouds(random, size, octaves=4)), 0, 1)
    return torch.from_numpy(np.concatenate((colour, alpha[None]))).float()


def lace(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Draw a net of threads with a solid rim, (4, H, W) straight colour and alpha in [0, 1]."""
    height, width = (side * _SUPERSAMPLE for side in size)
    canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    pitch, thread = random.uniform(0.02, 0.07) * height, max(1, round(random.uniform(0.002, 0.008) * height))
    tint = random.uniform(30, 255, 3)
    for diagonal in (1, -1):
        for start in np.arange(-width, 2 * width, pitch):
            y = np.linspace(0, height, 24)
            x = start + diagonal * y * random.uniform(0.5, 0.8) + pitch * 0.3 * np.sin(y / pitch)
            pen.line([*zip(x, y, strict=True)], fill=_ink(tint * random.uniform(0.75, 1)), width=thread)
    hole = Image.new("L", (width, height), 0)
    box = [width * 0.15, height * 0.12, width * 0.85, height * 0.88]
    shape = ImageDraw.Draw(hole)
    shape.ellipse(box, fill=255)
    pen.ellipse(box, outline=_ink(tint * 0.8), width=3 * thread + 4)
    canvas.putalpha(Image.fromarray(np.minimum(np.asarray(canvas.getchannel("A")), np.asarray(hole))))
    return _straight(canvas, size)


def texture(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Draw a cloudy background, (3, H, W) in [0, 1]."""
    colours = random.uniform(0, 1, (2, 3))[:, :, None, None]
    mix = np.clip(1.6 * _clouds(random, size, octaves=int(random.integers(2, 8))) - 0.3, 0, 1)[None]
    return torch.from_numpy(colours[0] * mix + colours[1] * (1 - mix)).float()


def render_demo(
    *, frames: int = 48, size: tuple[int, int] = (288, 512), seed: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Render a short clip of a hairy subject that walks and sways over a moving background.

    Args:
        frames: Length of the clip.
        size: (height, width) in px.
        seed: Chooses subject and background.

    Returns:
        Frames (T, 3, H, W), true alpha (T, 1, H, W) and true straight foreground (T, 3, H, W), in [0, 1].
    """
    random = np.random.default_rng(seed)
    subject = hairy_subject(random, strands=2600, fineness=1.2)
    height, width = size
    wide = _scene(random, (height + 40, width + 2 * frames + 40))
    composites, alphas, colours = [], [], []
    for index in range(frames):
        time = index / 24
        shift = (0.22 * np.sin(0.9 * time), 0.06 * np.sin(1.7 * time))
        layer = subject.draw(size, time=time, shift=shift)
        left, top = 2 * index, 20 + round(12 * np.sin(0.8 * time))
        background = wide[:, top : top + height, left : left + width]
        colour, alpha = layer[:3], layer[3:]
        composites.append(alpha * colour + (1 - alpha) * background)
        alphas.append(alpha)
        colours.append(colour)
    return torch.stack(composites), torch.stack(alphas), torch.stack(colours)


def _scene(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Return a background (3, H, W): sky, hills and blurred lights over cloudy texture."""
    height, width = size
    y = np.linspace(0, 1, height)[None, :, None]
    sky = np.array([0.55, 0.68, 0.85])[:, None, None] * (1 - 0.4 * y) + 0.12 * _clouds(random, size, octaves=6)
    scene = np.broadcast_to(sky, (3, height, width)).copy()
    x = np.arange(width)
    for depth, tint in ((0.45, (0.36, 0.45, 0.35)), (0.62, (0.26, 0.36, 0.2)), (0.8, (0.4, 0.33, 0.24))):
        ridge = np.full(width, depth)
        for wave in (1, 2, 3, 7):
            ridge += 0.05 / wave * np.sin(x * wave * 2 * np.pi / 400 + random.uniform(0, 6))
        below = y[0] > ridge[None]
        shade = np.array(tint)[:, None, None] * (0.6 + 0.8 * _clouds(random, size, octaves=7))
        scene = np.where(below[None], shade, scene)
    return torch.from_numpy(np.clip(scene, 0, 1)).float()


def _clouds(random: np.random.Generator, size: tuple[int, int], *, octaves: int) -> Floats:
    """Return smooth noise in [0, 1], (H, W): random grids of growing fineness, summed."""
    total = np.zeros(size)
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        grid = random.uniform(0, 1, (min(cells, size[0]) + 1, min(cells, size[1]) + 1)).astype(np.float32)
        smooth = Image.fromarray(grid).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        total += np.asarray(smooth) / 2**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-9))


def _ink(colour: Floats) -> tuple[int, int, int, int]:
    r, g, b = (int(min(max(value, 0), 255)) for value in colour)
    return r, g, b, 255


def _straight(canvas: Image.Image, size: tuple[int, int]) -> Tensor:
    """Return a supersampled RGBA picture at its size as straight colour and alpha, colour extended where alpha is 0."""
    layer = torch.from_numpy(np.array(canvas)).permute(2, 0, 1)[None].float() / 255
    cover = layer[:, 3:]
    premultiplied = torch.nn.functional.avg_pool2d(torch.cat((layer[:, :3] * cover, cover), dim=1), _SUPERSAMPLE)
    alpha = premultiplied[:, 3:]
    colour = extend_colour(premultiplied[:, :3] / alpha.clamp_min(1e-3), (alpha > 1e-3).float())
    return torch.cat((colour.clamp(0, 1), alpha), dim=1)[0, :, : size[0], : size[1]]
