"""Pictures and clips with masks of people, cut and changed as RVM's segmentation passes have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.data.affine import Reach, half_sides, look_up, matrices, square_crop, still_change
from mattekit.data.pack import Source
from mattekit.data.people_looks import even_jitter, grey, jitter


@dataclass(frozen=True)
class Change:
    """How a sample is changed; the same for all its frames.

    Attributes:
        reach: Of the affine change, or None.
        area: Smallest share of the picture that is kept.
        aspect: Range of width by height of what is kept.
        colours: Reach of brightness, contrast, saturation and hue.
        grey: Chance of no colour.
    """

    reach: Reach | None
    area: float
    aspect: tuple[float, float]
    colours: tuple[float, float, float, float]
    grey: float = 0.0


STILLS = Change(Reach(turn=20, shift=0.1, scale=(1.0, 1.0), shear=10), 0.5, (0.7, 1.3), (0.1, 0.1, 0.1, 0.1))
CLIPS = Change(None, 0.8, (0.9, 1.1), (0.3, 0.3, 0.3, 0.15), grey=0.05)


class Segmentation:
    """Draws samples of people with their masks.

    Args:
        sources: (T, 4, H, W) uint8 colour and mask; any number.

    Source: Lin et al., WACV 2022, supplement.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._clips = [each for each in sources if len(each.pixels) > 1]
        self._all = list(sources)

    def draw(self, length: int, size: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Return frames (T, 3, H, W) and masks (T, 1, H, W), 0 or 1, or None where no source is fit.

        Args:
            length: Frames; one is a picture, from any source, more are a clip, which no picture can give.
            size: (height, width) in px.
            generator: CPU generator.
        """
        sources = self._all if length == 1 else self._clips
        if not sources:
            return None
        source = sources[int(torch.randint(len(sources), (), generator=generator))]
        change = STILLS if length == 1 else CLIPS
        pixels = source.pixels[_order(len(source.pixels), length, generator)].float() / 255
        seen = look_up(pixels, _places(pixels, change, generator), size, padding="zeros")
        frames, mask = seen[:, :3].clamp(0, 1), (seen[:, 3:] > 0.5).to(seen.dtype)
        frames = jitter(frames, even_jitter(length, change.colours, generator))
        return (grey(frames) if torch.rand((), generator=generator).item() < change.grey else frames), mask


def _order(count: int, length: int, generator: torch.Generator) -> list[int]:
    """Return frames in their own pace from a random one on, forwards or backwards, to and fro."""
    start = int(torch.randint(count, (), generator=generator))
    period = max(1, 2 * count - 2)
    order = [min((start + time) % period, period - (start + time) % period) for time in range(length)]
    return order[::-1] if torch.rand((), generator=generator).item() < 0.5 else order


def _places(pixels: Tensor, change: Change, generator: torch.Generator) -> Tensor:
    """Return the matrices (T, 3, 3) through which a sample is seen."""
    half = half_sides((pixels.shape[-2], pixels.shape[-1]))
    area, aspect, x, y, mirrored = torch.rand(5, generator=generator).tolist()
    low, high = change.aspect
    part = square_crop(
        half, aspect=low + (high - low) * aspect, area=change.area + (1 - change.area) * area, place=(x, y)
    )
    if mirrored < 0.5:
        part = part @ torch.diag(part.new_tensor([-1.0, 1.0, 1.0]))
    if change.reach is None:
        return part.expand(len(pixels), 3, 3)
    return matrices(still_change(len(pixels), change.reach, generator), half) @ part
