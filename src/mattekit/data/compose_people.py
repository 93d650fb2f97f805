"""Training clips of people composed on the fly by the rules of RVM: moving in space, time and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.affine import Reach, half_sides, look_up, matrices, moving_change, square_crop, still_change
from mattekit.data.layer import Layer, over
from mattekit.data.pack import WEIGHTS, Source
from mattekit.data.people_looks import (
    blur,
    grey,
    jitter,
    moving_blur,
    moving_jitter,
    pause,
    random_grain,
    random_sharpen,
)
from mattekit.data.segmentation import Segmentation
from mattekit.types import Sample, Stage

SPEEDS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
MOVING = Reach()
PLACED, BEHIND = Reach(scale=(0.5, 1.0)), Reach(scale=(1.0, 1.5))
"""Of the change that holds for a whole clip: subjects become smaller, backgrounds larger."""
ASPECTS = (0.9, 1.1)
FAINT = 1 / 512
"""Alpha below which colour is what the source has there, not weighted by alpha."""


@dataclass(frozen=True)
class Chances:
    """How often each change is made to a clip.

    Attributes:
        subject: The subject moves.
        behind: The background moves.
        both: Both move together.
        flip: Each is mirrored, by itself.
        grain: Noise.
        colour: Colours change over time, each by itself.
        grey: No colour.
        sharp: Sharpened or softened.
        blurred: Blurred by a changing width: the subject, the background or both.
        pause: A frame stands still for a while.
    """

    subject: float = 0.3
    behind: float = 0.15
    both: float = 0.15
    flip: float = 0.5
    grain: float = 0.1
    colour: float = 0.3
    grey: float = 0.02
    sharp: float = 0.1
    blurred: float = 0.02
    pause: float = 0.03


CLIPS = Chances()
STILLS = Chances(subject=0.95, grain=0.05, grey=0.03, sharp=0.05)
"""For subjects that are a picture and move by nothing else."""


class PeopleComposer:
    """Draws batches for a stage of training people; the same seed gives the same batch.

    A stage's kind says what is drawn: "matting" takes any foreground, "matting clips" and "matting stills" those where
    there are any, "segmentation" pictures (length 1) or clips with masks of people, and where the pack has none,
    composites whose mask is where alpha is above one half.

    Args:
        foregrounds: (T, 4, H, W) uint8 people; frames of a clip follow each other.
        backgrounds: (T, 3, H, W) uint8, on the same device.
        segmentation: (T, 4, H, W) uint8 colour and mask.
        plain: Whether all changes but placing, cropping and flipping are left out, as for validation.

    Raises:
        InputError: There are no foregrounds or no backgrounds.

    Source:
        Lin et al., WACV 2022, section 4 and supplement. All affine changes and the crop are one resampling;
        backgrounds are mirrored beyond their border, where theirs are black; frames of a clip run to and fro, where
        theirs begin anew.
    """

    def __init__(
        self,
        foregrounds: Sequence[Source],
        backgrounds: Sequence[Source],
        *,
        segmentation: Sequence[Source] = (),
        plain: bool = False,
    ) -> None:
        if not foregrounds or not backgrounds:
            raise InputError(
                f"foregrounds and backgrounds must not be empty; got {len(foregrounds)} and {len(backgrounds)}"
            )
        self._segmentation = Segmentation(segmentation)
        self._plain = plain
        self._subjects = {
            "matting": list(foregrounds),
            "matting clips": [each for each in foregrounds if len(each.pixels) > 1] or list(foregrounds),
            "matting stills": [each for each in foregrounds if len(each.pixels) == 1] or list(foregrounds),
        }
        self._behind = [
            [each for each in backgrounds if (len(each.pixels) > 1) is moving] or list(backgrounds)
            for moving in (False, True)
        ]

    def sample(self, stage: Stage, generator: torch.Generator, number: int = 0) -> Sample:
        """Compose one batch.

        Args:
            stage: Says batch, length, size and kind.
            generator: A CPU generator; all randomness comes from it.
            number: Of the batch's first clip; here it changes nothing.

        Returns:
            The batch on the sources' device. For segmentation alpha is the mask, and the true colours are the frames.

        Raises:
            InputError: The stage is of another kind.
        """
        if stage.kind not in (*self._subjects, "segmentation"):
            raise InputError(f"kind must be one of {', '.join(self._subjects)}, segmentation; got {stage.kind!r}")
        clips = [self._clip(stage, generator) for _ in range(stage.batch)]
        frames, alpha, foreground, background = (torch.stack(parts) for parts in zip(*clips, strict=True))
        trimap = torch.where((alpha > 0.02) & (alpha < 0.98), 0.5, alpha.round())
        seed = torch.randint(2**31, (len(clips),), generator=generator)
        return Sample(frames, trimap, alpha, foreground, background, seed=seed)

    def _clip(self, stage: Stage, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return frames, alpha, foreground and background of one clip."""
        if stage.kind == "segmentation":
            drawn = self._segmentation.draw(stage.length, stage.size, generator)
            if drawn is not None:
                frames, mask = drawn
                return frames, mask, frames, frames
            layer, background = self._layers(replace(stage, kind="matting"), generator)
            frames = over(layer, background)
            return frames, (layer.alpha > 0.5).to(frames.dtype), frames, frames
        layer, background = self._layers(stage, generator)
        return over(layer, background), layer.alpha, layer.colour, background

    def _layers(self, stage: Stage, generator: torch.Generator) -> tuple[Layer, Tensor]:
        """Return one moving foreground and its background, before they are composed."""
        subjects = self._subjects[stage.kind]
        weights = torch.tensor([WEIGHTS[each.kind] for each in subjects])
        subject = subjects[int(torch.multinomial(weights, 1, generator=generator))]
        choices = self._behind[int(torch.randint(2, (), generator=generator))]
        behind = choices[int(torch.randint(len(choices), (), generator=generator))]
        chances = STILLS if len(subject.pixels) == 1 else CLIPS
        own, other, joint = self._motion(stage, chances, generator)
        pixels = _frames(subject, stage.length, generator)
        layer = _placed(pixels, _matrices(pixels, (own, joint), PLACED, generator, chances.flip), stage.size)
        ground = _frames(behind, stage.length, generator)
        places = _matrices(ground, (other, joint), BEHIND, generator, chances.flip)
        background = look_up(ground, places, stage.size, padding="reflection")
        if self._plain:
            return layer, background
        return _changed(layer, background, chances, generator)

    def _motion(self, stage: Stage, chances: Chances, generator: torch.Generator) -> list[Tensor | None]:
        """Return the changes (T, 5) of the subject, of the background and of both, where they move."""
        found: list[Tensor | None] = []
        for chance in (chances.subject, chances.behind, chances.both):
            moves = _happens(chance, generator) and not self._plain
            found.append(moving_change(stage.length, MOVING, generator) if moves else None)
        return found


