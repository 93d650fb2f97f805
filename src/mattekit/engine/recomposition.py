"""How well foreground, alpha and the original background give the frames again, measured on some frames of a run."""

from __future__ import annotations

from mattekit.ops.recomposition import recomposition_error
from mattekit.types import Matte

EVERY = 16
"""One frame of so many is looked at, the first one always."""

DIGITS = 5


class Recomposition:
    """Takes mattes as a sink does and keeps two figures; mattes without colour are passed over.

    The background is estimated from the frame and the alpha that is put out. What finishing changed on purpose shows
    here too: an edge that was choked does not give the frame again.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._sum, self._pixels, self._worst = 0.0, 0, 0.0
        self._looked = False

    def write(self, matte: Matte) -> None:
        """Look at a matte, or pass it by."""
        for index in range(len(matte.chunk)):
            if self._seen % EVERY == 0 and matte.foreground is not None:
                alpha = matte.alpha[index]
                error = recomposition_error(matte.chunk.frames[index], matte.foreground[index], alpha)
                soft = (alpha > 0) & (alpha < 1)
                self._sum += float(error[soft].double().sum())
                self._pixels += int(soft.sum())
                self._worst = max(self._worst, float(error.max()))
                self._looked = True
            self._seen += 1

    def measured(self) -> dict[str, float | None]:
        """Return ``recomposition_mean``, of soft pixels, and ``recomposition_max``, of all, in [0, 1].

        Empty where no matte had colour; the mean is 0 where no pixel was soft.
        """
        if not self._looked:
            return {}
        mean = self._sum / max(self._pixels, 1)
        return {"recomposition_mean": round(mean, DIGITS), "recomposition_max": round(self._worst, DIGITS)}
