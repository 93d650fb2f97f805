"""How the propagation network of DVM, size small, is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.models.dvm.correspondence import Match
from mattekit.models.dvm.propagation import PropagationNetwork, Seen, class_shares
from mattekit.ops.warp import warp
from mattekit.types import Sample, Stage

SMALL_PROPAGATION = (
    Stage("near", steps=500, batch=3, length=4, size=(192, 192), rate=(1e-3, 8e-4), gap=4),
    Stage("far", steps=6000, batch=3, length=4, size=(256, 256), rate=(8e-4, 1e-6), gap=12),
)
SMALL_PROPAGATION_AGAIN = (
    Stage("again", steps=2400, batch=3, length=4, size=(256, 256), rate=(4e-4, 1e-4), gap=12),
    Stage("large", steps=800, batch=1, length=4, size=(384, 384), rate=(1e-4, 1e-6), gap=12),
)
"""What is trained when the network begins from weights that are already good."""
CLIP = 4
"""Frames of a clip: key frame, frame before the target, target, second key frame."""
WITH_PREVIOUS, WITH_SECOND = 0.65, 0.4
"""How often the frame before, and a second key frame, are there."""
OWN, CHAINED, SHIFTED = 0.6, 0.5, 0.3
"""How often the frame before has this network's own guess for a trimap; how often that guess had one to begin from; and
how often the key frame's trimap was out of place for it."""
FARTHEST = 6
"""Px by which it was, at most, along either side."""


