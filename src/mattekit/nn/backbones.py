"""Residual networks as encoders: features at every stride, any number of input planes, ImageNet weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck

from mattekit.checks import InputError, WeightsError, check_choice, one_line

KINDS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}
"""Block and number of blocks a stage of each kind, as torchvision names and builds them."""

MOBILE = ("mobilenet_v2", "mobilenet_v3_large")
"""Further kinds that have ImageNet weights."""

FIRST = ("conv1.weight", "features.0.0.weight")
"""What torchvision calls the weights that see the picture."""


class ResNetFeatures(nn.Module):
    """A residual network without its head; parameters are named as torchvision names them.

    Args:
        kind: A name in `KINDS`.
        inputs: Input planes.
        width: Channels of the stem, from which all others follow; 64 is the published network.
        stages: How many of the four stages there are.
        dilated: Whether the fourth stage keeps the third one's size, its stride replaced by a dilation of 2.

    Attributes:
        widths: Channels of the stem and of each stage.

    Raises:
        InputError: The kind is unknown, or the number of stages is not from 1 to 4.

    Source: He et al., Deep residual learning, CVPR 2016; the stride sits on the 3 x 3 convolution of a bottleneck.
    """

    def __init__(self, kind: str, *, inputs: int = 3, width: int = 64, stages: int = 4, dilated: bool = False) -> None:
        super().__init__()
        check_choice("kind", kind, sorted(KINDS))
        if not 1 <= stages <= 4:
            raise InputError(f"stages must be from 1 to 4; got {stages}")
        block, depths = KINDS[kind]
        self.stages = stages
        self.widths = (width, *(width * block.expansion << stage for stage in range(stages)))
        self.conv1 = nn.Conv2d(inputs, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage in range(stages):
            spread = dilated and stage == 3
            stride = 1 if stage == 0 or spread else 2
            dilation = 2 if spread else 1
            layer = _stage(
                block, self.widths[stage], width << stage, depth=depths[stage], stride=stride, dilation=dilation
            )
            self.add_module(f"layer{stage + 1}", layer)

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """Return the features of (N, inputs, H, W) at strides 2, 4, 8, 16 and 32, as far as there are stages.

        A dilated fourth stage stays at stride 16.
        """
        feature = functional.relu(self.bn1(self.conv1(picture)))
        found = [feature]
        feature = functional.max_pool2d(feature, 3, stride=2, padding=1)
        for stage in range(self.stages):
            feature = self.get_submodule(f"layer{stage + 1}")(feature)
            found.append(feature)
        return tuple(found)


def _stage(
    block: type[BasicBlock] | type[Bottleneck], inputs: int, middle: int, *, depth: int, stride: int, dilation: int
) -> nn.Sequential:
    outputs = middle * block.expansion
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, middle, stride, shortcut)]
    return nn.Sequential(*blocks, *(block(outputs, middle, dilation=dilation) for _ in range(depth - 1)))


def start_from_imagenet(network: nn.Module, kind: str) -> None:
    """Fill a network with torchvision's ImageNet weights; input planes beyond three start from zero.

    The first call downloads the file (45 to 100 MB) into torch's cache; later ones read it from there.

    Args:
        network: At the published width, its parameters named as torchvision names them.
        kind: What it was made as, a name in `KINDS` or `MOBILE`.

    Raises:
        WeightsError: The file can be had neither from the cache nor from the network, or does not fit.
    """
    check_choice("kind", kind, sorted((*KINDS, *MOBILE)))
    weights = get_model_weights(kind)["IMAGENET1K_V1"]
    try:
        published = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"ImageNet weights of {kind} must be downloaded once; that failed ({one_line(error)}): connect to the "
            f"internet, or put {weights.url} into {torch.hub.get_dir()}/checkpoints"
        ) from error
    fill_from_imagenet(network, published)


def fill_from_imagenet(network: nn.Module, published: Mapping[str, Tensor]) -> None:
    """Fill a network from the state of torchvision's network of the same kind.

    Args:
        network: Any number of input planes from 3 on; it may lack the last stages.
        published: The state; its classifier is left aside.

    Raises:
        WeightsError: A key is missing or of another shape.
    """
    state = {}
    for key, own in network.state_dict().items():
        if key not in published:
            raise WeightsError(f"ImageNet weights must hold {key}; they do not: take those of the same kind")
        value = published[key]
        if key in FIRST:
            spare = value.new_zeros(len(value), max(0, own.shape[1] - value.shape[1]), *value.shape[2:])
            value = torch.cat((value, spare), dim=1)
        if value.shape != own.shape:
            shapes = f"{tuple(own.shape)}; got {tuple(value.shape)}"
            raise WeightsError(f"{key} of ImageNet weights must have shape {shapes}")
        state[key] = value
    network.load_state_dict(state)
