"""Colour of a surface at any place on it: plain, cloudy, patterned, or taken from a picture."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mattekit.checks import check_rank
from mattekit.data.procedural.noise import Noise

Floats = NDArray[np.floating[Any]]
PLAIN = ("plain", "clouds")
PATTERNED = ("stripes", "checks", "patches", "dots", "rings")
HAIR = (
    *((0.07, 0.05, 0.05), (0.13, 0.09, 0.07), (0.24, 0.15, 0.1), (0.38, 0.25, 0.15), (0.55, 0.4, 0.24)),
    *((0.78, 0.62, 0.4), (0.86, 0.76, 0.58), (0.5, 0.22, 0.1), (0.62, 0.6, 0.58), (0.9, 0.89, 0.87)),
)
"""Colours of hair and fur: black, browns, blonds, red, grey, white."""
FLESH = ((0.95, 0.8, 0.7), (0.88, 0.68, 0.55), (0.75, 0.53, 0.4), (0.55, 0.37, 0.27), (0.36, 0.23, 0.17))


class Skin:
    """Colour as a function of place.

    Args:
        random: Where the randomness comes from.
        kinds: Patterns to choose from, of `PLAIN` and `PATTERNED`.
        palette: (K, 3) colours to use; drawn at random if not given.
        texture: (3, H, W) picture in [0, 1] that takes the pattern's place, or None.
    """

    def __init__(
        self,
        random: np.random.Generator,
        *,
        kinds: tuple[str, ...] = PLAIN + PATTERNED,
        palette: Floats | None = None,
        texture: Tensor | None = None,
    ) -> None:
        if texture is not None:
            check_rank("texture", texture, "3 H W")
        self.kind = str(random.choice(kinds))
        if palette is None:
            palette = np.stack([random_colour(random) for _ in range(int(random.integers(2, 5)))])
        self.palette = np.asarray(palette, dtype=np.float32)
        turn = random.uniform(0, np.pi)
        self._axes = np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))), dtype=np.float32)
        self._often = random.uniform(4, 22)
        self._soft = random.uniform(0.05, 0.3)
        self._noise = Noise(random, scale=random.uniform(0.15, 0.5))
        self._grain = Noise(random, scale=0.04, slope=0.6)
        self._wobble, self._rough = random.uniform(0, 0.8), random.uniform(0.02, 0.09)
        self._texture = texture
        self._zoom, self._shift = random.uniform(0.8, 2.0), random.uniform(-0.6, 0.6, 2)

    def at(self, places: Floats) -> Floats:
        """Return colours (..., 3) in [0, 1] at places (..., 2) in heights."""
        if self._texture is not None:
            return self._picture(places @ self._axes.T * self._zoom + self._shift)
        places = np.asarray(places, dtype=np.float32)
        noise = self._noise.at(places)
        s = (places @ self._axes.T) * self._often
        if self.kind in ("plain", "clouds"):
            share = 0.5 + (0.1 if self.kind == "plain" else 0.35) * noise
            colour = _mix(self.palette[0], self.palette[1 % len(self.palette)], np.clip(share, 0, 1))
        elif self.kind == "stripes":
            colour = self._cycle(s[..., 0] + self._wobble * noise)
        elif self.kind == "rings":
            colour = self._cycle(np.hypot(s[..., 0], s[..., 1]) + self._wobble * noise)
        elif self.kind == "patches":
            colour = self._cycle(1.2 * noise + 40)
        elif self.kind == "checks":
            colour = self._cycle(np.floor(s[..., 0]) + self._tread(s[..., 1]) + 0.5)
        else:
            away = np.hypot(*(np.moveaxis(s, -1, 0) / 2 % 1 - 0.5))
            colour = _mix(self.palette[0], self.palette[-1], np.clip((0.3 - away) / 0.06 + 0.5, 0, 1))
        return np.clip(colour * (1 + self._rough * self._grain.at(places))[..., None], 0, 1)

    def planes(self, places: Floats) -> Floats:
        """Return colours (3, H, W) float32 at places (H, W, 2)."""
        return np.ascontiguousarray(np.moveaxis(self.at(places), -1, 0), dtype=np.float32)

    def _tread(self, value: Floats) -> Floats:
        """Return the whole part with steps as soft as those between colours."""
        whole = np.floor(value)
        step: Floats = whole + np.clip((value - whole - 1) / self._soft + 1, 0, 1)
        return step

    def _cycle(self, value: Floats) -> Floats:
        """Return palette colours in turn, one a unit, with soft steps between."""
        value = self._tread(value)
        whole = np.floor(value)
        index = whole.astype(int) % len(self.palette)
        return _mix(self.palette[index], self.palette[(index + 1) % len(self.palette)], value - whole)

    def _picture(self, places: Floats) -> Floats:
        """Return the texture's colours, mirrored beyond its border."""
        texture = self._texture
        if texture is None:
            return np.zeros((*places.shape[:-1], 3))
        height, width = texture.shape[-2:]
        grid = places * 2 * np.array((height / width, 1.0) if width > height else (1.0, width / height))
        picture = functional.grid_sample(
            texture[None].float(),
            torch.from_numpy(grid.reshape(1, 1, -1, 2)).float(),
            mode="bilinear",
            padding_mode="reflection",
            align_corners=False,
        )
        return np.asarray(picture[0, :, 0].T.reshape(*places.shape[:-1], 3).clamp(0, 1).numpy())


def random_colour(random: np.random.Generator) -> Floats:
    """Return a colour (3,) in [0, 1]: muted as often as vivid, dark as often as light."""
    vivid, value = random.uniform(0, 1) ** 1.5, random.uniform(0.12, 1)
    return np.array(colorsys.hsv_to_rgb(random.uniform(), vivid, value))


def hair_colours(random: np.random.Generator, *, natural: float = 0.85) -> Floats:
    """Return the colours (2, 3) of hair at the root and at the tip."""
    if random.uniform() > natural:
        base = random_colour(random)
    else:
        base = np.array(HAIR[int(random.integers(len(HAIR)))]) * random.uniform(0.8, 1.2)
    tip = base * random.uniform(0.85, 1.5) if random.uniform() < 0.85 else random_colour(random)
    return np.clip(np.stack((base, tip)), 0, 1)


def _mix(one: Floats, other: Floats, share: Floats) -> Floats:
    mixed: Floats = one + (other - one) * share[..., None]
    return mixed
