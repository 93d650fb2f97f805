"""How the two networks of DVM, size small, are trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.models.dvm.network import MattingNetwork
from mattekit.models.dvm.propagation import PropagationNetwork, Reference
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
SMALL_PROPAGATION = (
    Stage("near", steps=500, batch=2, length=4, size=(192, 192), rate=(1e-3, 8e-4), gap=4),
    Stage("far", steps=1900, batch=2, length=4, size=(256, 256), rate=(8e-4, 5e-5), gap=14),
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
        unknown = (sample.trimap == 0.5).to(sample.frames.dtype)
        alpha = self.network(sample.frames, sample.trimap, fused=stage.length > 1).float()
        true = sample.alpha_true
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


class PropagationRecipe:
    """Mean cross-entropy of the trimap of every other frame of a clip, carried from one frame of it.

    Args:
        network: The network in training.
        stages: What is trained in order.
    """

    def __init__(self, network: PropagationNetwork, *, stages: Sequence[Stage] = SMALL_PROPAGATION) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the cross-entropy; the first frame of each clip is the reference."""
        targets = sample.frames.shape[1] - 1
        one = self.network.remember(sample.frames[:, 0], sample.trimap[:, 0])
        reference = Reference(one.key.repeat_interleave(targets, 0), one.memory.repeat_interleave(targets, 0))
        logits = self.network(sample.frames[:, 1:].flatten(0, 1), reference).float()
        logits = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
        labels = (2 * sample.trimap[:, 1:, 0]).round().to(torch.long).flatten(0, 1)
        return {"classes": functional.cross_entropy(logits, labels)}
