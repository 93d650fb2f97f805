"""The four stages in which RVM is trained: lengths, sizes, learning rates by part, and whose turn a step is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mattekit.checks import InputError
from mattekit.types import Stage

RECIPES = ("paper", "small", "tiny")
EPOCHS = (15, 2, 1, 5)
"""Of the stages, as the paper has them."""
KINDS = ("matting clips", "matting clips", "matting clips", "matting stills")
"""What foregrounds the stages show: keyed clips first, then stills with alpha of better quality."""
RATES = (
    {"backbone": 1e-4, "aspp": 2e-4, "decoder": 2e-4, "refiner": 0.0},
    {"backbone": 5e-5, "aspp": 1e-4, "decoder": 1e-4, "refiner": 0.0},
    {"backbone": 1e-5, "aspp": 1e-5, "decoder": 1e-5, "refiner": 2e-4},
    {"backbone": 1e-5, "aspp": 1e-5, "decoder": 5e-5, "refiner": 2e-4},
)
"""Learning rates of the parts in each stage; both heads learn as the decoder does."""
APART = ("backbone", "aspp", "refiner")
RATIO = 0.25
"""Share of its size at which a high-resolution clip is first looked at."""
FROM = 2
"""Number of the first stage, from 0, with high-resolution clips."""


@dataclass(frozen=True)
class Scale:
    """How large a training run is.

    Attributes:
        batch: Clips a step.
        lengths: Frames of a low-resolution clip in each stage.
        fine_length: Frames of a high-resolution clip.
        side: Longest side of a low-resolution clip in px; a step draws its sides from half of that on.
        fine_side: The same of a high-resolution clip.
        rate: Factor of all learning rates.
    """

    batch: int = 4
    lengths: tuple[int, int, int, int] = (15, 50, 40, 40)
    fine_length: int = 6
    side: int = 512
    fine_side: int = 2048
    rate: float = 1.0


PAPER = Scale()
SMALL = Scale(batch=2, lengths=(5, 12, 10, 10), fine_length=3, side=224, fine_side=640, rate=2.0)
SMALL_ITERATIONS = (2400, 600, 300, 600)
TINY = Scale(batch=2, lengths=(2, 3, 2, 2), fine_length=2, side=48, fine_side=96, rate=10.0)
TINY_ITERATIONS = (6, 2, 2, 4)


def named_stages(
    recipe: str,
    *,
    frames: Sequence[int],
    backgrounds: int,
    batch: int | None = None,
    segmentation: bool = True,
) -> tuple[Stage, ...]:
    """Return the stages of a recipe by its name.

    Args:
        recipe: One of `RECIPES`; of "paper" an epoch is counted by the sources, the others have fixed lengths.
        frames: Of each foreground, how many it has.
        backgrounds: How many there are.
        batch: Clips a step that the run will have; None takes the recipe's.
        segmentation: Whether segmentation takes its turns.

    Raises:
        InputError: There is no foreground.
    """
    if not frames:
        raise InputError("training must have foregrounds; got none")
    if recipe == "paper":
        counted = paper_iterations(frames, backgrounds, batch=batch or PAPER.batch)
        return four_stages(counted, PAPER, segmentation=segmentation)
    counted, scale = (SMALL_ITERATIONS, SMALL) if recipe == "small" else (TINY_ITERATIONS, TINY)
    return four_stages(counted, scale, segmentation=segmentation)


def paper_iterations(frames: Sequence[int], backgrounds: int, *, batch: int) -> tuple[int, int, int, int]:
    """Return the iterations of each stage: epochs times batches an epoch.

    An epoch of clips begins once at every T-th frame of each; one of stills shows each foreground or each background
    once, whichever are more. Where all foregrounds are stills, or all clips, every stage counts them.

    Args:
        frames: Of each foreground, how many it has; a still has one.
        backgrounds: How many there are.
        batch: Clips a step, over all processes.
    """
    clips = [count for count in frames if count > 1] or list(frames)
    stills = sum(count == 1 for count in frames) or len(frames)
    counts = [sum(-(-count // length) for count in clips) for length in PAPER.lengths[:3]]
    epochs = [*counts, max(stills, backgrounds)]
    one, two, three, four = (times * -(-samples // batch) for times, samples in zip(EPOCHS, epochs, strict=True))
    return one, two, three, four


def four_stages(iterations: Sequence[int], scale: Scale, *, segmentation: bool = True) -> tuple[Stage, ...]:
    """Return the stages.

    One iteration is a low-resolution step, from the third stage on a high-resolution one with the refiner, and a
    segmentation step: of clips after every even iteration, of stills after every odd one, counted from 0. A batch of
    stills has as many pictures as one of clips has frames.

    Args:
        iterations: Of each stage.
        scale: Of the run.
        segmentation: Whether there are segmentation steps.

    Source:
        Lin et al., WACV 2022, section 4, and its supplement. Each step draws its own size, where theirs share one an
        iteration. Learning rates are printed for a batch of four clips.
    """
    stages = []
    for number, count in enumerate(iterations):
        turns = _turns(number, scale, segmentation)
        rates = RATES[number]
        rate = rates["decoder"] * scale.rate
        per_iteration = len(turns) // 2 if segmentation else len(turns)
        stages.append(
            Stage(
                f"stage {number + 1}",
                steps=count * per_iteration,
                batch=scale.batch,
                length=scale.lengths[number],
                size=(scale.side, scale.side),
                rate=(rate, rate),
                kind=KINDS[number],
                factors={f"{part}.": rates[part] / rates["decoder"] for part in APART},
                fresh=number > 0,
                turns=turns,
            )
        )
    return tuple(stages)


def _turns(number: int, scale: Scale, segmentation: bool) -> tuple[Stage, ...]:
    """Return the batches of two iterations of a stage, or of one where there is no segmentation."""
    name, length = f"stage {number + 1}", scale.lengths[number]
    coarse = _turn(f"{name} low", scale.batch, length, scale.side, KINDS[number])
    matting: tuple[Stage, ...] = (coarse,)
    if number >= FROM:
        matting += (_turn(f"{name} high", scale.batch, scale.fine_length, scale.fine_side, KINDS[number], RATIO),)
    if not segmentation:
        return matting
    clips = _turn(f"{name} people in clips", scale.batch, length, scale.side, "segmentation")
    stills = _turn(f"{name} people in stills", scale.batch * length, 1, scale.side, "segmentation")
    return (*matting, clips, *matting, stills)


def _turn(name: str, batch: int, length: int, side: int, kind: str, ratio: float = 1.0) -> Stage:
    half = side // 2
    return Stage(name, 0, batch, length, (side, side), (0.0, 0.0), kind=kind, smallest=(half, half), ratio=ratio)
