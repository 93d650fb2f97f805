"""Composites by fake motion: a photo with alpha bent by random flow over a background that runs, with exact flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.fake_motion import Body, body_of, draw_motion, fake_motion, motion_flow
from mattekit.data.figure import Placed
from mattekit.data.fitted import FittedScene, filling
from mattekit.data.flow import seen_in_both
from mattekit.data.frames import colour_frames, foreground_frames, source_info
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, FakedRules, FittedRules, Rules
from mattekit.data.scene import Scene, composite_length, one_thread, window_end
from mattekit.ops.resize import resize

ROOM = 1.3
"""How much larger than needed a background may be, so that the frame is a random crop of it."""


class FakedScene:
    """A composite of fake motion that can be drawn, from its beginning or from any frame on.

    The foreground is one picture, of a clip the one that the seed chooses. The background is at least as large as the
    frame and cut at a random place; clips run from a random frame on, forwards or backwards; half are mirrored.

    Args:
        composite: What goes over what, and the seed.
        foreground: Its source.
        background: Its source.
        rules: Those of the set.

    Raises:
        InputError: A source is missing or its parts do not fit each other; the message begins with its name.

    Attributes:
        frames: Its length.
        size: (height, width) in px.
        still: True: the foreground is one picture.
        places: None: the foreground does not move along a path.
        motion: What `faked_flow` needs beside the seed to find the flow again.

    Source:
        Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022; see `fake_motion`.
        Colours are not jittered and no noise is added, so that the truth of a test clip is exact.
    """

    still = True
    places = None

    def __init__(self, composite: Composite, foreground: Entry, background: Entry, rules: FakedRules) -> None:
        own, other = source_info(foreground), source_info(background)
        self.composite, self.rules = composite, rules
        self._foreground, self._background = foreground, background
        self.size = rules.height, rules.width
        self.frames = composite_length(own.frames, other.frames, rules, still=True, plate_still=background.still)
        self._chosen = composite.seed % own.frames
        self._plate = _Plate.drawn(other.size, other.frames, self.size, length=self.frames, seed=composite.seed)
        self._photo = self._read()
        self._body = body_of(self._photo[3])

    def draw(self, start: int = 0, count: int | None = None) -> Iterator[Placed]:
        """Yield frames; arguments and errors are those of `Scene.draw`."""
        end = window_end(self.composite.name, self.frames, start, count)
        with one_thread():
            layer = fake_motion(self._photo, _generator(self.composite), length=self.frames, size=self.size, flow=False)
        colour, alpha = (picture.mul(255).round_().to(torch.uint8) for picture in (layer.colour, layer.alpha))
        plates = self._plates(range(start, end))
        for index, plate in zip(range(start, end), plates, strict=True):
            frame = torch.lerp(plate.float(), colour[index].float(), alpha[index].float() / 255).round_()
            yield Placed(frame.to(torch.uint8), alpha[index], colour[index], plate)

    def flow(self, alpha: Tensor, start: int = 0) -> tuple[Tensor, Tensor] | None:
        """Return the exact forward flow of the foreground and where it holds, as `Scene.flow` does."""
        flow, solved = faked_flow(
            self.composite.seed, self.motion, self.size, length=self.frames, part=slice(start, start + len(alpha))
        )
        return flow, solved * seen_in_both(flow, alpha)

    @property
    def motion(self) -> dict[str, object]:
        """Box of the photo's body in px, and whether the photo's lower edge cuts it off."""
        return {"box": list(self._body.box), "cut": self._body.cut}

    def _read(self) -> Tensor:
        """Return the photo, (4, H, W) in [0, 1]."""
        (pixels,) = foreground_frames(self._foreground, range(self._chosen, self._chosen + 1))
        photo = torch.from_numpy(pixels).float() / 255
        if float(photo[3].max()) <= 0.05:
            told = f"frame {self._chosen} must show something; its alpha is nowhere above 0.05"
            raise InputError(f"{self._foreground.name}: {told}; leave it out")
        return photo

    def _plates(self, indices: range) -> Iterator[Tensor]:
        """Yield the background of each frame, (3, H, W) uint8."""
        plate, still = self._plate, self._background.still
        run = range(1) if still else range(plate.first, plate.first + self.frames)
        pictures = [self._cut(pixels) for pixels in colour_frames(self._background, run)]
        if plate.backwards:
            pictures.reverse()
        for index in indices:
            yield pictures[0 if still else index]

    def _cut(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
        """Return the crop of one picture of the background, (3, H, W) uint8."""
        (top, left), (height, width) = self._plate.corner, self.size
        with one_thread():
            whole = resize(torch.from_numpy(pixels).float()[None] / 255, self._plate.size, mode="bilinear")[0]
        part = whole[:, top : top + height, left : left + width]
        part = part.flip(-1) if self._plate.mirrored else part
        return part.mul(255).round_().clamp_(0, 255).to(torch.uint8).contiguous()


AnyScene = Scene | FittedScene | FakedScene
"""A composite of any rules."""


def open_scene(composite: Composite, foreground: Entry, background: Entry, rules: Rules) -> AnyScene:
    """Return the scene that rules ask for; arguments and errors are those of `Scene`."""
    if isinstance(rules, FakedRules):
        return FakedScene(composite, foreground, background, rules)
    if isinstance(rules, FittedRules):
        return FittedScene(composite, foreground, background, rules)
    return Scene(composite, foreground, background, rules)


def faked_flow(
    seed: int, motion: Mapping[str, Any], size: tuple[int, int], *, length: int, part: slice
) -> tuple[Tensor, Tensor]:
    """Return the exact flow of a composite of fake motion from its seed.

    Args:
        seed: Of the composite.
        motion: As `FakedScene.motion` tells it.
        size: (height, width) of the frames.
        length: Frames of the composite.
        part: Its consecutive frames whose flow is wanted.

    Returns:
        Flow (T-1, 2, H, W) in px and (T-1, 1, H, W) that is 1 where it is solved, as `motion_flow` does.

    Raises:
        InputError: The motion is not told in full.
    """
    try:
        left, top, right, bottom = (float(edge) for edge in motion["box"])
        body = Body((left, top, right, bottom), bool(motion["cut"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"a motion must be told by box and cut; got {motion!r}; compose the clip anew") from error
    with one_thread():
        fields = draw_motion(body, torch.Generator().manual_seed(seed), length=length, size=size).displacement[part]
        # a pair at a time: the iteration ends when all that it is given stands still, and no part may change another
        pairs = [motion_flow(fields[time : time + 2]) for time in range(len(fields) - 1)] or [motion_flow(fields)]
    flow, solved = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return flow, solved


@dataclass(frozen=True)
class _Plate:
    """How a background is cut and run: its size in px, the crop's top and left, the first frame, and the two turns."""

    size: tuple[int, int]
    corner: tuple[int, int]
    first: int
    mirrored: bool
    backwards: bool

    @classmethod
    def drawn(cls, own: tuple[int, int], frames: int, size: tuple[int, int], *, length: int, seed: int) -> _Plate:
        """Draw it for a background of a size and a length."""
        generator = torch.Generator().manual_seed((seed + 1) % 2**63)
        draw = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
        least = filling(own, size)
        whole = tuple(round(side * (1 + (ROOM - 1) * draw[0])) for side in least)
        top, left = (int((side - seen + 1) * share) for side, seen, share in zip(whole, size, draw[1:3], strict=True))
        first = int((max(frames - length, 0) + 1) * draw[3])
        return cls((whole[0], whole[1]), (top, left), first, draw[4] < 0.5, draw[5] < 0.5)


def _generator(composite: Composite) -> torch.Generator:
    return torch.Generator().manual_seed(composite.seed)
