"""The stages of the paper's two recipes, one an epoch, and of a recipe that is over in seconds."""

from __future__ import annotations

from mattekit.types import Stage

MATTING_EPOCHS, PROPAGATION_EPOCHS = 100, 75
PROPAGATION_BATCH = 4
SIZE = (320, 320)
FLAT_EPOCHS = 20
GAP = 20
"""Largest distance in time of the two frames of a pair."""


def matting_rate(epoch: int) -> float:
    """Return the learning rate of an epoch of matting, counted from 0: flat for 20 epochs, then linear to a floor.

    Example:
        >>> f"{matting_rate(19):.3g} {matting_rate(59):.3g} {matting_rate(99):.3g}"
        '5e-05 2.53e-05 5e-06'

    Source: the training code of DVM; the paper's "rate of 0.98" contradicts its linear decay and is left out.
    """
    return max(5e-5 * (1 - max(0, epoch + 1 - FLAT_EPOCHS) / 81), 5e-6)


def paper_matting_stages(
    foregrounds: int, *, batch: int = 1, length: int = 5, epochs: int = MATTING_EPOCHS
) -> tuple[Stage, ...]:
    """Return the stages of matting: in each epoch one clip of every foreground.

    Args:
        foregrounds: That are trained on.
        batch: Clips a step; 1 in the paper.
        length: Frames a clip: the whole window of the middle frame, 5 in the paper.
        epochs: 100 in the paper.
    """
    steps = -(-foregrounds // batch)
    return tuple(
        Stage(f"epoch {epoch + 1}", steps, batch, length, SIZE, (matting_rate(epoch), matting_rate(epoch)))
        for epoch in range(epochs)
    )


def paper_propagation_stages(
    foregrounds: int, *, batch: int = PROPAGATION_BATCH, epochs: int = PROPAGATION_EPOCHS
) -> tuple[Stage, ...]:
    """Return the stages of trimap propagation: pairs of frames, the rate falling from 1e-3 to 1e-4 over all of them.

    Args:
        foregrounds: That are trained on.
        batch: Pairs a step; 4 in the paper.
        epochs: 75 in the paper.
    """
    steps = -(-foregrounds // batch)
    rates = [1e-3 - 9e-4 * epoch / epochs for epoch in range(epochs + 1)]
    return tuple(
        Stage(f"epoch {epoch + 1}", steps, batch, 2, SIZE, (rates[epoch], rates[epoch + 1]), GAP)
        for epoch in range(epochs)
    )


def tiny_stages(network: str) -> tuple[Stage, ...]:
    """Return a few steps on small crops, to try everything out.

    Args:
        network: "matting" or "propagation".
    """
    rates = ((1e-3, 5e-4), (5e-4, 1e-4))
    if network == "propagation":
        return tuple(Stage(f"tiny {part + 1}", 4, 2, 2, (64, 64), rate, 4) for part, rate in enumerate(rates))
    return tuple(Stage(f"tiny {part + 1}", 4, 2, 3, (64, 64), rate, 2) for part, rate in enumerate(rates))
