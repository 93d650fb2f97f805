"""Alpha and straight, despilled foreground colour of a subject before a coloured screen."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.data.key_settings import KeySettings, finish
from mattekit.data.screen import Screen, excess, follow_screen, sample, spread
from mattekit.data.unmix import Mixtures, despilled, estimate_alpha, estimate_colour, explained
from mattekit.ops import dilate, erode, extend_colour, gaussian_blur

BLOCK = 4
"""Side in px of the blocks that are told screen from not, and that the subject's colour is kept for."""

WIDE_BLOCK = 16
"""Side in px of the blocks that are told enclosed from not; a multiple of the other."""

OPAQUE = 0.07
"""A pixel with less than this share of the screen's excess, and all its neighbours, are taken for opaque."""

SIGNS = 2.0
"""Standard deviations of grain by which a block's mean must differ from the screen's."""

DEPTH = 1000
"""A part is deep inside from about so many blocks of margin as this goes into the long side, at least one."""

NEUTRAL = 0.6
"""The grey that is expected of a subject where nothing opaque is near."""

REACH = 40
"""A part is enclosed when no screen is seen within this fraction of the long side."""


class Keyer:
    """Keys a clip frame by frame, as a matter that needs no trimap.

    Only the screen is carried from frame to frame, so memory does not grow and chunks change nothing.

    Args:
        screen: From :func:`mattekit.data.screen.find_screen`.
        settings: What the user turned.
        garbage: (1, H, W) in [0, 1], or None: 1 is never subject.
        core: (1, H, W) in [0, 1], or None: 1 is always subject.
        colour: Whether the foreground is wanted.
    """

    needs_trimap = False
    context = 0

    def __init__(
        self,
        screen: Screen,
        settings: KeySettings,
        *,
        garbage: Tensor | None = None,
        core: Tensor | None = None,
        colour: bool = True,
    ) -> None:
        self.screen, self.settings, self.colour = screen, settings, colour
        self.garbage, self.core = garbage, core

    def step(
        self, frames: Tensor, trimap: Tensor | None = None, state: Screen | None = None
    ) -> tuple[Tensor, Tensor | None, Screen | None]:
        """Return alpha (T, 1, H, W), foreground (T, 3, H, W) and the screen as last seen, for frames (T, 3, H, W)."""
        check_rank("frames", frames, "T 3 H W")
        screen = self.screen if state is None else state
        alphas, foregrounds = [frames[:0, :1]], [frames[:0]]
        for frame in frames:
            screen = follow_screen(screen, frame)
            alpha, foreground = key_frame(
                frame, screen, self.settings, garbage=self.garbage, core=self.core, colour=self.colour
            )
            alphas.append(alpha[None])
            if foreground is not None:
                foregrounds.append(foreground[None])
        return _joined(alphas), _joined(foregrounds) if self.colour else None, screen


def _joined(parts: list[Tensor]) -> Tensor:
    """Return parts (T, C, H, W) one after the other; of an empty first and one more, that one itself."""
    return parts[1] if len(parts) == 2 else torch.cat(parts)


