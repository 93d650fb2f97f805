"""Validation while training: the same few clips each time, from sources that training never sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mattekit.checks import InputError
from mattekit.metrics import dvm, mean_score
from mattekit.ops.trimap import UNKNOWN
from mattekit.types import Sample

Predict = Callable[[nn.Module, Sample], Tensor]
Errors = Callable[[Sequence[Tensor], Sequence[Sample]], dict[str, float]]


@dataclass(frozen=True)
class Validation:
    """What is measured while training, and how often.

    Attributes:
        clips: Each a batch of one; kept on the CPU.
        predict: Makes (1, T, 1, H, W) alpha or trimap of a clip with a network in evaluation mode.
        errors: Measures all predictions; less is better, and the first number chooses the best weights.
        every: Steps between validations; there is one at the end too.
        truth: The attribute of a clip that predictions are shown beside.

    Raises:
        InputError: There are no clips, or ``every`` is below 1.
    """

    clips: Sequence[Sample]
    predict: Predict
    errors: Errors
    every: int = 200
    truth: str = "alpha_true"

    def __post_init__(self) -> None:
        if not self.clips or self.every < 1:
            raise InputError(
                f"validation must have clips and a positive interval; got {len(self.clips)} and {self.every}"
            )


def predict_all(validation: Validation, network: nn.Module, *, device: torch.device) -> list[Tensor]:
    """Return the prediction of every clip, on the CPU; the network's mode is left as it was."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            return [validation.predict(network, to_device(clip, device)).float().cpu() for clip in validation.clips]
    finally:
        for module, mode in modes:
            module.training = mode


def to_device(sample: Sample, device: torch.device | str) -> Sample:
    """Return a sample with all its tensors on a device."""
    moved = {name: value.to(device) for name, value in vars(sample).items() if value is not None}
    return replace(sample, **moved)


def alpha_errors(alphas: Sequence[Tensor], clips: Sequence[Sample]) -> dict[str, float]:
    """Return SAD, MSE and dtSSD over unknown pixels, the mean over clips.

    Args:
        alphas: (1, T, 1, H, W) in [0, 1] for each clip. Where there are fewer frames than in the clip, they are its
            middle ones.
        clips: With trimap and truth.

    Source: the convention `dvm` of `mattekit.metrics`.
    """
    scores = []
    for alpha, clip in zip(alphas, clips, strict=True):
        inside = middle(clip.frames.shape[1], alpha.shape[1])
        scores.append(dvm(alpha[0], clip.alpha_true[0, inside], clip.trimap[0, inside]))
    mean = mean_score(scores)
    named = {"SAD": mean.sad, "MSE": mean.mse, "dtSSD": mean.dtssd}
    return {name: value for name, value in named.items() if value is not None}


def frame_errors(alphas: Sequence[Tensor], clips: Sequence[Sample]) -> dict[str, float]:
    """Return MAD and MSE, times 1000, and dtSSD, times 100, over whole frames, the mean over clips.

    Args:
        alphas: (1, T, 1, H, W) in [0, 1] for each clip.
        clips: With the truth.

    Source: the regions and factors of the conventions `rvm-lr` and `rvm-hr`; dtSSD is the root of the mean over a
    frame, and a mean over pairs of frames.
    """
    rows = []
    for alpha, clip in zip(alphas, clips, strict=True):
        found, true = alpha[0].double(), clip.alpha_true[0].double()
        error = found - true
        change = error.diff(dim=0).square().mean(dim=(1, 2, 3)).sqrt()
        rows.append([error.abs().mean(), error.square().mean(), change.mean() if len(change) else error.sum() * 0])
    mean = torch.tensor(rows, dtype=torch.float64).mean(dim=0) * torch.tensor([1e3, 1e3, 1e2])
    return dict(zip(("MAD", "MSE", "dtSSD"), mean.tolist(), strict=True))


def trimap_errors(trimaps: Sequence[Tensor], clips: Sequence[Sample]) -> dict[str, float]:
    """Return the share of wrong pixels, and how far unknown regions miss each other (1 - intersection over union).

    Args:
        trimaps: (1, T, 1, H, W) in {0, 0.5, 1} for each clip; the first frame, which was given, does not count.
        clips: With the true trimaps.
    """
    wrong, missed = [], []
    for trimap, clip in zip(trimaps, clips, strict=True):
        found, true = trimap[0, 1:], clip.trimap[0, 1:]
        wrong.append((found != true).double().mean())
        one, other = found == UNKNOWN, true == UNKNOWN
        missed.append(1 - (one & other).sum().double() / (one | other).sum().clamp_min(1))
    means: Mapping[str, Tensor] = {"wrong": torch.stack(wrong).mean(), "unknown missed": torch.stack(missed).mean()}
    return {name: float(value) for name, value in means.items()}


def middle(frames: int, wanted: int) -> slice:
    """Return where the middle frames of a clip are.

    Example:
        >>> middle(5, 1), middle(6, 2)
        (slice(2, 3, None), slice(2, 4, None))
    """
    first = (frames - wanted) // 2
    return slice(first, first + wanted)
