"""Looks at a clip and its alpha frame by frame, without a truth, holding no more than the last two frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.metrics.blind import measures
from mattekit.metrics.blind.look import Box, Look, scenes
from mattekit.metrics.blind.motion import estimate_motion, follow_subject
from mattekit.metrics.blind.newcomers import Moved, Newcomers
from mattekit.metrics.blind.standstill import Standstill
from mattekit.ops.resize import resize, size_within
from mattekit.ops.warp import warp

VIEW, MOTION = 640, 256
"""Longest side in px at which regions and edges are looked at, and at which motion is found."""

CAUGHT_UP = 2e-3
"""An alpha that lagged by more than this share of the width, and then moves, tells only of where it stood still."""


@dataclass
class _Past:
    """The frame before: small frame and alpha, its alpha's past moved onto it and the trust in that, and its look."""

    look: Look
    frame: Tensor
    alpha: Tensor
    before: Tensor | None = None
    trust: Tensor | None = None


class Inspector:
    """Takes the frames of a clip in order and keeps one `Look` of a few numbers for each.

    Args:
        start: Number of the first frame.

    Example:
        >>> inspector = Inspector()
        >>> for frame in torch.rand(3, 3, 36, 64):
        ...     inspector.add(frame, torch.zeros(1, 36, 64))
        >>> len(inspector.finish())
        3
    """

    def __init__(self, *, start: int = 0) -> None:
        self._looks: list[Look] = []
        self._next = start
        self._past: _Past | None = None
        self._still = Standstill()
        self._new = Newcomers()

    def add(self, frame: Tensor, alpha: Tensor, foreground: Tensor | None = None) -> None:
        """Look at the next frame.

        Args:
            frame: (3, H, W) in [0, 1].
            alpha: (1, H, W) in [0, 1].
            foreground: (3, H, W) straight colour in [0, 1], or None.

        Raises:
            InputError: The shapes do not fit.
        """
        check_rank("frame", frame, "3 H W")
        check_rank("alpha", alpha, "1 H W")
        check_same_size("frame", frame, "alpha", alpha)
        look = Look(self._next, area=float(alpha.mean()))
        self._next += 1
        self._looks.append(look)
        view = _fit(alpha, VIEW)
        scale = alpha.shape[-1] / view.shape[-1]
        look.width = measures.edge_width(view) * scale
        now = _Past(look, _fit(frame, MOTION), _fit(alpha, MOTION))
        if foreground is not None:
            look.spill = measures.spill(_fit(foreground, MOTION), now.alpha, frame=now.frame)
        past, self._past = self._past, now
        if past is None:
            self._still.restart(now.alpha)
            return
        self._compare(past, now, view, frame.shape[-1])

    def finish(self) -> list[Look]:
        """Return the looks at all frames.

        The first and the last frame of a scene have one neighbour. They flicker by what they differ from it beyond what
        it differs from the frame after that.
        """
        self._new.end()
        for first, end in scenes(self._looks):
            looks = self._looks[first:end]
            changes = [0.0 if each.change != each.change else each.change for each in looks[1:]]
            ends = (looks[0], changes[:2]), (looks[-1], changes[:-3:-1])
            for look, (nearer, farther) in ((look, pair) for look, pair in ends if len(pair) == 2):
                look.flicker = max(0.0, nearer - farther)
        return self._looks

    def _compare(self, past: _Past, now: _Past, view: Tensor, width: int) -> None:
        """Measure what takes two frames, and what takes the frame before the last with both its neighbours."""
        flow, trust = estimate_motion(now.frame, past.frame)
        if measures.is_cut(now.frame, past.frame, trust=trust[0]):
            now.look.cut = True
            self._still.restart(now.alpha)
            self._new.end()
            return
        flow, trust = follow_subject(flow, trust, alpha=torch.stack((now.alpha, past.alpha)))
        now.before, now.trust = warp(past.alpha[None], flow[:1])[0][0], trust[0]
        scale = width / now.alpha.shape[-1]
        now.look.change, heat = measures.flicker(now.alpha, now.trust, before=now.before, after=now.before)
        now.look.boxes["area"] = box_of(heat)
        now.look.lag = self._still.add(now.alpha, flow[0], trust=trust[0]) * scale
        if now.look.lag > 0 or past.look.lag < CAUGHT_UP * width:
            now.look.step = measures.area_step(now.alpha, now.trust, before=now.before)
            earlier = None if past.before is None else warp(past.before[None], flow[:1])[0][0]
            moved = Moved(past.alpha, now.before, now.trust, flow[:1], earlier)
            self._new.add(now.look, view, moved=moved, scale=width / view.shape[-1])
        if past.before is not None and past.trust is not None:
            after = warp(now.alpha[None], flow[1:])[0][0]
            past.look.flicker, heat = measures.flicker(
                past.alpha, past.trust * trust[1], before=past.before, after=after
            )
            past.look.boxes["flicker"] = box_of(heat)


def _fit(picture: Tensor, longest: int) -> Tensor:
    """Return a picture (C, H, W), made smaller where its longer side has more px than allowed."""
    return resize(picture, size_within((picture.shape[-2], picture.shape[-1]), longest))


def box_of(heat: Tensor, share: float = 0.5) -> Box:
    """Return the box around what is strongest in a map, (top, left, bottom, right) as shares of height and width.

    Args:
        heat: (1, H, W), 0 or more.
        share: Cells of a coarse grid count that have so much of the strongest one's sum.
    """
    rows, columns = (max(1, min(24, side // 8)) for side in heat.shape[-2:])
    cells = functional.adaptive_avg_pool2d(heat, (rows, columns))[0]
    hot = cells >= share * cells.max().clamp_min(1e-9)
    down, across = torch.nonzero(hot.any(1)).flatten(), torch.nonzero(hot.any(0)).flatten()
    if not len(down):
        return 0.0, 0.0, 1.0, 1.0
    top, bottom = int(down[0]) / rows, (int(down[-1]) + 1) / rows
    return top, int(across[0]) / columns, bottom, (int(across[-1]) + 1) / columns
