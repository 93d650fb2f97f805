"""Clips made of a photo with alpha by smooth random flow: exact alpha, exact colour and exact forward flow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.data.flow import flow_between, seen_in_both
from mattekit.data.layer import Layer
from mattekit.ops.extend import extend_colour
from mattekit.ops.warp import pixel_grid

STEEPEST = 0.5
"""Largest slope of a displacement field; below 1 it folds nowhere, and at 1/2 each round halves the flow's error."""


@dataclass(frozen=True)
class Wobble:
    """How a photo is made to move; lengths are shares of the frame's short side.

    Attributes:
        cells: Control vectors along a side of each random field, coarse to fine.
        amplitudes: Standard deviation of each field.
        least: Each clip multiplies its fields by a draw between this and 1.
        leave: Probability that the subject moves half out of the frame and back.
        cover: Range of the share of the frame's height that the subject's box takes.
        jitter: Largest distance of the box's centre from the frame's, a share of each side.
    """

    cells: tuple[int, ...] = (2, 5, 12)
    amplitudes: tuple[float, ...] = (0.06, 0.02, 0.006)
    least: float = 0.3
    leave: float = 1 / 3
    cover: tuple[float, float] = (0.4, 1.0)
    jitter: float = 0.1


@dataclass(frozen=True)
class Body:
    """Where a photo shows something.

    Attributes:
        box: Left, top, right and bottom in px from the first pixel's outer corner.
        cut: Whether the photo's lower edge cuts it off.
    """

    box: tuple[float, float, float, float]
    cut: bool


@dataclass(frozen=True)
class Motion:
    """How a photo lies in the frames of a clip, and moves.

    Attributes:
        displacement: (T, 2, H, W) in px: frame t shows at p what would be at ``p + displacement[t](p)`` at rest.
        scale: Frame px a photo px.
        anchor: (x, y) in the frame of the middle of the photo's body at rest.
    """

    displacement: Tensor
    scale: float
    anchor: tuple[float, float]


def fake_motion(
    pixels: Tensor,
    generator: torch.Generator,
    *,
    length: int = 10,
    size: tuple[int, int] = (512, 512),
    wobble: Wobble | None = None,
    flow: bool = True,
) -> Layer:
    """Move a photo with alpha by smooth random flow at three scales, at times half out of the frame and back.

    Args:
        pixels: (4, H, W) straight colour and alpha in [0, 1]; colour where alpha is 0 is not looked at.
        generator: CPU generator; all randomness comes from it.
        length: Frames.
        size: (height, width) of the frames.
        wobble: How it moves; None takes the defaults.
        flow: Whether the flow is solved for, which is most of the work.

    Returns:
        A layer with exact flow, on the device of the pixels. The flow is within 1e-3 px of the solution.

    Raises:
        InputError: The shape is not right, nothing of the alpha is above 0.05, or there is no frame.

    Source:
        Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022. Three scales and
        the shift with probability 1/3 are theirs, the sizes of all draws are ours. The fields are scaled down where
        their slope exceeds 1/2, and the flow is iterated until it stands still instead of a fixed number of times.
    """
    check_rank("pixels", pixels, "4 H W")
    body = body_of(pixels[3])
    motion = draw_motion(body, generator, length=length, size=size, wobble=wobble)
    displacement = motion.displacement.to(pixels.device)
    colour, alpha = _sample(pixels, pixel_grid(size, like=displacement) + displacement, motion, body)
    if not flow:
        return Layer(colour, alpha)
    found, solved = motion_flow(displacement)
    return Layer(colour, alpha, found, solved * seen_in_both(found, alpha))


def draw_motion(
    body: Body,
    generator: torch.Generator,
    *,
    length: int = 10,
    size: tuple[int, int] = (512, 512),
    wobble: Wobble | None = None,
) -> Motion:
    """Draw how a photo moves; all that `fake_motion` leaves to chance.

    Arguments and errors are those of `fake_motion`, of which the photo's pixels are not needed.
    """
    if length < 1 or min(size) < 1:
        raise InputError(f"a clip must have frames and pixels; got {length} frames of {size[0]}x{size[1]}")
    wobble = wobble or Wobble()
    fields = _fields(generator, length, size, wobble)
    sink = float(fields[:, 1].amax()) if body.cut else None
    scale, anchor = _place(body, size, generator, wobble=wobble, sink=sink)
    return Motion(fields + _leave(generator, length, size, anchor, wobble), scale, anchor)


def motion_flow(displacement: Tensor) -> tuple[Tensor, Tensor]:
    """Return the exact flow of a displaced photo from each frame to the next.

    Args:
        displacement: (T, 2, H, W) in px.

    Returns:
        Flow (T-1, 2, H, W) in px, x then y, and (T-1, 1, H, W) that is 1 where it is solved, inside the frame or not.
    """
    size = displacement.shape[-2], displacement.shape[-1]
    if len(displacement) < 2:
        return displacement.new_zeros(0, 2, *size), displacement.new_zeros(0, 1, *size)
    return flow_between(pixel_grid(size, like=displacement) + displacement[:-1], displacement[1:])


def body_of(alpha: Tensor) -> Body:
    """Return where a photo shows something, from its alpha (H, W) in [0, 1].

    Raises:
        InputError: Nothing of it is above 0.05.
    """
    rows, columns = (line.nonzero().flatten() for line in ((alpha > 0.05).any(dim=1), (alpha > 0.05).any(dim=0)))
    if len(rows) == 0:
        raise InputError("a photo must show something; its alpha is nowhere above 0.05; leave it out")
    box = float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1
    return Body(box, cut=box[3] == alpha.shape[0])


