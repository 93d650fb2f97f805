"""What a network in training is asked for, the same for every size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import InputError
from mattekit.models.dvm.network import MattingNetwork
from mattekit.models.dvm.paper import Alphas, PaperNetwork, PaperPropagation
from mattekit.models.dvm.paper.propagation import Reference as PaperReference
from mattekit.models.dvm.propagation import PropagationNetwork, Reference, class_shares
from mattekit.types import Sample

Matting = MattingNetwork | PaperNetwork
Propagation = PropagationNetwork | PaperPropagation


def predict_targets(network: nn.Module, sample: Sample, targets: Sequence[int]) -> Alphas:
    """Return the alphas (B, S, 1, H, W) of S frames of clips.

    Args:
        network: A matting network of any size.
        sample: Clips with trimaps.
        targets: Numbers of the frames, in a clip.

    Raises:
        InputError: The network makes no alpha.
    """
    if isinstance(network, PaperNetwork):
        alphas: Alphas = network(sample.frames, sample.trimap, targets=targets)
        return alphas
    if isinstance(network, MattingNetwork):
        return Alphas(network(sample.frames, sample.trimap)[:, list(targets)], None)
    raise InputError(f"a matting network must make alpha; got {type(network).__name__}")


def predict_alpha(network: nn.Module, sample: Sample) -> Tensor:
    """Return the alpha (B, T, 1, H, W) of all frames of clips."""
    return predict_targets(network, sample, range(sample.frames.shape[1])).best


def predict_logits(network: nn.Module, sample: Sample) -> Tensor:
    """Return the class logits (B (T - 1), 3, H, W) of all frames but the first, whose trimap is given.

    Args:
        network: A propagation network of any size.
        sample: Clips with trimaps.

    Raises:
        InputError: The network carries no trimaps.
    """
    if not isinstance(network, Propagation):
        raise InputError(f"a propagation network must carry trimaps; got {type(network).__name__}")
    size = [int(side) for side in sample.frames.shape[-2:]]
    if isinstance(network, PropagationNetwork):
        return _carried(network, sample, size)
    targets = sample.frames.shape[1] - 1
    one = network.remember(sample.frames[:, 0], sample.trimap[:, 0])
    parts = [part.repeat_interleave(targets, 0) for part in (one.key, one.memory)]
    logits = network(sample.frames[:, 1:].flatten(0, 1), PaperReference(*parts)).float()
    return logits if list(logits.shape[-2:]) == size else _enlarged(logits, size)


def _carried(network: PropagationNetwork, sample: Sample, size: list[int]) -> Tensor:
    """Return the class logits of all frames but the first, each carried from the first and from the one before."""
    key = network.remember(network.look(sample.frames[:, 0]), class_shares(sample.trimap[:, 0]))
    references: list[Reference] = [key]
    logits = []
    for time in range(1, sample.frames.shape[1]):
        seen = network.look(sample.frames[:, time])
        logits.append(_enlarged(network.decode(seen, *network.match(seen, references)).float(), size))
        references = [key, network.remember(seen, logits[-1].softmax(dim=1), previous=True)]
    return torch.stack(logits, dim=1).flatten(0, 1)


def predict_trimap(network: nn.Module, sample: Sample) -> Tensor:
    """Return the trimap (B, T, 1, H, W) of all frames of clips; the first is as given."""
    classes = predict_logits(network, sample).argmax(dim=1, keepdim=True).to(sample.trimap.dtype) / 2
    rest = classes.unflatten(0, (len(sample.frames), -1))
    return torch.cat((sample.trimap[:, :1], rest), dim=1)


def _enlarged(logits: Tensor, size: list[int]) -> Tensor:
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)
