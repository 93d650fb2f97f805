"""Trimap propagation: reference frames and their trimaps, carried to a target frame by attention and local matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import check_rank, check_same_size
from mattekit.models.dvm.correspondence import CLASSES, Match, Matcher
from mattekit.nn.blocks import ConvNorm, ResidualBlock, UpStep, zero_parameters

STRIDE = 16
WIDTHS = (16, 48, 96, 144)


@dataclass(frozen=True)
class Seen:
    """What the network makes of a frame alone, computed once whether it is target or reference.

    Attributes:
        two, four, eight: Features at strides 2, 4 and 8.
        compared: What `Matcher.prepare` makes of the one at stride 4.
        picture: (N, 3, H, W) the network's input.
    """

    two: Tensor
    four: Tensor
    eight: Tensor
    compared: Tensor
    picture: Tensor


@dataclass(frozen=True)
class Reference:
    """A frame with a trimap as the network remembers it.

    Attributes:
        key: (N, tokens, channels) at stride 8, with the place appended.
        memory: (N, tokens, channels) what is read out: features, not of a frame before; class shares; place.
        compared: As in `Seen`.
        shares: (N, 3, H / 2, W / 2) class shares of its trimap.
        previous: Whether it is the frame before the target, with a trimap that is itself a guess.
    """

    key: Tensor
    memory: Tensor
    compared: Tensor
    shares: Tensor
    previous: bool = False


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
    """Trimap of a target frame from reference frames with their trimaps.

    For each reference: the query is made from the target's feature, the key from the same encoder's feature of the
    reference frame, the memory from a second encoder that sees reference frame and trimap; the memory does not
    influence the scores. Keys and queries also hold their place, so that near tokens are preferred by a learnt amount.
    The places read out are a first guess of the flow, made finer at stride 4 by local correlation; the reference's
    trimap is moved along it. What the references say is mixed place by place as far as each is trusted, the read-out is
    added to the target's feature, and the decoder corrects the moved trimap.

    Source: DVM, section 3 (trimap propagation); stride 8, places, several references and moved trimaps are ours.
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
        self.matcher = Matcher(four)
        self.read = nn.Conv2d(channels, eight, 1)
        self.merge = ConvNorm(eight + CLASSES, eight)
        self.tell_four = nn.Conv2d(CLASSES + 1, four, 3, padding=1)
        self.tell_two = nn.Conv2d(CLASSES, two, 3, padding=1)
        self.to_four = UpStep(eight, four, 32)
        self.to_two = UpStep(32, two, 16)
        self.head = nn.Conv2d(16, CLASSES + 1, 3, padding=1)
        for layer in (self.read, self.tell_four, self.tell_two):
            zero_parameters(layer)

    def look(self, frame: Tensor) -> Seen:
        """Return what the network makes of frames (N, 3, H, W) in [0, 1], sides multiples of 16."""
        check_rank("frame", frame, "N 3 H W")
        picture = 2 * frame - 1
        two, four, eight = self.target_encoder(picture)
        return Seen(two, four, eight, self.matcher.prepare(four), picture)

    def remember(self, seen: Seen, shares: Tensor, *, previous: bool = False) -> Reference:
        """Encode frames with their trimaps once.

        Args:
            seen: What `look` made of the frames.
            shares: (N, 3, H, W) class shares of the trimaps, as from `class_shares`.
            previous: Whether the trimaps are guesses for the frames before the targets.
        """
        check_same_size("frame", seen.picture, "shares", shares)
        key = functional.normalize(self.key(seen.eight), dim=1)
        coarse = functional.avg_pool2d(shares, 8)
        place = _place(coarse).expand(len(coarse), -1, -1, -1)
        memory = torch.cat((coarse, place), dim=1)
        if not previous:
            informed = self.reference_encoder(torch.cat((seen.picture, shares), dim=1))[2]
            memory = torch.cat((self.memory(informed), memory), dim=1)
        half = functional.avg_pool2d(shares, 2)
        return Reference(self._placed(key, query=False), _tokens(memory), seen.compared, half, previous)

    def match(self, seen: Seen, references: Sequence[Reference]) -> tuple[list[Tensor], list[Match]]:
        """Return what is read out of each reference, at stride 8, and where the target is in it.

        Read out are class shares, and before them, of a key frame, features.
        """
        query = self._placed(functional.normalize(self.query(seen.eight), dim=1), query=True)
        size = (seen.eight.shape[-2], seen.eight.shape[-1])
        own = _place(seen.eight)
        read, matches = [], []
        for reference in references:
            found = _read_out(query, reference).transpose(1, 2).unflatten(2, size)
            away = (found[:, -2:] - own) * (2 * max(size))  # long sides to px at stride 4
            guess = functional.interpolate(away, scale_factor=2.0, mode="bilinear", align_corners=False)
            read.append(found[:, :-2])
            matches.append(self.matcher(seen.compared, reference.compared, reference.shares, guess, reference.previous))
        return read, matches

    def decode(self, seen: Seen, read: Sequence[Tensor], matches: Sequence[Match]) -> Tensor:
        """Return class logits (N, 3, H / 2, W / 2) of background, unknown, foreground.

        Args:
            seen: What `look` made of the targets.
            read: As from `match`.
            matches: As from `match`.
        """
        trust = torch.stack([match.trust for match in matches])
        weight = trust.softmax(dim=0)
        shares = _mixed([part[:, -CLASSES:] for part in read], [functional.avg_pool2d(part, 2) for part in weight])
        keys = [(part[:, :-CLASSES], one) for part, one in zip(read, trust, strict=True) if part.shape[1] > CLASSES]
        preferred = torch.stack([functional.avg_pool2d(one, 2) for _, one in keys]).softmax(dim=0)
        carried = _mixed([part for part, _ in keys], list(preferred))
        fused = self.merge(torch.cat((seen.eight + self.read(carried), 2 * shares - 1), dim=1))
        quarter = _mixed([match.quarter for match in matches], list(weight))
        fine = [functional.interpolate(part, scale_factor=2.0, mode="bilinear", align_corners=False) for part in weight]
        half = _mixed([match.half for match in matches], fine)
        four = seen.four + self.tell_four(torch.cat((quarter, torch.tanh(trust.amax(0) / 4)), dim=1))
        two = seen.two + self.tell_two(half)
        out: Tensor = self.head(self.to_two(self.to_four(fused, four), two))
        prior = (half + 0.02).log()
        return out[:, :CLASSES] + out[:, CLASSES:] * (prior - prior.mean(1, keepdim=True))

    def forward(self, frame: Tensor, references: Sequence[Reference]) -> Tensor:
        """Return class logits (N, 3, H / 2, W / 2) of frames (N, 3, H, W) from one reference or more."""
        seen = self.look(frame)
        return self.decode(seen, *self.match(seen, references))

    def _placed(self, feature: Tensor, *, query: bool) -> Tensor:
        """Return tokens with their place, so that a product with the other kind falls with squared distance."""
        x, y = _place(feature)[0]
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


