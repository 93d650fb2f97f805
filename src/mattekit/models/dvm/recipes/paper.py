"""The two recipes of the paper, for networks of any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_choice
from mattekit.models.dvm.network import MattingNetwork
from mattekit.models.dvm.recipes.predict import Matting, Propagation, predict_logits, predict_targets
from mattekit.ops.losses import (
    alpha_loss,
    coherence_loss,
    composition_loss,
    divergence_loss,
    gradient_loss,
    paper_alpha_loss,
    paper_gradient_loss,
)
from mattekit.types import Sample, Stage

DEVIATION = (0.229, 0.224, 0.225)
"""Standard deviation of the colours of photographs by channel; composites are compared in units of it."""

AlphaTerm = Callable[[Tensor, Tensor, Tensor], Tensor]

LOSSES: Mapping[str, tuple[AlphaTerm, AlphaTerm, float]] = {
    "code": (alpha_loss, gradient_loss, 0.5),
    "paper": (paper_alpha_loss, paper_gradient_loss, 1.0),
}
"""By name the alpha and the gradient term, and the weight of the composition term; all other weights are 1."""


class PaperMattingRecipe:
    """The five losses of the paper on the target frame, and a sixth on the alpha before a refine stage.

    The target of a symmetric window is the middle frame; the coherence term also needs the frame before it, whose
    window repeats the clip's first frame where it leaves the clip. The targets of the released form are the last two
    frames.

    Args:
        network: A matting network of any size.
        stages: What is trained in order; see `paper_matting_stages`.
        losses: A name in `LOSSES`: "code", the terms of the published training command, or "paper", as printed.

    Raises:
        InputError: The losses are unknown.

    Source: DVM, section 3 and its training code. Composites are straight; the code's are premultiplied once too often.
    """

    def __init__(self, network: Matting, *, stages: Sequence[Stage], losses: str = "code") -> None:
        check_choice("losses", losses, tuple(LOSSES))
        self.network, self.stages = network, stages
        self._alpha, self._gradient, self._composition = LOSSES[losses]
        self._causal = not isinstance(network, MattingNetwork) and network.after == 0 and network.before > 0

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms by name."""
        length = sample.frames.shape[1]
        last = length - 1 if self._causal else length // 2
        targets = [last - 1, last] if length > 1 else [last]
        alphas = predict_targets(self.network, sample, targets)
        scored = targets if self._causal else targets[-1:]
        alpha = alphas.best.float()[:, -len(scored) :]
        true, unknown = sample.alpha_true[:, scored], (sample.trimap[:, scored] == 0.5).to(sample.frames.dtype)
        deviation = torch.tensor(DEVIATION, device=alpha.device)[:, None, None]
        foreground, background, frames = (
            colour[:, scored] / deviation for colour in (sample.foreground_true, sample.background_true, sample.frames)
        )
        terms = {
            "alpha": self._alpha(alpha, true, unknown),
            "composition": self._composition * composition_loss(alpha, foreground, background, frames, unknown),
            "gradient": self._gradient(alpha, true, unknown),
            "divergence": divergence_loss(alpha, true),
            "coherence": coherence_loss(alphas.best.float(), sample.alpha_true[:, targets]),
        }
        if alphas.refined is not None:
            terms["coarse"] = self._alpha(alphas.coarse.float()[:, -len(scored) :], true, unknown)
        return terms


class PaperPropagationRecipe:
    """Mean cross-entropy over all pixels of the trimap of one frame, carried from another.

    Args:
        network: A propagation network of any size.
        stages: What is trained in order; see `paper_propagation_stages`.

    Source: DVM, section 3; the paper does not name the loss.
    """

    def __init__(self, network: Propagation, *, stages: Sequence[Stage]) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the cross-entropy; the first frame of each clip is the reference."""
        labels = (2 * sample.trimap[:, 1:, 0]).round().to(torch.long).flatten(0, 1)
        return {"classes": functional.cross_entropy(predict_logits(self.network, sample), labels)}