def _changed(layer: Layer, background: Tensor, chances: Chances, generator: torch.Generator) -> tuple[Layer, Tensor]:
    """Return both with noise, other colours, sharpening, blur and a pause, each by its chance."""
    colour, alpha = layer.colour, layer.alpha
    length = len(alpha)
    if _happens(chances.grain, generator):
        colour, background = random_grain([colour, background], generator)
    if _happens(chances.colour, generator):
        colour = jitter(colour, moving_jitter(length, generator))
    if _happens(chances.colour, generator):
        background = jitter(background, moving_jitter(length, generator))
    if _happens(chances.grey, generator):
        colour, background = grey(colour), grey(background)
    if _happens(chances.sharp, generator):
        colour, alpha, background = random_sharpen([colour, alpha, background], generator)
    if _happens(chances.blurred, generator):
        which, widths = int(torch.randint(3, (), generator=generator)), moving_blur(length, generator)
        if which != 1:
            colour, alpha = blur(colour, widths), blur(alpha, widths)
        if which != 0:
            background = blur(background, widths)
    if _happens(chances.pause, generator):
        order = pause(length, generator).to(alpha.device)
        colour, alpha, background = colour[order], alpha[order], background[order]
    return Layer(colour, alpha), background


def _placed(pixels: Tensor, places: Tensor, size: tuple[int, int]) -> Layer:
    """Return a subject (T, 4, H, W) in [0, 1] as it is seen; colour is weighted by alpha while it is resampled."""
    cover = pixels[:, 3:]
    joined = torch.cat((pixels[:, :3] * cover, cover), dim=1)
    seen = look_up(joined, places, size, padding="zeros")
    alpha = seen[:, 3:].clamp(0, 1)
    beyond = look_up(pixels[:, :3], places, size, padding="border")
    colour = torch.where(alpha > FAINT, seen[:, :3] / alpha.clamp_min(FAINT), beyond).clamp(0, 1)
    return Layer(colour, alpha)


def _matrices(
    pixels: Tensor,
    motion: tuple[Tensor | None, Tensor | None],
    reach: Reach,
    generator: torch.Generator,
    flip: float,
) -> Tensor:
    """Return (T, 3, 3): own motion, joint motion, placing, crop to the square and mirroring, as one."""
    half = half_sides((pixels.shape[-2], pixels.shape[-1]))
    aspect = ASPECTS[0] + (ASPECTS[1] - ASPECTS[0]) * torch.rand((), generator=generator).item()
    crop = square_crop(half, aspect=aspect, place=(0.5, 0.5))
    if _happens(flip, generator):
        crop = crop @ torch.diag(crop.new_tensor([-1.0, 1.0, 1.0]))
    found = matrices(still_change(len(pixels), reach, generator), half) @ crop
    for part in (motion[1], motion[0]):
        if part is not None:
            found = matrices(part, half) @ found
    return found


def _frames(source: Source, length: int, generator: torch.Generator) -> Tensor:
    """Return T frames (T, C, H, W) in [0, 1] of a clip at a random speed, forwards or backwards, or of a still."""
    count = len(source.pixels)
    speed = SPEEDS[int(torch.randint(len(SPEEDS), (), generator=generator))]
    start, shift = (int(torch.randint(most, (), generator=generator)) for most in (count, length))
    backwards = _happens(0.5, generator)
    if count == 1:
        return (source.pixels.float() / 255).expand(length, -1, -1, -1)
    order = [start + shift + int(time * speed) for time in range(length)]
    period = 2 * count - 2
    places = [min(index % period, period - index % period) for index in order]
    return source.pixels[places[::-1] if backwards else places].float() / 255


def _happens(probability: float, generator: torch.Generator) -> bool:
    return torch.rand((), generator=generator).item() < probability