def key_frame(
    frame: Tensor,
    screen: Screen,
    settings: KeySettings | None = None,
    *,
    garbage: Tensor | None = None,
    core: Tensor | None = None,
    colour: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """Key one frame.

    A colour-difference key finds what is surely screen and what is surely opaque. Between the two a pixel is taken
    for a mixture of the screen's colour there and of the colour of opaque parts nearby, which may be lighter, darker
    or greyer than expected; alpha is the linear estimate that errs least under that expectation.

    Args:
        frame: (3, H, W) in [0, 1].
        screen: As it is in this frame.
        settings: What the user turned; None for the defaults.
        garbage: (1, H, W) in [0, 1], or None: 1 is never subject.
        core: (1, H, W) in [0, 1], or None: 1 is always subject.
        colour: Whether the foreground is wanted.

    Returns:
        alpha (1, H, W) in [0, 1] and foreground (3, H, W), straight colour in [0, 1], continued smoothly where alpha
        is 0; None where it is not wanted.

    Raises:
        InputError: The sizes differ.
    """
    check_rank("frame", frame, "3 H W")
    settings = settings or KeySettings()
    for name, mask in (("garbage", garbage), ("core", core)):
        if mask is not None:
            check_same_size("frame", frame, name, mask)
    share = _screen_share(frame, screen, garbage, core)
    means = _pool(share)
    opaque = _erode_once(share[0] < OPAQUE)
    near, deep, inside = _subject_colours(frame, opaque)
    unsure = _grow(_evidence(means, screen) & ~inside, share.shape[-2:])
    rows, columns = unsure.nonzero(as_tuple=True)
    seen, behind = frame[:, rows, columns], screen.at(rows, columns)
    sides = ((near, BLOCK), (deep, 2 * BLOCK))
    nearby, inner = (sample(layer, rows, columns, _span(layer, side)) for layer, side in sides)
    mixtures = Mixtures(seen, behind, nearby[:3], nearby[3:])
    deeper = Mixtures(seen, behind, inner[:3], inner[3:])
    values, noise = estimate_alpha(mixtures, screen.noise)
    values = torch.where(opaque[rows, columns], 1.0, values)
    other, _ = estimate_alpha(deeper, screen.noise)
    values = torch.lerp(values, other, explained(deeper, other, screen.noise))
    enclosed = _enclosed(means)
    filled = sample(enclosed, rows, columns, _span(enclosed, WIDE_BLOCK))
    alpha = opaque[None].to(frame.dtype)
    alpha[0, rows, columns] = torch.lerp(values, torch.ones_like(values), filled)[0].clamp(0, 1)
    alpha[0, rows, columns] = _without_grain(alpha, noise, rows, columns)
    alpha = finish(alpha, settings, garbage, core)
    if not colour:
        return alpha, None
    foreground = _colours(frame, near, alpha)
    foreground[:, rows, columns] = estimate_colour(mixtures, alpha[:, rows, columns], screen.noise)
    foreground[screen.primary] = despilled(foreground, screen.primary, settings.despill)[0]
    return alpha, foreground


def _screen_share(frame: Tensor, screen: Screen, garbage: Tensor | None, core: Tensor | None) -> Tensor:
    """Return (1, H, W): the excess of the screen's channel over the others, 1 where it is that of the screen."""
    own = excess(screen.cells, screen.primary).clamp_min(0.02)
    share = excess(frame, screen.primary) / spread(own, screen.size, (frame.shape[-2], frame.shape[-1]))
    if core is not None:
        share = share * (1 - core)
    return share if garbage is None else torch.lerp(share, torch.ones_like(share), garbage)


def _erode_once(mask: Tensor) -> Tensor:
    """Return a mask (H, W) without the pixels at its edge; the picture's border is none."""
    kept = mask.clone()
    kept[1:] &= mask[:-1]
    kept[:-1] &= mask[1:]
    rows = kept.clone()
    kept[:, 1:] &= rows[:, :-1]
    kept[:, :-1] &= rows[:, 1:]
    return kept


def _pool(x: Tensor) -> Tensor:
    """Return the means (C, h, w) of blocks; those at the far border of what there is of them."""
    return functional.avg_pool2d(x[None], BLOCK, ceil_mode=True, count_include_pad=False)[0]


def _span(blocks: Tensor, side: int) -> tuple[int, int]:
    """Return the (height, width) in px that blocks of a side cover."""
    return blocks.shape[-2] * side, blocks.shape[-1] * side


def _grow(blocks: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return a mask of blocks (h, w) at every pixel (H, W)."""
    rows = blocks.repeat_interleave(BLOCK, 0)[: size[0]]
    return rows.repeat_interleave(BLOCK, 1)[:, : size[1]]


def _evidence(means: Tensor, screen: Screen) -> Tensor:
    """Return (h, w), whether a block or a neighbour of it shows anything but screen.

    A block's mean tells a faint hair from grain that no single pixel would.
    """
    strength = float(excess(screen.cells, screen.primary).mean().clamp_min(0.02))
    least = max(0.006, SIGNS * screen.noise / strength)
    return dilate(((1 - means) > least).to(means.dtype), 1, element="square")[0] > 0


def _subject_colours(frame: Tensor, opaque: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the colour of opaque parts nearby and of those deep inside, and where that is.

    Returns:
        (4, h, w) by blocks and (4, h / 2, w / 2) by double blocks: colour, and how far it can be trusted, 0 to 1; and
        (h, w), which blocks are deep.
    """
    weight = opaque[None].to(frame.dtype)
    share = _pool(weight)
    mean = torch.cat([_pool(channel * weight) for channel in frame]) / share.clamp_min(1e-6)
    margin = max(1, round(max(frame.shape[-2:]) / DEPTH))
    deep = erode((share > 0.999).to(frame.dtype), margin, element="square")
    wide = functional.avg_pool2d(torch.cat((mean * deep, deep))[None], 2, ceil_mode=True, count_include_pad=False)[0]
    inner = _extended(wide[:3] / wide[3:].clamp_min(1e-6), wide[3:], 2.0)
    return _extended(mean, share, 4.0), inner, deep[0] > 0


def _extended(mean: Tensor, share: Tensor, reach: float) -> Tensor:
    colour = extend_colour(mean[None], (share > 0).to(mean.dtype)[None])[0]
    trust = gaussian_blur(share, reach)
    trust = trust / (trust + 0.02)
    return torch.cat((torch.lerp(torch.full_like(colour, NEUTRAL), colour, trust), trust))


def _enclosed(means: Tensor) -> Tensor:
    """Return (1, h, w), 1 by wide blocks where no screen is seen about, 0 where some is: holes there are filled."""
    most = functional.max_pool2d(means[None], WIDE_BLOCK // BLOCK, ceil_mode=True)[0]
    reach = max(1, math.ceil(max(means.shape[-2:]) * BLOCK / REACH / WIDE_BLOCK))
    return ((0.5 - dilate(most, reach)) / 0.2).clamp(0, 1)


def _without_grain(alpha: Tensor, noise: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return alpha (N,) of the chosen pixels, near 0 faded out where the mean of 3x3 px is no more than grain."""
    values = alpha[0, rows, columns]
    if float(noise.max() if noise.numel() else 0) < 0.004:
        return values
    padded = functional.pad(alpha[None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = padded[:, 2:] + padded[:, 1:-1] + padded[:, :-2]
    mean = (across[2:] + across[1:-1] + across[:-2])[rows, columns] / 9
    return values * (mean / (1.5 * noise[0]).clamp_min(1e-6) - 0.5).clamp(0, 1)


def _colours(frame: Tensor, subject: Tensor, alpha: Tensor) -> Tensor:
    """Return (3, H, W): the frame where alpha is not 0, the subject's continued colour where it is."""
    foreground, shown = torch.empty_like(frame), alpha[0] > 0
    for channel in range(3):  # one at a time stays in the cache
        wide = spread(subject[channel : channel + 1], _span(subject, BLOCK), (frame.shape[-2], frame.shape[-1]))
        torch.where(shown, frame[channel], wide[0], out=foreground[channel])
    return foreground
