"""A contact sheet: rows of small pictures of the same frames, one row a kind of picture."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from mattekit.types import Matte

if TYPE_CHECKING:
    from torch import Tensor

ROWS = ("frame", "trimap", "alpha", "composite")
WIDTH, GAP, MARGIN = 256, 4, 84


class ContactSheet:
    """A sink that keeps small pictures of some frames and draws them as a sheet.

    Args:
        frames: Numbers of the frames to show.
        colour: (red, green, blue) in 0 to 255 that composites are laid over.
    """

    def __init__(self, frames: Collection[int], *, colour: tuple[int, int, int]) -> None:
        self._frames, self._colour = frozenset(frames), colour
        self._columns: dict[int, dict[str, Image.Image]] = {}

    def write(self, matte: Matte) -> None:
        """Keep the chosen ones of a matte's frames."""
        import torch

        from mattekit.ops import composite

        for index in range(len(matte.chunk)):
            number = matte.chunk.start + index
            if number not in self._frames:
                continue
            frame, alpha = matte.chunk.frames[index], matte.alpha[index]
            foreground = frame if matte.foreground is None else matte.foreground[index]
            over = torch.tensor(self._colour)[:, None, None].expand_as(frame) / 255
            column = {"frame": frame, "alpha": alpha, "composite": composite(foreground, alpha, over)}
            if matte.chunk.trimap is not None:
                column["trimap"] = matte.chunk.trimap[index]
            self._columns[number] = {row: _picture(values) for row, values in column.items()}

    def save(self, path: Path) -> None:
        """Draw the sheet and put it in its place in one step, over one that stands there."""
        beside = path.with_name(f".mattekit-{secrets.token_hex(6)}.png")
        try:
            self.draw().save(beside, optimize=True)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    def draw(self) -> Image.Image:
        """Return the sheet: a column a frame, headed by its number, and a row a kind of picture."""
        numbers = sorted(self._columns)
        height = max((picture.height for column in self._columns.values() for picture in column.values()), default=1)
        size = (MARGIN + len(numbers) * (WIDTH + GAP), 24 + len(ROWS) * (height + GAP))
        sheet = Image.new("RGB", size, (24, 24, 24))
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
        for line, row in enumerate(ROWS):
            top = 24 + line * (height + GAP)
            pen.text((6, top + height // 2 - 8), row, fill=(220, 220, 220), font=font)
            for place, number in enumerate(numbers):
                left = MARGIN + place * (WIDTH + GAP)
                pen.text((left + 4, 4), f"{number}", fill=(220, 220, 220), font=font)
                if row in self._columns[number]:
                    sheet.paste(self._columns[number][row], (left, top))
        return sheet


def _picture(values: Tensor) -> Image.Image:
    """Return (1 or 3, H, W) in [0, 1] as a small RGB picture."""
    from mattekit.ops import resize

    height = max(1, round(values.shape[-2] * WIDTH / values.shape[-1]))
    small = resize(values.float(), (height, WIDTH)).expand(3, -1, -1)
    return Image.fromarray((small * 255).round().byte().permute(1, 2, 0).contiguous().numpy())
