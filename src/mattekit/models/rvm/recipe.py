"""How RVM is trained: the paper's loss terms, and segmentation in steps of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError
from mattekit.models.rvm.network import MattingNetwork
from mattekit.nn.backbones import ResNetFeatures, start_from_imagenet
from mattekit.ops.binomial import binomial_laplacian_loss
from mattekit.ops.losses import coherence_loss
from mattekit.types import Sample, Stage

COHERENCE = 5
"""Weight of both coherence terms; that of all others is 1."""
SEGMENTATION = "segmentation"


class RvmRecipe:
    """All losses of the paper over every frame of a clip; no trimap is looked at.

    A stage of kind "segmentation" trains the segmentation head on the mask of people in ``alpha_true``, at full size;
    any other trains alpha and foreground at the stage's ratio, through the guided filter where that is below 1.

    Args:
        network: The network in training.
        stages: What is trained in order.

    Raises:
        InputError: There is no stage.

    Source: Lin et al., Robust high-resolution video matting with temporal guidance, WACV 2022, section 4.2; coherence
    is a mean square, as in its training code, where the paper prints a 2-norm.
    """

    def __init__(self, network: MattingNetwork, *, stages: Sequence[Stage]) -> None:
        if not stages:
            raise InputError("a recipe must have stages; got none: name at least one")
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms of one batch by name."""
        if stage.kind == SEGMENTATION:
            logits, _ = self.network.segment(sample.frames)
            return {"segmentation": segmentation_loss(logits, sample.alpha_true)}
        found = self.network(sample.frames, ratio=stage.ratio)
        return matting_terms(found.alpha, found.foreground, sample.alpha_true, sample.foreground_true)


def matting_terms(alpha: Tensor, foreground: Tensor, alpha_true: Tensor, foreground_true: Tensor) -> dict[str, Tensor]:
    """Return the weighted loss terms of alpha (B, T, 1, H, W) and straight foreground (B, T, 3, H, W) by name.

    Foreground counts where true alpha is above 0; elsewhere its error is 0 and is averaged with the rest.
    """
    alpha, foreground = alpha.float(), foreground.float()
    there = (alpha_true > 0).to(foreground.dtype)
    coloured, coloured_true = foreground * there, foreground_true * there
    return {
        "alpha": (alpha - alpha_true).abs().mean(),
        "laplacian": binomial_laplacian_loss(alpha, alpha_true),
        "coherence": COHERENCE * coherence_loss(alpha, alpha_true),
        "foreground": (coloured - coloured_true).abs().mean(),
        "foreground coherence": COHERENCE * coherence_loss(coloured, coloured_true),
    }


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits (B, T, 1, H, W) and a mask in [0, 1] of the same shape."""
    return functional.binary_cross_entropy_with_logits(logits.float(), mask)


def begin_from_imagenet(network: MattingNetwork) -> None:
    """Fill the encoder with torchvision's ImageNet weights; a download once, into torch's cache.

    Raises:
        WeightsError: They can be had neither from the cache nor from the network.
    """
    residual = isinstance(network.backbone, ResNetFeatures)
    start_from_imagenet(network.backbone, "resnet50" if residual else "mobilenet_v3_large")