def _place(like: Tensor) -> Tensor:
    """Return the place of every token, (1, 2, H, W), x then y, in long sides of the picture."""
    height, width = like.shape[-2:]
    scale = 1.0 / max(height, width)
    y = torch.arange(height, device=like.device, dtype=like.dtype).mul(scale)[:, None].expand(height, width)
    x = torch.arange(width, device=like.device, dtype=like.dtype).mul(scale)[None].expand(height, width)
    return torch.stack((x, y))[None]


def _read_out(query: Tensor, reference: Reference) -> Tensor:
    """Return what queries (N, tokens, channels) find in a reference, (N, tokens, its memory's channels).

    All three are filled up with zeros to one multiple of 8 channels, for which attention is twice as fast on a CPU.
    """
    parts = (query, reference.key, reference.memory)
    channels = -8 * (-max(part.shape[2] for part in parts) // 8)
    asked, key, memory = (functional.pad(part, (0, channels - part.shape[2]))[:, None] for part in parts)
    found = functional.scaled_dot_product_attention(asked, key, memory, scale=1.0)
    return found[:, 0, :, : reference.memory.shape[2]]


def _mixed(parts: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Return the sum of parts, each times its weight."""
    return torch.stack([part * weight for part, weight in zip(parts, weights, strict=True)]).sum(0)


def _tokens(feature: Tensor) -> Tensor:
    return feature.flatten(2).transpose(1, 2)
