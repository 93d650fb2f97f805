"""Pictures of samples: flow in colour, contact sheets, and several pictures in one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.ops.resize import resize

GAP, HEAD = 4, 20
"""Px between the pictures of a sheet, and of the line over its columns."""

GROUND, INK = 24, 220
"""Levels of a sheet's ground and of its letters."""


def flow_colours(flow: Tensor, *, valid: Tensor | None = None, fastest: float | None = None) -> Tensor:
    """Return flow as colour: direction as hue, speed as saturation, white at rest.

    Right is red, down yellow-green, left cyan, up violet.

    Args:
        flow: (T, 2, H, W) in px, x then y.
        valid: (T, 1, H, W); where it is 0 the picture is dark grey. None shows all.
        fastest: Speed in px that has full colour; None takes the highest that is shown.

    Returns:
        (T, 3, H, W) in [0, 1].

    Raises:
        InputError: The shapes do not fit.

    Example:
        >>> flow_colours(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)).flatten().tolist()
        [1.0, 0.0, 0.0]
    """
    check_rank("flow", flow, "T 2 H W")
    speed = flow.norm(dim=1)
    shown = speed if valid is None else speed * valid[:, 0]
    full = float(shown.max()) if fastest is None and shown.numel() else fastest
    saturation = (speed / max(full or 0.0, 1e-6)).clamp(0, 1)
    turn = torch.atan2(flow[:, 1], flow[:, 0]) * (3 / math.pi) % 6
    red, green, blue = (turn - 3).abs() - 1, 2 - (turn - 2).abs(), 2 - (turn - 4).abs()
    pure = torch.stack((red, green, blue), dim=1).clamp(0, 1)
    colours = 1 + saturation[:, None] * (pure - 1)
    return colours if valid is None else torch.where(valid > 0, colours, 0.2)


def tile(pictures: Sequence[Tensor], *, columns: int) -> Tensor:
    """Return pictures of one size laid side by side, row by row.

    Args:
        pictures: (T, 1 or 3, H, W) each, of one T, H and W.
        columns: Pictures in a row.

    Returns:
        (T, 3, rows * H, columns * W); what a last row lacks is dark.

    Raises:
        InputError: There are none, or they differ in size.
    """
    if not pictures or len({(len(each), *each.shape[-2:]) for each in pictures}) != 1:
        raise InputError(f"pictures must be of one size; got {[tuple(each.shape) for each in pictures]}")
    whole = [each.expand(-1, 3, -1, -1) for each in pictures]
    whole += [torch.full_like(whole[0], GROUND / 255)] * (-len(whole) % columns)
    rows = [torch.cat(whole[start : start + columns], dim=-1) for start in range(0, len(whole), columns)]
    return torch.cat(rows, dim=-2)


def contact_sheet(
    rows: Sequence[Sequence[Tensor | None]], *, heads: Sequence[str], names: Sequence[str], width: int = 208
) -> Tensor:
    """Draw a sheet: a row of pictures a sample, its name above it, and over each column what it shows.

    Args:
        rows: Pictures (1 or 3, H, W) in [0, 1], any size; None leaves a place empty.
        heads: A word for each column.
        names: A name for each row.
        width: Of each picture on the sheet in px.

    Returns:
        (3, H, W) in [0, 1].

    Raises:
        InputError: There is no row, or rows, heads and names do not fit each other.
    """
    if not rows or len(rows) != len(names) or any(len(row) != len(heads) for row in rows):
        raise InputError(
            f"a sheet must have rows of {len(heads)} pictures, one a head, and {len(names)} of them, one a name; "
            f"got rows of {[len(row) for row in rows]}"
        )
    pictures = [[None if each is None else _small(each, width) for each in row] for row in rows]
    heights = [max((each.height for each in row if each is not None), default=HEAD) for row in pictures]
    size = GAP + len(heads) * (width + GAP), HEAD + sum(heights) + len(rows) * (HEAD + GAP)
    sheet = Image.new("RGB", size, (GROUND,) * 3)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for place, head in enumerate(heads):
        pen.text((2 * GAP + place * (width + GAP), 3), head, fill=(INK,) * 3, font=font)
    top = HEAD
    for row, name, height in zip(pictures, names, heights, strict=True):
        pen.text((2 * GAP, top + 3), name, fill=(INK // 2 + 40,) * 3, font=font)
        for place, picture in enumerate(row):
            if picture is not None:
                sheet.paste(picture, (GAP + place * (width + GAP), top + HEAD))
        top += height + HEAD + GAP
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).float() / 255


def _small(picture: Tensor, width: int) -> Image.Image:
    """Return (1 or 3, H, W) in [0, 1] as an RGB picture of a width."""
    check_rank("picture", picture, "C H W")
    height = max(1, round(picture.shape[-2] * width / picture.shape[-1]))
    levels = resize(picture.float(), (height, width)).expand(3, -1, -1).mul(255).round().clamp(0, 255)
    return Image.fromarray(levels.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy())