def _place(
    body: Body,
    size: tuple[int, int],
    generator: torch.Generator,
    *,
    wobble: Wobble,
    sink: float | None,
) -> tuple[float, tuple[float, float]]:
    """Return frame px a photo px, and the (x, y) in the frame of the box's centre.

    A subject that the photo's lower edge cuts off stands ``sink`` px below the frame's, so that the cut stays unseen.
    """
    share, across, down = torch.rand(3, generator=generator).tolist()
    height, width = size
    tall = (wobble.cover[0] + (wobble.cover[1] - wobble.cover[0]) * share) * height
    x = width * (0.5 + wobble.jitter * (2 * across - 1))
    y = height * (0.5 + wobble.jitter * (2 * down - 1))
    if sink is not None:
        y = height * (1 + wobble.jitter * down) + max(sink, 0.0) + 1 - tall / 2
    return tall / (body.box[3] - body.box[1]), (x, y)


def _fields(generator: torch.Generator, length: int, size: tuple[int, int], wobble: Wobble) -> Tensor:
    """Return the sum of the random fields, (T, 2, H, W) in px, nowhere steeper than it may be."""
    keys = math.ceil(length / 5) + 1
    curve = _cubic_weights(length, keys)
    strength = wobble.least + (1 - wobble.least) * torch.rand((), generator=generator).item()
    total = torch.zeros(length, 2, *size)
    for cells, amplitude in zip(wobble.cells, wobble.amplitudes, strict=True):
        control = torch.randn(keys, 2 * cells * cells, generator=generator) * (amplitude * min(size) * strength)
        grid = (curve @ control).view(length, 2, cells, cells)
        total += functional.interpolate(grid, size=size, mode="bicubic", align_corners=True)
    steep = sum(float(total.diff(dim=dim).square().sum(dim=1).amax()) for dim in (2, 3) if total.shape[dim] > 1)
    return total * min(1.0, STEEPEST / math.sqrt(max(steep, 1e-12)))


def _cubic_weights(length: int, keys: int) -> Tensor:
    """Return (length, keys): how much each key counts at each frame on a Catmull-Rom curve through all keys."""
    time = torch.linspace(0, keys - 1, length) if length > 1 else torch.zeros(1)
    first = time.floor().clamp(0, keys - 2)
    u = (time - first)[:, None]
    basis = torch.cat(
        ((-(u**3) + 2 * u**2 - u), (3 * u**3 - 5 * u**2 + 2), (-3 * u**3 + 4 * u**2 + u), (u**3 - u**2)), dim=1
    )
    places = (first[:, None].long() + torch.arange(-1, 3)).clamp(0, keys - 1)
    return torch.zeros(length, keys).scatter_add_(1, places, basis / 2)


def _leave(
    generator: torch.Generator, length: int, size: tuple[int, int], anchor: tuple[float, float], wobble: Wobble
) -> Tensor:
    """Return (T, 2, 1, 1) in px: what brings the box's centre onto the left or right border and back, or zeros."""
    chance, side = torch.rand(2, generator=generator).tolist()
    shift = torch.zeros(length, 2, 1, 1)
    if chance < wobble.leave and length > 1:
        way = (size[1] if side < 0.5 else 0) - anchor[0]
        shift[:, 0, 0, 0] = -way * torch.sin(math.pi * torch.linspace(0, 1, length)).square()
    return shift


def _sample(pixels: Tensor, places: Tensor, motion: Motion, body: Body) -> tuple[Tensor, Tensor]:
    """Return colour (T, 3, H, W) and alpha (T, 1, H, W): the photo about the anchor, at displaced places.

    Colour is extended beyond the matte first, so that no dark rim enters; alpha is 0 beyond the photo.
    """
    factor = max(1, math.floor(1 / motion.scale + 0.35))
    photo = _shrink(pixels[None], factor)
    known = photo[:, 3:] > 0.02
    colour, alpha = extend_colour(photo[:, :3], known.to(photo.dtype)), photo[:, 3:]
    left, top, right, bottom = body.box
    middle = (left + right) / 2, (top + bottom) / 2
    centre, origin = (places.new_tensor(pair).view(1, 2, 1, 1) for pair in (motion.anchor, middle))
    side = factor * places.new_tensor([photo.shape[-1], photo.shape[-2]]).view(1, 2, 1, 1)
    grid = (2 * ((places + 0.5 - centre) / motion.scale + origin) / side - 1).permute(0, 2, 3, 1)

    def look_up(picture: Tensor, padding: str) -> Tensor:
        copies = picture.expand(len(grid), -1, -1, -1)
        return functional.grid_sample(copies, grid, mode="bilinear", padding_mode=padding, align_corners=False)

    return look_up(colour, "border").clamp(0, 1), look_up(alpha, "zeros").clamp(0, 1)


def _shrink(photo: Tensor, factor: int) -> Tensor:
    """Return (1, 4, h, w) averaged over squares, colour weighted by alpha; what lacks at the end repeats the border."""
    if factor == 1:
        return photo
    height, width = photo.shape[-2:]
    padded = functional.pad(photo, (0, -width % factor, 0, -height % factor), mode="replicate")
    alpha = functional.avg_pool2d(padded[:, 3:], factor)
    colour = functional.avg_pool2d(padded[:, :3] * padded[:, 3:], factor) / alpha.clamp_min(1e-4)
    return torch.cat((colour, alpha), dim=1)
