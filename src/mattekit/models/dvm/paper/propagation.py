"""Trimap propagation of size paper: two ResNet-34 encoders, one correlation of all places, and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import InputError, check_choice, check_rank, check_same_size
from mattekit.models.dvm.paper.inputs import network_input, pad_picture, standardise
from mattekit.models.dvm.paper.network import BACKBONES, WIDTH
from mattekit.nn.backbones import ResNetFeatures, start_from_imagenet
from mattekit.nn.blocks import ConvNorm, zero_parameters
from mattekit.ops.resize import resize, size_within
from mattekit.ops.trimap import likeliest_class, trimap_confidence
from mattekit.types import Propagated, State

KIND = "resnet34"
CLASSES = 3
"""Background, unknown, foreground."""
STAGES = {16: 3, 32: 4}
"""Stages of the encoders by the stride at which frames are correlated."""
SCORES_MB = 256


@dataclass(frozen=True)
class Reference:
    """A key frame as the network remembers it.

    Attributes:
        key: (N, tokens, channels).
        memory: (N, tokens, channels), what is read out.
    """

    key: Tensor
    memory: Tensor


class PaperPropagation(nn.Module):
    """Trimap of a target frame from one reference frame with its trimap.

    Args:
        stride: At which frames are correlated, 16 or 32.
        width: Channels of the stems, from which all others follow; even, 64 in the paper.
        backbone: "imagenet" starts both encoders from torchvision's weights, which are downloaded at the first use;
            "random" does not.
        scores_mb: Units of 2^20 bytes that the scores of one part of the queries may take; changes no result.

    Raises:
        InputError: An unknown stride or backbone, or a number out of range.
        WeightsError: ImageNet weights cannot be had.

    Source: DVM, section 3 (trimap propagation) and Wang et al., Non-local neural networks, CVPR 2018; the stride, the
    widths and the decoder are ours, since the paper does not give them.
    """

    def __init__(
        self, *, stride: int = 16, width: int = WIDTH, backbone: str = "random", scores_mb: int = SCORES_MB
    ) -> None:
        super().__init__()
        check_choice("backbone", backbone, BACKBONES)
        check_choice("stride", str(stride), [str(known) for known in STAGES])
        if width < 2 or width % 2 or scores_mb < 1:
            raise InputError(f"width must be even and scores_mb 1 or more; got {width} and {scores_mb}")
        self.scores_mb = scores_mb
        self.reference_encoder = ResNetFeatures(KIND, inputs=4, width=width, stages=STAGES[stride])
        self.target_encoder = ResNetFeatures(KIND, width=width, stages=STAGES[stride])
        *skips, deepest = self.target_encoder.widths
        self.query = nn.Conv2d(deepest, deepest // 2, 1)
        self.key = nn.Conv2d(deepest, deepest // 2, 1)
        self.memory = nn.Conv2d(deepest, deepest, 1)
        self.read = nn.Conv2d(deepest, deepest, 1)
        zero_parameters(self.read)  # training starts from the plain target feature
        self.reduce = ConvNorm(deepest, deepest // 2)
        outputs = [width // 2, *skips[1:]]  # by skip, from stride 2 on
        inputs = [*outputs[1:], deepest // 2]
        self.steps = nn.ModuleList(
            ConvNorm(below + skip, above) for below, skip, above in zip(inputs, skips, outputs, strict=True)
        )
        self.head = nn.Conv2d(outputs[0], CLASSES, 3, padding=1)
        if backbone == "imagenet":
            start_from_imagenet(self.reference_encoder, KIND)
            start_from_imagenet(self.target_encoder, KIND)

    def remember(self, frame: Tensor, trimap: Tensor) -> Reference:
        """Encode key frames once: frame (N, 3, H, W) in [0, 1], trimap (N, 1, H, W) in {0, 0.5, 1}, any size."""
        check_rank("frame", frame, "N 3 H W")
        check_rank("trimap", trimap, "N 1 H W")
        check_same_size("frame", frame, "trimap", trimap)
        feature = self.reference_encoder(pad_picture(network_input(frame, trimap)))[-1]
        return Reference(_tokens(self.key(feature)), _tokens(self.memory(feature)))

    def forward(self, frame: Tensor, reference: Reference) -> Tensor:
        """Return class logits (N, 3, H, W), background, unknown, foreground, of frames (N, 3, H, W) in [0, 1]."""
        check_rank("frame", frame, "N 3 H W")
        *skips, deepest = self.target_encoder(pad_picture(standardise(frame)))
        found = self._correlate(_tokens(self.query(deepest)), reference)
        fused = deepest + self.read(found.transpose(1, 2).unflatten(2, deepest.shape[-2:]))
        feature = self.reduce(fused)
        for step, skip in zip(reversed(self.steps), reversed(skips), strict=True):
            feature = step(torch.cat((_double(feature), skip), dim=1))
        logits: Tensor = self.head(_double(feature))
        return logits[..., : frame.shape[-2], : frame.shape[-1]]

    def _correlate(self, query: Tensor, reference: Reference) -> Tensor:
        """Read the memory out for every query, part by part, so that scores keep to their budget."""
        row = 4 * query.shape[0] * reference.key.shape[1]  # bytes of the scores of one query
        rows = max(1, (self.scores_mb << 20) // row)
        parts = [
            functional.scaled_dot_product_attention(part[:, None], reference.key[:, None], reference.memory[:, None])
            for part in query.split(rows, dim=1)
        ]
        return torch.cat(parts, dim=2)[:, 0]


class PaperPropagator:
    """Trimap propagation as `mattekit.types.Propagator`.

    Args:
        network: The propagation network.
        longest: Long side in px of the working size; larger frames are shrunk.
    """

    def __init__(self, network: PaperPropagation, *, longest: int = 1920) -> None:
        self.network, self.longest = network, longest

    @torch.inference_mode()
    def reference(self, frame: Tensor, trimap: Tensor) -> Reference:
        """Encode a key frame (3, H, W) with its trimap (1, H, W) once."""
        check_rank("frame", frame, "3 H W")
        check_rank("trimap", trimap, "1 H W")
        check_same_size("frame", frame, "trimap", trimap)
        size = self._working_size(frame)
        shares = resize(torch.stack((trimap == 0, trimap == 1), dim=1).to(frame.dtype), size)
        small = torch.where(shares[:, 1:] > 0.999, 1.0, torch.where(shares[:, :1] > 0.999, 0.0, 0.5))
        return self.network.remember(resize(frame[None], size), small.to(frame.dtype))

    @torch.inference_mode()
    def step(self, frame: Tensor, references: Sequence[Reference], state: State = None) -> Propagated:
        """Return the trimap of a frame (3, H, W), carried from the nearest key frame alone, as in the paper."""
        check_rank("frame", frame, "3 H W")
        logits = self.network(resize(frame[None], self._working_size(frame)), references[0])
        size = (frame.shape[-2], frame.shape[-1])
        if logits.shape[-2:] != frame.shape[-2:]:
            logits = functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)
        return Propagated(likeliest_class(logits).to(frame.dtype) / 2, trimap_confidence(logits[0]))

    def _working_size(self, frame: Tensor) -> tuple[int, int]:
        return size_within((frame.shape[-2], frame.shape[-1]), self.longest)


def _tokens(feature: Tensor) -> Tensor:
    return feature.flatten(2).transpose(1, 2)


def _double(feature: Tensor) -> Tensor:
    return functional.interpolate(feature, scale_factor=2.0, mode="bilinear", align_corners=False)
