"""How the matting network of DVM, size small, is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from mattekit.models.dvm.network import MattingNetwork
from mattekit.ops.losses import (
    alpha_loss,
    coherence_loss,
    composition_loss,
    divergence_loss,
    gradient_loss,
    laplacian_loss,
)
from mattekit.types import Sample, Stage

SMALL_MATTING = (
    Stage("stills", steps=1200, batch=6, length=1, size=(160, 160), rate=(6e-4, 3e-4)),
    Stage("clips", steps=800, batch=1, length=5, size=(224, 224), rate=(3e-4, 1e-5)),
    Stage("textured", steps=400, batch=2, length=3, size=(192, 192), rate=(2e-4, 1e-5)),
)


def _mixed(blocks: int, rate: float) -> Iterator[Stage]:
    """Yield stills and clips in turn, the learning rate falling to nearly 0 over all of them."""
    for block in range(blocks):
        begin, middle, end = (rate * (1 - (block + part) / blocks) + 2e-6 for part in (0, 0.6, 1))
        yield Stage(f"stills {block}", steps=120, batch=2, length=1, size=(256, 256), rate=(begin, middle))
        yield Stage(f"clips {block}", steps=80, batch=1, length=3, size=(256, 256), rate=(middle, end), gap=2)


SMALL_MATTING_AGAIN = tuple(_mixed(12, 4e-4))
"""What is trained when the network begins from weights that are already good."""


class MattingRecipe:
    """All losses of the paper, and a Laplacian one, on every frame of a clip; hopeless clips count less.

    Args:
        network: The network in training.
        stages: What is trained in order.
    """

    def __init__(self, network: MattingNetwork, *, stages: Sequence[Stage] = SMALL_MATTING) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms by name."""
        return self.weighted(self.network(sample.frames, sample.trimap, fused=stage.length > 1), sample)

    def weighted(self, alpha: Tensor, sample: Sample) -> dict[str, Tensor]:
        """Return the weighted loss terms of an alpha (B, T, 1, H, W) by name."""
        unknown = (sample.trimap == 0.5).to(sample.frames.dtype)
        alpha, true = alpha.float(), sample.alpha_true
        weight = unknown * _ease(alpha, true, unknown)
        return {
            "alpha": alpha_loss(alpha, true, weight),
            "composition": 0.5
            * composition_loss(alpha, sample.foreground_true, sample.background_true, sample.frames, weight),
            "gradient": gradient_loss(alpha, true, weight),
            "divergence": 0.1 * divergence_loss(alpha, true),
            "coherence": 5 * coherence_loss(alpha, true, weight),
            "laplacian": 0.5 * laplacian_loss(alpha, true, weight),
        }


def _ease(alpha: Tensor, alpha_true: Tensor, unknown: Tensor) -> Tensor:
    """Return a weight a clip, about 1 where alpha is nearly right, small where even this network is far off.

    Veils and sparks over a like background cannot be told apart by anyone; unweighted they would drown the rest.
    """
    error = ((alpha.detach() - alpha_true).abs() * unknown).sum((1, 2, 3, 4), keepdim=True)
    return 0.15 / (0.15 + error / unknown.sum((1, 2, 3, 4), keepdim=True).clamp_min(1))
