"""The metrics as running ``torchmetrics`` classes, for training loops and several processes.

Each ``update`` takes consecutive frames of one clip, adds what the function of the same name returns, and counts it;
``compute`` is the mean over all of it. States are sums, so they merge over processes, and a clip may be cut into parts
in any way; for metrics of pairs (dtSSD, MESSDdt) a part begins with the frame that ended the part before it. Means are
over frames, not over clips; :func:`~mattekit.metrics.mean_errors` counts each clip once. Needs ``torchmetrics``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.metrics import colour, connectivity, gradient, spatial, temporal

try:
    from torchmetrics import Metric
except ImportError as error:
    raise InputError("running metrics must have torchmetrics; it is not installed; pip install torchmetrics") from error


class FrameMean(Metric):
    """The mean over frames, or pairs of frames, of what a function returns for each; NaN is left out.

    Args:
        scale: Factor of the mean, for the units of a table.

    Example:
        >>> alpha, truth = torch.full((2, 1, 4, 4), 0.5), torch.zeros(2, 1, 4, 4)
        >>> metric = MAD(scale=1000)
        >>> metric.update(alpha, truth, torch.ones_like(alpha, dtype=torch.bool))
        >>> float(metric.compute())
        500.0
    """

    full_state_update = False
    higher_is_better = False
    is_differentiable = False
    total: Tensor
    count: Tensor

    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def add(self, values: Tensor) -> None:
        """Add values (N,), one a frame, without those that are NaN."""
        known = values[~values.isnan()]
        self.total += known.sum()
        self.count += len(known)

    def compute(self) -> Tensor:
        """Return the scaled mean, float64; NaN where nothing was counted."""
        return self.scale * self.total / self.count


class RegionMean(FrameMean):
    """The mean over the frames whose region has a pixel; of pairs, over those whose earlier frame's has.

    Args:
        scale: Factor of the mean, for the units of a table.
    """

    step: Callable[[Tensor, Tensor, Tensor], Tensor]

    def update(self, alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
        """Add consecutive frames of one clip.

        Args:
            alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
            alpha_true: (T, 1, H, W) likewise.
            region: (T, 1, H, W) boolean.

        Raises:
            InputError: The shapes do not fit.
        """
        self.add_scored(type(self).step(alpha, alpha_true, region), region)

    def add_scored(self, values: Tensor, region: Tensor) -> None:
        """Add values, one a frame or a pair, where the frame or the earlier one of the pair has a region."""
        self.add(values[region.flatten(1).any(dim=1)[: len(values)]])


class SAD(RegionMean):
    """Running :func:`~mattekit.metrics.sad`; tables take ``scale=0.001``."""

    step = staticmethod(spatial.sad)


class MAD(RegionMean):
    """Running :func:`~mattekit.metrics.mad`; the ``rvm`` tables take ``scale=1000``."""

    step = staticmethod(spatial.mad)


class SSDA(RegionMean):
    """Running :func:`~mattekit.metrics.ssda`, unscaled in tables."""

    step = staticmethod(spatial.ssda)


class Conn(RegionMean):
    """Running :func:`~mattekit.metrics.conn`; tables take ``scale=0.001``."""

    step = staticmethod(connectivity.conn)


class DtSSD(RegionMean):
    """Running :func:`~mattekit.metrics.dtssd`, over pairs."""

    step = staticmethod(temporal.dtssd)


class MSE(RegionMean):
    """Running :func:`~mattekit.metrics.mse`.

    Args:
        added_pixels: As for the function; the ``dvm`` convention has 1.
        scale: The ``rvm`` tables take 1000.
    """

    def __init__(self, *, added_pixels: int = 0, scale: float = 1.0) -> None:
        super().__init__(scale=scale)
        self.added_pixels = added_pixels

    def update(self, alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
        """Add consecutive frames of one clip, as :meth:`RegionMean.update` does."""
        self.add(spatial.mse(alpha, alpha_true, region, added_pixels=self.added_pixels))


class Grad(RegionMean):
    """Running :func:`~mattekit.metrics.grad`.

    Args:
        stretch: As for the function.
        scale: Tables take 0.001.
    """

    def __init__(self, *, stretch: bool = False, scale: float = 1.0) -> None:
        super().__init__(scale=scale)
        self.stretch = stretch

    def update(self, alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
        """Add consecutive frames of one clip, as :meth:`RegionMean.update` does."""
        self.add_scored(gradient.grad(alpha, alpha_true, region, stretch=self.stretch), region)


class MESSDdt(RegionMean):
    """Running :func:`~mattekit.metrics.messddt`, over pairs.

    Args:
        motion: As for the function.
        scale: Tables take 0.001.
    """

    def __init__(self, *, motion: str = "nearest", scale: float = 1.0) -> None:
        super().__init__(scale=scale)
        self.motion = motion

    def update(self, alpha: Tensor, alpha_true: Tensor, region: Tensor, flow: Tensor) -> None:  # type: ignore[override]
        """Add consecutive frames of one clip.

        Args:
            alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
            alpha_true: (T, 1, H, W) likewise.
            region: (T, 1, H, W) boolean.
            flow: (T - 1, 2, H, W) in px, x then y, from each frame to the next.

        Raises:
            InputError: The shapes do not fit.
        """
        self.add_scored(temporal.messddt(alpha, alpha_true, region, flow, motion=self.motion), region)


class ForegroundMean(FrameMean):
    """The mean over the frames whose region has a pixel, of a difference in colour.

    Args:
        scale: Factor of the mean, for the units of a table.
    """

    step: Callable[[Tensor, Tensor, Tensor], Tensor]

    def update(self, foreground: Tensor, foreground_true: Tensor, region: Tensor) -> None:
        """Add frames.

        Args:
            foreground: (T, 3, H, W) straight colour in [0, 1], or uint8 in 0-255.
            foreground_true: (T, 3, H, W) likewise.
            region: (T, 1, H, W) boolean.

        Raises:
            InputError: The shapes do not fit.
        """
        self.add(type(self).step(foreground, foreground_true, region))


class ForegroundMAD(ForegroundMean):
    """Running :func:`~mattekit.metrics.foreground_mad`; the ``rvm`` conventions take ``scale=1000``."""

    step = staticmethod(colour.foreground_mad)


class ForegroundMSE(ForegroundMean):
    """Running :func:`~mattekit.metrics.foreground_mse`; the ``rvm`` tables take ``scale=1000``."""

    step = staticmethod(colour.foreground_mse)


class CompositeMSE(FrameMean):
    """Running :func:`~mattekit.metrics.composite_mse`.

    Args:
        scale: Factor of the mean, for the units of a table.
    """

    def update(
        self,
        alpha: Tensor,
        alpha_true: Tensor,
        *,
        foreground: Tensor,
        foreground_true: Tensor,
        region: Tensor,
        background: Tensor | None = None,
    ) -> None:
        """Add frames; the arguments are the function's.

        Raises:
            InputError: The shapes do not fit.
        """
        self.add(
            colour.composite_mse(
                alpha,
                alpha_true,
                foreground=foreground,
                foreground_true=foreground_true,
                region=region,
                background=background,
            )
        )
