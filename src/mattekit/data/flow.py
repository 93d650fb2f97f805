"""Exact optical flow of layers whose motion is known: where a point of one frame is in the next."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.data.motion import Path
from mattekit.ops.warp import pixel_grid, warp

TOLERANCE = 1e-3
"""Flow is solved to this many px."""

ROUNDS = 60
"""Iterations after which what has not settled is given up and marked."""


def flow_between(places: Tensor, displacement: Tensor) -> tuple[Tensor, Tensor]:
    """Find where points come to stand in a frame that is drawn by looking up displaced places.

    A frame that shows at q what belongs to the place ``q + d(q)`` shows the place s at the q that solves
    ``q + d(q) = s``. The iteration ``q <- s - d(q)`` finds it wherever the slope of d is below 1; below 1/2 the error
    of an iterate is no larger than its last step.

    Args:
        places: (N, 2, H, W), x then y in px: the place s that each pixel p of the first frame shows.
        displacement: (N, 2, H, W), d of the second frame in px; beyond the border it goes on as at the border.

    Returns:
        The flow q - p, (N, 2, H, W) in px, and (N, 1, H, W) that is 1 where ``q + d(q)`` meets s within 2e-3 px.

    Raises:
        InputError: The shapes do not fit.
    """
    check_rank("places", places, "N 2 H W")
    if places.shape != displacement.shape:
        raise InputError(
            f"places and displacement must have one shape; got {tuple(places.shape)} and {tuple(displacement.shape)}"
        )
    start = pixel_grid((places.shape[-2], places.shape[-1]), like=places)
    flow = places - displacement - start
    for _ in range(ROUNDS):
        moved = places - warp(displacement, flow)[0] - start
        settled = bool(((moved - flow).abs() < TOLERANCE / 2).all())
        flow = moved
        if settled:
            break
    gap = (start + flow + warp(displacement, flow)[0] - places).abs().amax(dim=1, keepdim=True)
    return flow, (gap < 2 * TOLERANCE).to(flow.dtype)


def seen_in_both(flow: Tensor, alpha: Tensor) -> Tensor:
    """Mark the pixels of a layer whose flow leads from something seen to something seen inside the next frame.

    Args:
        flow: (T-1, 2, H, W) in px.
        alpha: (T, 1, H, W) in [0, 1].

    Returns:
        (T-1, 1, H, W), 1 where the target lies inside the frame and both alphas are above 0, else 0.

    Raises:
        InputError: Flow does not have one frame fewer than alpha.
    """
    if len(flow) != len(alpha) - 1:
        raise InputError(f"flow must have one frame fewer than alpha's {len(alpha)}; got {len(flow)}")
    there, inside = warp(alpha[1:], flow)
    return inside * ((there > 0) & (alpha[:-1] > 0)).to(flow.dtype)


def path_flow(path: Path, size: tuple[int, int], *, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Return the exact forward flow of a layer that moves along a path.

    Shift, turn and zoom have a closed form; where the path bends, the rest is solved by iteration to 1e-3 px.

    Args:
        path: The motion over T frames, as `motion.sample_layer` draws it.
        size: (height, width) of the frames.
        device: Where it is worked out.

    Returns:
        Flow (T-1, 2, height, width) in px, x then y, and (T-1, 1, height, width) that is 1 where it is exact: where
        the bend does not fold the layer over itself. Multiply by `seen_in_both` for the validity of a layer.
    """
    shift = path.shift.to(device)
    here = pixel_grid(size, like=shift)
    origin = shift.view(-1, 2, 1, 1) + shift.new_tensor([(size[1] - 1) / 2, (size[0] - 1) / 2]).view(1, 2, 1, 1)
    bend = None
    if path.bend is not None:
        bend = functional.interpolate(path.bend.to(device), size=size, mode="bicubic", align_corners=False)
    straight = here - origin[:-1] if bend is None else here - origin[:-1] + bend[:-1]
    places = torch.einsum("tij,tjhw->tihw", _turns(path).to(device), straight) + origin[1:]
    if bend is None:
        return places - here, torch.ones_like(places[:, :1])
    return flow_between(places, bend[1:])


def _turns(path: Path) -> Tensor:
    """Return the matrices (T-1, 2, 2) that turn and zoom what stands in a frame into how it stands in the next."""
    angle, factor = path.turn.diff(), path.zoom[1:] / path.zoom[:-1]
    cosine, sine = factor * torch.cos(angle), factor * torch.sin(angle)
    return torch.stack((torch.stack((cosine, -sine), dim=-1), torch.stack((sine, cosine), dim=-1)), dim=-2)
