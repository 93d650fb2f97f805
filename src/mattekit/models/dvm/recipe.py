"""How the two networks of DVM, size small, are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    Stage("stills", steps=1000, batch=6, length=1, size=(192, 192), rate=(8e-4, 5e-4)),
    Stage("clips", steps=1600, batch=1, length=5, size=(192, 192), rate=(5e-4, 3e-5)),
)
SMALL_PROPAGATION = (
    Stage("near", steps=800, batch=2, length=4, size=(192, 192), rate=(1e-3, 8e-4), gap=4),
    Stage("far", steps=2400, batch=2, length=4, size=(256, 256), rate=(8e-4, 5e-5), gap=14),
)


class MattingRecipe:
    """All losses of the paper, and a Laplacian one, on every frame of a clip.

    Args:
        network: The network in training.
        stages: What is trained in order.
    """

    def __init__(self, network: MattingNetwork, *, stages: Sequence[Stage] = SMALL_MATTING) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms by name."""
        unknown = (sample.trimap == 0.5).to(sample.frames.dtype)
        alpha = self.network(sample.frames, sample.trimap).float()
        true = sample.alpha_true
        return {
            "alpha": alpha_loss(alpha, true, unknown),
            "composition": 0.5
            * composition_loss(alpha, sample.foreground_true, sample.background_true, sample.frames, unknown),
            "gradient": gradient_loss(alpha, true, unknown),
            "divergence": divergence_loss(alpha, true),
            "coherence": 5 * coherence_loss(alpha, true, unknown),
            "laplacian": 0.25 * laplacian_loss(alpha, true, unknown),
        }


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
