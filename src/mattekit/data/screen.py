"""The coloured screen behind a subject: its colour over the frame, found once a clip, followed from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.ops import extend_colour, gaussian_blur

GREEN, BLUE = 1, 2
SAMPLED = 480
"""Long side in px of the picture that the screen is fitted on."""

CELLS = 48
"""Cells along the long side."""

LEAST = 0.15
"""How far a screen's own channel stands above the others."""

ROUNDS = ((0.5, 0.08), (0.35, 0.06), (0.25, 0.03), (0.2, 0.02), (0.15, 0.01), (0.12, 0.006), (0.1, 0.006))
"""Round by round, how far a pixel's brightness and its tint may stray from the screen's present estimate."""

MEMORY = 0.9
"""Share of the past in what is known of a cell, a frame."""


@dataclass(frozen=True)
class Screen:
    """A screen's colour as a smooth picture of a few cells.

    Attributes:
        primary: The channel that stands out: 0 red, 1 green, 2 blue.
        cells: (3, h, w) colour in [0, 1] at the cells' middles.
        size: (height, width) in px of the area that the cells span; at least the frame's.
        noise: Standard deviation of the grain in a channel.
    """

    primary: int
    cells: Tensor
    size: tuple[int, int]
    noise: float

    def at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the colour (3, N) at pixels given by row (N,) and column (N,)."""
        return sample(self.cells, rows, columns, self.size)

    def picture(self, size: tuple[int, int], *, step: int = 1) -> Tensor:
        """Return the colour (3, height, width) at every pixel, or at every ``step``-th in both directions."""
        return spread(self.cells, self.size, size, step=step)


def spread(cells: Tensor, span: tuple[int, int], size: tuple[int, int], *, step: int = 1) -> Tensor:
    """Return values (C, height, width) between the middles of cells (C, h, w) that span an area of at least that size.

    With a step, height and width count every ``step``-th pixel; that these are not quite the middles of their
    squares does not matter to what is smooth.
    """
    whole = (-(-span[0] // step), -(-span[1] // step))
    wide = functional.interpolate(cells[None], size=whole, mode="bilinear", align_corners=False)[0]
    return wide[:, : size[0], : size[1]]


def sample(cells: Tensor, rows: Tensor, columns: Tensor, span: tuple[int, int]) -> Tensor:
    """Return values (C, N) between the middles of cells (C, h, w) that span (height, width) px."""
    spots = torch.stack(((2 * columns + 1) / span[1] - 1, (2 * rows + 1) / span[0] - 1), dim=-1).to(cells.dtype)
    found = functional.grid_sample(
        cells[None], spots[None, None], mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[0, :, 0]


def excess(picture: Tensor, primary: int) -> Tensor:
    """Return by how much one channel exceeds the larger of the other two, (..., 1, H, W) of (..., 3, H, W)."""
    first, second = ((primary + step) % 3 for step in (1, 2))
    own, one, other = (picture[..., channel : channel + 1, :, :] for channel in (primary, first, second))
    return own - torch.maximum(one, other)


def find_screen(frames: Tensor, screen: str | tuple[int, int, int] = "auto") -> Screen:
    """Find the screen in a few frames of a clip.

    The screen's typical colour is the mode of the pixels whose own channel stands out. Its course over the frame is a
    surface of second order, and on it the brightness of each cell where the tint stays the same: light falls unevenly
    on a screen, but what has another tint is haze or an edge before it.

    Args:
        frames: (T, 3, H, W) in [0, 1]; a few, from anywhere in the clip.
        screen: ``"green"``, ``"blue"``, ``"auto"`` for that of the two which covers more, or (red, green, blue) in 0
            to 255 of a pixel of the screen.

    Raises:
        InputError: The frames show no such screen, or the colour given is too grey to tell from a subject.
    """
    check_rank("frames", frames, "T 3 H W")
    step = max(1, round(max(frames.shape[-2:]) / SAMPLED))
    small = frames[..., ::step, ::step]
    typical, primary = _typical_colour(small, screen)
    side = max(2, max(small.shape[-2:]) // CELLS)
    noise = _grain(small, typical)
    cells = _fit(small, typical, primary, side=side, noise=noise)
    span = (cells.shape[-2] * side * step, cells.shape[-1] * side * step)
    found = Screen(primary, cells, span, noise)
    strayed = (small - found.picture((small.shape[-2], small.shape[-1]), step=step)).abs().amax(1)
    near = strayed[strayed < 0.1]
    return replace(found, noise=min(1.5 * noise + 0.002, 1.4826 * float(near.median()))) if near.numel() else found


def follow_screen(screen: Screen, frame: Tensor) -> Screen:
    """Return the screen as a further frame shows it: its light at once, its course over the frame slowly.

    Args:
        screen: As it was known.
        frame: (3, H, W) in [0, 1].
    """
    step = max(1, round(max(frame.shape[-2:]) / (SAMPLED / 2)))
    small = frame[None, :, ::step, ::step]
    known = screen.picture((small.shape[-2], small.shape[-1]), step=step)[None]
    seen = _like(small, known, stray=0.1, tint=max(0.008, 3.5 * screen.noise))
    if float(seen.mean()) < 0.002:
        return screen
    dim = 0.01 * seen.sum()  # a channel that the screen has nothing of keeps its light
    light = ((small * seen).sum((0, 2, 3)) + dim) / ((known * seen).sum((0, 2, 3)) + dim)
    cells = screen.cells * light[:, None, None]
    height, width = screen.cells.shape[-2:]
    share = functional.adaptive_avg_pool2d(seen, (height, width))
    own = functional.adaptive_avg_pool2d((small - known * light[:, None, None]) * seen, (height, width))
    change = extend_colour(own / share.clamp_min(1e-6), (share > 0.5).to(own.dtype)) if bool((share > 0.5).any()) else 0
    return replace(screen, cells=(cells + (1 - MEMORY) * gaussian_blur(torch.as_tensor(change), 1.0)[0]).clamp(0, 1))


def _typical_colour(small: Tensor, screen: str | tuple[int, int, int]) -> tuple[Tensor, int]:
    """Return the mode of the screen's pixels, (3,), and its own channel."""
    if isinstance(screen, tuple):
        wanted = torch.tensor(screen, dtype=small.dtype, device=small.device) / 255
        primary = int(wanted.argmax())
        if float(excess(wanted[:, None, None], primary)) < LEAST:
            raise InputError(
                f"a screen's colour must have one channel {LEAST * 255:.0f} above the others; "
                f"got {', '.join(map(str, screen))}"
            )
        return wanted, primary
    shares = {channel: float((excess(small, channel) > LEAST).float().mean()) for channel in (GREEN, BLUE)}
    primary = {"green": GREEN, "blue": BLUE}.get(screen) or max(shares, key=lambda channel: shares[channel])
    if shares[primary] < 0.005:
        what = "a green or blue" if screen == "auto" else f"a {screen}"
        raise InputError(
            f"the clip must show {what} screen; {100 * shares[primary]:.1f} % of its first frames are of that colour; "
            "name the screen's colour as #rrggbb"
        )
    own = excess(small, primary).flatten()
    strong = own > 0.6 * own[:: max(1, own.numel() // 200_000)].quantile(0.98)
    pixels = small.movedim(1, 0).flatten(1)[:, strong]
    colour = pixels.median(dim=1).values
    for radius in (0.25, 0.15, 0.08, 0.05, 0.03):
        near = pixels[:, (pixels - colour[:, None]).abs().amax(0) < radius]
        colour = near.mean(dim=1) if near.shape[1] >= 16 else colour
    return colour, primary


def _grain(small: Tensor, typical: Tensor) -> float:
    """Return the standard deviation of neighbouring screen pixels from one another."""
    near = ((small - typical[:, None, None]).abs().amax(1, keepdim=True) < 0.2)[..., 1:].expand_as(small[..., 1:])
    steps = (small[..., 1:] - small[..., :-1])[near].abs() / 2**0.5
    if not steps.numel():
        return 0.01
    return min(max(1.4826 * float(steps.median()), float(steps.mean())), 0.02)


def _like(small: Tensor, known: Tensor, *, stray: float, tint: float) -> Tensor:
    """Return (T, 1, h, w), 1 where a pixel has the screen's tint, at most ``stray`` brighter or darker."""
    light = (small * known).sum(1, keepdim=True) / known.square().sum(1, keepdim=True).clamp_min(1e-6)
    rest = (small - light * known).square().sum(1, keepdim=True).sqrt()
    return (((light - 1).abs() < stray) & (rest < tint)).to(small.dtype)


def _fit(small: Tensor, typical: Tensor, primary: int, *, side: int, noise: float) -> Tensor:
    """Return cells (3, h, w): a surface of second order through the sure cells, times each one's own brightness."""
    known = typical[None, :, None, None].expand(1, 3, *small.shape[-2:])
    cells = _pool(known, side)[0]
    terms = _terms(cells.shape[-2], cells.shape[-1]).to(small)
    for stray, tint in ROUNDS:
        sure = _like(small, known, stray=stray, tint=max(tint, 4 * noise))
        share = _pool(sure.mean(0, keepdim=True), side)
        mean = _pool((small * sure).mean(0, keepdim=True), side) / share.clamp_min(1e-6)
        weight = share * (share > 0.5 / len(small))
        if float((weight > 0).sum()) < 6:
            break
        smooth = _surface(mean[0], weight[0, 0], terms, primary, scale=max(0.006, 0.5 * noise))[None]
        light = (mean * smooth).sum(1, keepdim=True) / smooth.square().sum(1, keepdim=True).clamp_min(1e-6)
        rest = (mean - light * smooth).square().sum(1, keepdim=True).sqrt()
        good = (weight > 0) & (rest < max(0.003, noise)) & ((light - 1).abs() < 0.4)
        if bool(good.any()):
            smooth = smooth * gaussian_blur(extend_colour(light, good.to(light.dtype)), 0.7)
        cells = smooth[0].clamp(0, 1)
        span = (cells.shape[-2] * side, cells.shape[-1] * side)
        known = functional.interpolate(cells[None], size=span, mode="bilinear", align_corners=False)
        known = known[..., : small.shape[-2], : small.shape[-1]]
    return cells


def _surface(mean: Tensor, weight: Tensor, terms: Tensor, primary: int, *, scale: float) -> Tensor:
    """Fit (3, h, w) cell colours by second order; cells that stray count less, and half as much below the surface.

    What dulls a screen's own channel is mostly something before it.
    """
    colours, weights = mean.flatten(1).T, weight.flatten()
    ridge = 1e-3 * weights.sum() * torch.tensor([0.0, 0.3, 0.3, 1.0, 1.0, 1.0]).to(terms)
    trusted, fitted = weights, colours
    for _ in range(6):
        weighted = (terms * trusted[:, None]).T
        fitted = terms @ torch.linalg.solve(
            weighted @ terms + ridge.diag() + 1e-6 * torch.eye(6).to(terms), weighted @ colours
        )
        strayed = colours - fitted
        duller = excess(strayed.T[:, :, None], primary).flatten() < 0
        trusted = weights / (1 + strayed.square().sum(1) / (3 * scale) ** 2) * torch.where(duller, 0.5, 1.0)
    return fitted.T.reshape(mean.shape)


def _terms(height: int, width: int) -> Tensor:
    """Return (h * w, 6): 1, x, y, xy, x^2 and y^2 over the cells."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack((torch.ones_like(x), x, y, x * y, x * x - 1 / 3, y * y - 1 / 3), dim=-1).reshape(-1, 6)


def _pool(x: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(x, side, ceil_mode=True, count_include_pad=False)