class PropagationRecipe:
    """Cross-entropy of a carried trimap, and how well trimaps and colours are found again where the flow points to.

    The third frame of each clip is the target and the first a key frame, or the other way round in time; the frame
    between is there with a trimap that this network guesses, or that is spoiled as a network would have guessed it, the
    fourth as a second key frame, each of them at times.

    Args:
        network: The network in training.
        stages: What is trained in order; clips of four frames. Of shorter ones the last frame is the target.
    """

    def __init__(self, network: PropagationNetwork, *, stages: Sequence[Stage] = SMALL_PROPAGATION) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the loss terms by name, means over the clips."""
        seeds = [0] * len(sample.frames) if sample.seed is None else sample.seed.tolist()
        found = [self._terms(sample, clip, torch.Generator().manual_seed(seed)) for clip, seed in enumerate(seeds)]
        return {name: torch.stack([terms[name] for terms in found]).mean() for name in found[0]}

    def _terms(self, sample: Sample, clip: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss terms of one clip."""
        order = list(range(sample.frames.shape[1]))[:CLIP]
        if _chance(generator, 0.5):
            order.reverse()
        middle = min(len(order) - 1, 2)
        key, between, target, second = order[0], order[1:middle], order[middle], order[middle + 1 :]
        sources = [(key, False)]
        sources += [(place, False) for place in second if _chance(generator, WITH_SECOND)]
        sources += [(place, True) for place in between if _chance(generator, WITH_PREVIOUS)]
        frames, trimap = sample.frames[clip], sample.trimap[clip]
        seen = self.network.look(frames[[target] + [place for place, _ in sources]])
        references = []
        for number, (place, guessed) in enumerate(sources, start=1):
            shares = class_shares(trimap[place][None])
            if guessed and _chance(generator, OWN):
                shares = self._own_guess(
                    _one(seen, number), _one(seen, 1), shares, class_shares(trimap[key][None]), generator
                )
            elif guessed:
                shares = spoil(shares, generator)
            references.append(self.network.remember(_one(seen, number), shares, previous=guessed))
        read, matches = self.network.match(_one(seen, 0), references)
        logits = self.network.decode(_one(seen, 0), read, matches).float()
        logits = functional.interpolate(logits, size=trimap.shape[-2:], mode="bilinear", align_corners=False)
        labels = (2 * trimap[target]).round().to(torch.long)
        terms = {"classes": functional.cross_entropy(logits, labels)}
        places = [place for place, _ in sources]
        return terms | _found_again(sample, clip, target=target, places=places, matches=matches)

    @torch.no_grad()
    def _own_guess(
        self, seen: Seen, key: Seen, shares: Tensor, shares_key: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the class shares (1, 3, H, W) that the network as it is now gives the frame before."""
        if _chance(generator, SHIFTED):
            away = torch.randint(-FARTHEST, FARTHEST + 1, (2,), generator=generator).tolist()
            shares_key = shares_key.roll(away, dims=(2, 3))
        references = [self.network.remember(key, shares_key)]
        if _chance(generator, CHAINED):
            references.append(self.network.remember(seen, spoil(shares, generator), previous=True))
        logits = self.network.decode(seen, *self.network.match(seen, references)).float()
        size = shares.shape[-2:]
        return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False).softmax(dim=1)


def _found_again(
    sample: Sample, clip: int, *, target: int, places: Sequence[int], matches: Sequence[Match]
) -> dict[str, Tensor]:
    """Return how far the true trimap and colours of the target are from those where the flows point to."""
    trimap, alpha = sample.trimap[clip], sample.alpha_true[clip]
    shares = functional.avg_pool2d(class_shares(trimap), 2)
    coloured = torch.cat((sample.foreground_true[clip] * alpha, alpha), dim=1)
    front, behind = (functional.avg_pool2d(part, 4) for part in (coloured, sample.background_true[clip]))
    covered = (front[target, 3:] > 0.05).to(front.dtype)
    moved, colour = [], []
    for place, match in zip(places, matches, strict=True):
        fine = 2 * functional.interpolate(match.flow, scale_factor=2.0, mode="bilinear", align_corners=False)
        moved.append((warp(shares[place][None], fine)[0] - shares[target]).abs().mean())
        subject, _ = warp(front[place][None], match.flow)
        ground, valid = warp(behind[place][None], match.flow)
        open_ = (1 - covered) * valid
        near = ((subject - front[target]).abs().mean(1) * covered).sum() / (covered.sum() + 1)
        far = ((ground - behind[target]).abs().mean(1) * open_).sum() / (open_.sum() + 1)
        colour.append(near + 0.5 * far)
    return {"moved": torch.stack(moved).mean(), "colour": torch.stack(colour).mean()}


def spoil(shares: Tensor, generator: torch.Generator) -> Tensor:
    """Return class shares as a network might have guessed them: too wide or too narrow, wrong in spots, and soft.

    Args:
        shares: (N, 3, H, W), 0 or 1.
        generator: All randomness comes from it.

    Returns:
        (N, 3, H, W) that sum to 1.
    """
    known = shares[:, ::2]
    reach = int(torch.randint(-4, 7, (), generator=generator))
    if reach > 0:
        known = -functional.max_pool2d(-known, 2 * reach + 1, 1, reach)
    elif reach < 0:
        grown = functional.max_pool2d(known, 1 - 2 * reach, 1, -reach)
        known = torch.where(grown.sum(1, keepdim=True) > 1.5, known, grown)
    unknown = (1 - known.sum(1, keepdim=True)).clamp(0, 1)
    shares = torch.cat((known[:, :1], unknown, known[:, 1:]), dim=1)
    if _chance(generator, 0.5):
        shares = _with_spots(shares, generator)
    side = 2 * int(torch.randint(0, 4, (), generator=generator)) + 1
    return functional.avg_pool2d(functional.pad(shares, (side // 2,) * 4, mode="replicate"), side, 1)


def _with_spots(shares: Tensor, generator: torch.Generator) -> Tensor:
    """Return class shares with spots of another class near the unknown region."""
    count, _, height, width = shares.shape
    cell = int(torch.randint(8, 40, (), generator=generator))
    coarse = (count, 2, max(2, height // cell), max(2, width // cell))
    noise = torch.randn(coarse, generator=generator).to(shares.device)
    noise = functional.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
    limit = 0.5 + 1.5 * float(torch.rand((), generator=generator))
    about = functional.max_pool2d(functional.max_pool2d(shares[:, 1:2], 8, ceil_mode=True), 9, 1, 4)
    wrong = (noise[:, :1] > limit) * functional.interpolate(about, size=(height, width), mode="nearest")
    label = torch.bucketize(noise[:, 1].contiguous(), torch.tensor([-0.3, 0.4], device=shares.device))
    other = functional.one_hot(label, 3).movedim(-1, 1).to(shares.dtype)
    return shares * (1 - wrong) + other * wrong


def _one(seen: Seen, number: int) -> Seen:
    """Return what was seen of one frame of several."""
    part = slice(number, number + 1)
    return Seen(seen.two[part], seen.four[part], seen.eight[part], seen.compared[part], seen.picture[part])


def _chance(generator: torch.Generator, probability: float) -> bool:
    return torch.rand((), generator=generator).item() < probability
