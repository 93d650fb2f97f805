"""Defocus and motion blur of a layer: alpha and colour are blurred together, so that truth stays exact."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.ops.extend import extend_colour
from mattekit.ops.warp import warp

EVEN = 1.5
"""Px by which a flow may differ from its mean over the layer and still count as one shift."""

LONGEST = 16.0
"""Longest trace in px: beyond it the eight pictures would show apart, and the shutter is closed earlier."""


def defocus(layer: Layer, *, sigma: float) -> Layer:
    """Return a layer out of focus.

    Args:
        layer: Any.
        sigma: Standard deviation of the blur in px; it is met to within 0.2 px; below a half it does nothing.
    """
    distances = _distances(sigma)
    if not distances:
        return layer
    premultiplied = _premultiplied(layer)
    for time, frame in enumerate(premultiplied):  # one at a time: a frame stays in the cache, a clip does not
        for distance in distances:
            frame = _mix(_mix(frame, distance, -1), distance, -2)
        premultiplied[time] = frame
    return _unpremultiplied(premultiplied, layer)


def motion_blur(layer: Layer, *, shutter: float) -> Layer:
    """Return a layer as seen while it moves.

    Eight pictures along the flow are averaged. Where the layer moves as a whole they are whole pixels apart and follow
    the mean flow of each frame; else they are fetched along the flow of every pixel, continued beyond the layer. The
    last frame takes the flow that leads to it.

    Args:
        layer: One with flow; without, or where it hardly moves, it is returned as it is.
        shutter: Share of the time from a frame to the next in which light is gathered.
    """
    if layer.flow is None or layer.valid is None or len(layer) < 2:
        return layer
    weight = layer.valid.sum(dim=(-2, -1), keepdim=True).clamp_min(1)
    mean = (layer.flow * layer.valid).sum(dim=(-2, -1), keepdim=True) / weight
    fastest = float(mean.norm(dim=1).max())
    shutter = min(shutter, LONGEST / max(fastest, 1e-6))
    if shutter * fastest < 1:
        return layer
    uneven = float(((layer.flow - mean).abs() * layer.valid).amax())
    travel = torch.cat((mean, mean[-1:])) * shutter
    if uneven * shutter <= EVEN:
        blurred = _blur_by_shift(_premultiplied(layer), travel[:, :, 0, 0].tolist())
    else:
        flow = extend_colour(layer.flow, layer.valid)
        blurred = _blur_along(_premultiplied(layer), torch.cat((flow, flow[-1:])) * shutter)
    return _unpremultiplied(blurred, layer)


def _distances(sigma: float) -> list[int]:
    """Return distances d at which weights 1, 2, 1, one after the other, blur by about sigma; each adds d^2 / 2."""
    left, found = sigma**2, list[int]()
    while left >= 0.25:
        found.append(max(1, math.floor(math.sqrt(1.5 * left))))
        left -= found[-1] ** 2 / 2
    return found


def _mix(picture: Tensor, distance: int, axis: int) -> Tensor:
    """Return a picture mixed with itself so many px along an axis, weights 1, 2, 1; the border repeats."""
    size = picture.shape[axis]
    near = min(distance, size)
    result = picture * 0.5
    for start, end, border in ((near, 0, 0), (0, near, size - 1)):
        inside = picture.narrow(axis, end, size - near)
        result.narrow(axis, start, size - near).add_(inside, alpha=0.25)
        result.narrow(axis, 0 if border == 0 else size - near, near).add_(picture.narrow(axis, border, 1), alpha=0.25)
    return result


def _blur_by_shift(premultiplied: Tensor, travel: list[list[float]]) -> Tensor:
    """Return frames averaged over eight whole-pixel shifts along each frame's own travel (x, y)."""
    height, width = premultiplied.shape[-2:]
    room = 1 + math.ceil(max(abs(part) for each in travel for part in each) / 2)
    padded = functional.pad(premultiplied, (room, room, room, room), mode="replicate")
    total = torch.zeros_like(premultiplied)
    for source, out, (x, y) in zip(padded, total, travel, strict=True):
        for place in range(8):
            left, top = (room - round(part * (place - 3.5) / 8) for part in (x, y))
            out += source[:, top : top + height, left : left + width]
    return total.mul_(1 / 8)


def _blur_along(premultiplied: Tensor, travel: Tensor) -> Tensor:
    """Return frames averaged over eight places along a travel (T, 2, H, W): two fetches, then their average moved."""
    ends = [warp(premultiplied, travel * share)[0] for share in (-7 / 16, -5 / 16)]
    total = ends[0].add_(ends[1]).mul_(0.5)
    for share in (2 / 8, 4 / 8):
        total = warp(total, travel * share)[0].add_(total).mul_(0.5)
    return total


def _premultiplied(layer: Layer) -> Tensor:
    return torch.cat((layer.colour * layer.alpha, layer.alpha), dim=1)


def _unpremultiplied(premultiplied: Tensor, layer: Layer) -> Layer:
    """Return the layer that blurred premultiplied colour and alpha are; where nothing is seen colour stays."""
    alpha = premultiplied[:, 3:].clamp(0, 1)
    colour = (premultiplied[:, :3] / alpha.clamp_min(1e-3)).clamp_(0, 1)
    return Layer(torch.where(alpha > 1e-3, colour, layer.colour), alpha, layer.flow, layer.valid)
