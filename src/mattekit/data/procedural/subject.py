"""A body of ellipses with strands that sway, painted at three times the size: the subject of the demo."""

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
    return subject if palette < 2 else _dyed(random, subject, palette, angle, bright)


def _dyed(
    random: np.random.Generator, subject: HairySubject, palette: int, angle: Floats, bright: Floats
) -> HairySubject:
    """Return a subject whose hairs have several colours by the direction in which they grow."""
    skeins = random.uniform(0, palette, 60).astype(int) if random.uniform() < 0.5 else np.arange(60) % palette
    hues = random.uniform(15, 240, (palette, 3))[skeins[((angle + np.pi) / (2 * np.pi) * 59.99).astype(int)]]
    return replace(subject, colours=np.clip(hues * bright, 0, 255))


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
