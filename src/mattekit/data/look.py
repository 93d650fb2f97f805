"""What the frames of a foreground show of its alpha: if there is any, how soft it is, and if colour is straight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFT_SHARE = 0.001
"""Share of pixels of alpha strictly between 1/255 and 254/255 below which a foreground counts as hard."""

FAINT, DENSE, SOLID = (30, 60), (150, 240), 250
"""Levels of alpha that are compared to tell premultiplied colour: [from, to), and what counts as opaque."""

ENOUGH = 200
"""Pixels of a kind that a judgement needs."""

MARGIN, MOST_ABOVE = 12, 0.02
"""Premultiplied colour is at most alpha; by so many levels more, on so many pixels, compression may lift it."""

LEAST_FAINT = 0.25
"""Share that faint premultiplied colour must have of what alpha leaves of the subject's; a shadow has none."""


class AlphaLook:
    """Gathers what frames of straight or premultiplied colour with alpha show, one frame at a time."""

    def __init__(self) -> None:
        self._pixels = self._soft = self._above = 0
        self._highest, self._lowest = 0, 255
        self._faint, self._dense, self._solid = (np.zeros(2, np.int64) for _ in range(3))

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Look at one more frame.

        Args:
            frame: (4, H, W), colour and then alpha.
        """
        alpha = frame[3]
        self._pixels += alpha.size
        self._highest = max(self._highest, int(alpha.max()))
        self._lowest = min(self._lowest, int(alpha.min()))
        soft = (alpha > 1) & (alpha < 254)
        self._soft += int(np.count_nonzero(soft))
        levels, brightest = alpha[soft], frame[:3, soft].max(axis=0, initial=0)
        faint = (levels >= FAINT[0]) & (levels < FAINT[1])
        self._above += int(np.count_nonzero(brightest[faint] > levels[faint].astype(np.int16) + MARGIN))
        self._faint += _sum(brightest[faint])
        self._dense += _sum(brightest[(levels >= DENSE[0]) & (levels < DENSE[1])])
        self._solid += _sum(frame[:3, alpha >= SOLID].max(axis=0, initial=0))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is visible in any frame."""
        return self._highest <= 1

    @property
    def is_full(self) -> bool:
        """Whether everything is opaque in every frame."""
        return self._lowest >= 254

    @property
    def soft_share(self) -> float:
        """Share of all pixels with alpha strictly between 1/255 and 254/255."""
        return self._soft / max(self._pixels, 1)

    @property
    def is_premultiplied(self) -> bool:
        """Whether colour seems to have been multiplied by alpha.

        It then stays below alpha and falls with it, though the subject itself is not dark. Straight colour with a
        black outline, or with a shadow, does not count: those are black at every small alpha.
        """
        kinds = (self._faint, self._dense, self._solid)
        if min(int(kind[1]) for kind in kinds[:2]) < ENOUGH:
            return False
        faint, dense, solid = (float(kind[0]) / max(int(kind[1]), 1) for kind in kinds)
        reference = solid if self._solid[1] >= ENOUGH else dense
        left = sum(FAINT) / 2 / 255 * reference
        falls = LEAST_FAINT * left < faint < 0.6 * dense and dense > 0.5 * reference and reference > 40
        return falls and self._above / int(self._faint[1]) < MOST_ABOVE


def _sum(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum of values and how many there are."""
    return np.array((values.sum(dtype=np.int64), values.size))
