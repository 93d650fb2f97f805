"""Moving pictures along a flow field, and asking whether the flow can be trusted."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError, check_choice, check_rank, check_same_size

MODES = ("bilinear", "bicubic", "nearest")


def warp(x: Tensor, flow: Tensor, *, mode: str = "bilinear") -> tuple[Tensor, Tensor]:
    """Fetch every pixel from where the flow points to.

    Args:
        x: (B, C, H, W), the picture to fetch from.
        flow: (B, 2, h, w) in px, x then y: the result at p is ``x`` at ``p + flow(p)``. Its size is the result's;
            it may differ from the picture's.
        mode: ``"bilinear"``, ``"bicubic"`` or ``"nearest"``.

    Returns:
        The warped picture (B, C, h, w), in which positions outside repeat the border, and a validity mask
        (B, 1, h, w) that is 1 where the position lay inside the picture and 0 elsewhere.

    Raises:
        InputError: The shapes do not fit or the mode is unknown.

    Example:
        >>> import torch
        >>> row = torch.tensor([[[[0.0, 1.0, 2.0]]]])
        >>> right = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
        >>> warped, valid = warp(row, right)
        >>> warped.flatten().tolist(), valid.flatten().tolist()
        ([1.0, 2.0, 2.0], [1.0, 1.0, 0.0])
    """
    check_rank("x", x, "B C H W")
    check_rank("flow", flow, "B 2 H W")
    check_choice("mode", mode, MODES)
    if len(x) != len(flow):
        raise InputError(f"x and flow must have one batch size; got {len(x)} and {len(flow)}")
    height, width = x.shape[-2:]
    position = pixel_grid((flow.shape[-2], flow.shape[-1]), like=flow) + flow
    limit = torch.tensor([width - 1, height - 1], device=flow.device, dtype=flow.dtype).view(1, 2, 1, 1)
    valid = ((position >= 0) & (position <= limit)).all(dim=1, keepdim=True).to(x.dtype)
    scale = torch.tensor([width, height], device=flow.device, dtype=flow.dtype).view(1, 2, 1, 1)
    grid = ((2 * position + 1) / scale - 1).permute(0, 2, 3, 1).to(x.dtype)
    warped = F.grid_sample(x, grid, mode=mode, padding_mode="border", align_corners=False)
    return warped, valid


def consistent(forward: Tensor, backward: Tensor, *, relative: float = 0.01, absolute: float = 0.5) -> Tensor:
    """Mark where going along one flow and back along the other returns to the start.

    Args:
        forward: (B, 2, H, W) in px, from the first frame to the second.
        backward: (B, 2, H, W) in px, from the second frame to the first.
        relative: Share of the squared lengths that the squared gap may have.
        absolute: Squared px that it may have beside.

    Returns:
        (B, 1, H, W), 1 where the squared gap stays below the bound and the way leads inside the picture, else 0.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Sundaram, Brox and Keutzer, Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow,
        ECCV 2010, equation 5.
    """
    check_rank("forward", forward, "B 2 H W")
    check_rank("backward", backward, "B 2 H W")
    check_same_size("forward", forward, "backward", backward)
    there, valid = warp(backward, forward)
    gap = (forward + there).square().sum(dim=1, keepdim=True)
    lengths = (forward.square() + there.square()).sum(dim=1, keepdim=True)
    return (gap < relative * lengths + absolute).to(forward.dtype) * valid


def affine_matrix(*, angle: Tensor, scale: Tensor, shift: Tensor, size: tuple[int, int]) -> Tensor:
    """Build the pixel matrix that turns and scales about a picture's centre and then shifts.

    Args:
        angle: (B,) radians, clockwise as seen, since y points down.
        scale: (B,) factors.
        shift: (B, 2) px, x then y.
        size: (height, width) of the picture, whose centre stays in place but for the shift.

    Returns:
        (B, 2, 3): a pixel (x, y) moves to ``matrix @ (x, y, 1)``.
    """
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    turn = torch.stack((torch.stack((cosine, -sine), -1), torch.stack((sine, cosine), -1)), -2)
    centre = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2], device=turn.device, dtype=turn.dtype)
    offset = shift + centre - turn @ centre
    return torch.cat((turn, offset.unsqueeze(-1)), dim=-1)


def invert_affine(matrix: Tensor) -> Tensor:
    """Return the matrices (B, 2, 3) that undo given ones.

    Args:
        matrix: (B, 2, 3), none of them singular.
    """
    back = torch.linalg.inv(matrix[..., :2])
    return torch.cat((back, -back @ matrix[..., 2:]), dim=-1)


def affine_flow(matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn pixel matrices into flow fields.

    Args:
        matrix: (B, 2, 3), where each pixel of the result comes from: the inverse of how the picture moves.
        size: (height, width) of the result.

    Returns:
        (B, 2, height, width) in px, x then y, for :func:`warp`.

    Raises:
        InputError: The matrices have another shape.
    """
    check_rank("matrix", matrix, "B 2 3")
    grid = pixel_grid(size, like=matrix)
    moved = torch.einsum("bij,njhw->bihw", matrix[..., :2], grid) + matrix[..., 2].view(-1, 2, 1, 1)
    return moved - grid


def pixel_grid(size: tuple[int, int], *, like: Tensor) -> Tensor:
    """Return every pixel's own position, (1, 2, height, width), x then y, in the dtype and place of a tensor."""
    rows = torch.arange(size[0], device=like.device, dtype=like.dtype)
    columns = torch.arange(size[1], device=like.device, dtype=like.dtype)
    down, across = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack((across, down)).unsqueeze(0)
