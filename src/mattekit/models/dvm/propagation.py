"""Trimap propagation: a reference frame and its trimap, carried to a target frame by cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import check_rank, check_same_size
from mattekit.nn.blocks import ConvNorm, ResidualBlock, UpStep, zero_parameters

STRIDE = 16
WIDTHS = (16, 48, 96, 144)
CLASSES = 3  # background, unknown, foreground


@dataclass(frozen=True)
class Reference:
    """A key frame as the network remembers it, at stride 8.

    Attributes:
        key: (N, tokens, channels) with the place appended.
        memory: (N, tokens, channels) what is read out, the trimap's class shares last.
    """

    key: Tensor
    memory: Tensor


class FrameEncoder(nn.Module):
    """A small residual network; returns features at strides 2 and 4, and at 8 with the view of stride 16."""

    def __init__(self, inputs: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        two, four, eight, sixteen = widths
        self.at_two = ConvNorm(inputs, two, stride=2)
        self.at_four = nn.Sequential(ConvNorm(two, four, stride=2), ResidualBlock(four))
        self.at_eight = nn.Sequential(ConvNorm(four, eight, stride=2), ResidualBlock(eight))
        self.at_sixteen = nn.Sequential(
            ConvNorm(eight, sixteen, stride=2), ResidualBlock(sixteen), ResidualBlock(sixteen)
        )
        self.lateral = ConvNorm(sixteen, eight, kernel=1, active=False)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, inputs, H, W), sides multiples of 16, to features at strides 2, 4 and 8."""
        two = self.at_two(picture)
        four = self.at_four(two)
        eight = self.at_eight(four)
        raised = functional.interpolate(self.lateral(self.at_sixteen(eight)), scale_factor=2.0, mode="nearest")
        return two, four, functional.relu(eight + raised)


class PropagationNetwork(nn.Module):
    """Trimap of a target frame from one reference frame with its trimap.

    The query is made from the target's feature, the key from the same encoder's feature of the reference frame, the
    memory from a second encoder that sees reference frame and trimap; the read-out is added to the target's feature.
    The memory does not influence the scores. Keys and queries also hold their place, so that near tokens are
    preferred by a learnt amount; the read-out also holds the reference trimap's classes themselves.

    Source: DVM, section 3 (trimap propagation); stride 8, the place and the classes in the memory are ours.
    """

    def __init__(self, *, widths: Sequence[int] = WIDTHS, channels: int = 64) -> None:
        super().__init__()
        two, four, eight, _ = widths
        self.target_encoder = FrameEncoder(3, widths)
        self.reference_encoder = FrameEncoder(3 + CLASSES, widths)
        self.query = nn.Conv2d(eight, channels, 1)
        self.key = nn.Conv2d(eight, channels, 1)
        self.memory = nn.Conv2d(eight, channels, 1)
        self.nearness = nn.Parameter(torch.tensor(3.7))  # log of the fall over a picture's long side, squared
        self.sharpness = nn.Parameter(torch.tensor(2.0))
        self.read = nn.Conv2d(channels, eight, 1)
        zero_parameters(self.read)
        self.merge = ConvNorm(eight + CLASSES, eight)
        self.to_four = UpStep(eight, four, 32)
        self.to_two = UpStep(32, two, 16)
        self.head = nn.Conv2d(16, CLASSES, 3, padding=1)

    def remember(self, frame: Tensor, trimap: Tensor) -> Reference:
        """Encode key frames once.

        Args:
            frame: (N, 3, H, W) in [0, 1]; sides multiples of 16.
            trimap: (N, 1, H, W) in {0, 0.5, 1}.
        """
        check_rank("frame", frame, "N 3 H W")
        check_same_size("frame", frame, "trimap", trimap)
        classes = class_shares(trimap)
        seen = 2 * frame - 1
        plain = self.target_encoder(seen)[2]
        informed = self.reference_encoder(torch.cat((seen, classes), dim=1))[2]
        key = functional.normalize(self.key(plain), dim=1)
        shares = functional.avg_pool2d(classes, 8)
        memory = torch.cat((self.memory(informed), shares), dim=1)
        return Reference(self._placed(key, query=False), _tokens(memory))

    def forward(self, frame: Tensor, reference: Reference) -> Tensor:
        """Return class logits.

        Args:
            frame: (N, 3, H, W) in [0, 1]; sides multiples of 16.
            reference: What `remember` made, N of them.

        Returns:
            (N, 3, H / 2, W / 2) logits of background, unknown, foreground.
        """
        two, four, eight = self.target_encoder(2 * frame - 1)
        query = self._placed(functional.normalize(self.query(eight), dim=1), query=True)
        found = functional.scaled_dot_product_attention(
            query[:, None], reference.key[:, None], reference.memory[:, None], scale=1.0
        )[:, 0]
        found = found.transpose(1, 2).unflatten(2, eight.shape[-2:])
        carried, shares = found[:, :-CLASSES], found[:, -CLASSES:]
        fused = self.merge(torch.cat((eight + self.read(carried), 2 * shares - 1), dim=1))
        logits: Tensor = self.head(self.to_two(self.to_four(fused, four), two))
        return logits

    def _placed(self, feature: Tensor, *, query: bool) -> Tensor:
        """Return tokens with their place, so that a product with the other kind falls with squared distance."""
        height, width = feature.shape[-2:]
        scale = 1.0 / max(height, width)
        y = torch.arange(height, device=feature.device, dtype=feature.dtype).mul(scale)[:, None].expand(height, width)
        x = torch.arange(width, device=feature.device, dtype=feature.dtype).mul(scale)[None].expand(height, width)
        near = self.nearness.exp()
        if query:
            place = torch.stack((x, y, torch.ones_like(x)))
            feature = feature * self.sharpness.exp()
        else:
            place = torch.stack((2 * near * x, 2 * near * y, -near * (x * x + y * y)))
        return _tokens(torch.cat((feature, place[None].expand(len(feature), -1, -1, -1).to(feature.dtype)), dim=1))


def class_shares(trimap: Tensor) -> Tensor:
    """Return one channel a class, (N, 3, H, W): background, unknown, foreground.

    Args:
        trimap: (N, 1, H, W) in {0, 0.5, 1}.
    """
    return torch.cat([(trimap == value).to(torch.float32) for value in (0, 0.5, 1)], dim=1)


def _tokens(feature: Tensor) -> Tensor:
    return feature.flatten(2).transpose(1, 2)
