"""Whether foreground, alpha and background give the frame again."""

from __future__ import annotations

from torch import Tensor

from mattekit.ops.composite import composite
from mattekit.ops.foreground import estimate_layers


def recomposition_error(frame: Tensor, foreground: Tensor, alpha: Tensor, background: Tensor | None = None) -> Tensor:
    """Return how far the composite over the original background is from the frame, pixel by pixel.

    Args:
        frame: (..., 3, H, W) in [0, 1].
        foreground: (..., 3, H, W) straight colour in [0, 1].
        alpha: (..., 1, H, W) in [0, 1].
        background: (..., 3, H, W), what was behind; None estimates it from frame and alpha.

    Returns:
        (..., 1, H, W), the largest ``|alpha * F + (1 - alpha) * B - I|`` of the three channels, in [0, 1].

    Raises:
        InputError: The sizes differ.

    Example:
        >>> frame, alpha = torch.full((3, 2, 2), 0.5), torch.full((1, 2, 2), 0.25)
        >>> black, white = torch.zeros(3, 2, 2), torch.ones(3, 2, 2)
        >>> recomposition_error(frame, white, alpha, black).max().item()
        0.25
    """
    behind = estimate_layers(frame, alpha)[1] if background is None else background
    return (composite(foreground, alpha, behind) - frame).abs().amax(dim=-3, keepdim=True)
