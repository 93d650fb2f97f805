"""The best weights so far, by the errors on held-out clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from mattekit.engine.checkpoint import save_state
from mattekit.engine.preview import preview, write_picture
from mattekit.engine.train_log import TrainLog
from mattekit.engine.validate import Validation, predict_all

RAW, AVERAGED = "raw", "averaged"


class Best:
    """Validates the weights in training and their average; keeps the better one in best.pt when it is the best yet.

    Args:
        folder: Where best.pt and the previews are written.
        validation: What is measured; None measures nothing.
    """

    def __init__(self, folder: Path, validation: Validation | None) -> None:
        self._folder, self._validation = folder, validation
        self.error: float | None = None
        self.step: int | None = None

    def is_due(self, step: int, *, last: bool) -> bool:
        """Whether to validate after a step."""
        return self._validation is not None and (last or step % self._validation.every == 0)

    def measure(self, step: int, log: TrainLog, *, network: nn.Module, averaged: nn.Module) -> None:
        """Validate both, write their errors to the log and a preview of the average, keep the best weights."""
        if self._validation is None:
            return
        device = next(network.parameters()).device
        row: dict[str, float | str] = {}
        for name, candidate in ((RAW, network), (AVERAGED, averaged)):
            predictions = predict_all(self._validation, candidate, device=device)
            errors = self._validation.errors(predictions, self._validation.clips)
            row |= {f"{name} {metric}": value for metric, value in errors.items()}
            first = next(iter(errors.values()), None)
            if first is not None and (self.error is None or first < self.error):
                self.error, self.step = first, step
                content = {"network": candidate.state_dict(), "step": step, "which": name, "errors": errors}
                save_state(self._folder / "best.pt", content)
        log.write_scores(step, row)
        picture = preview(predictions, self._validation.clips, truth=self._validation.truth)
        write_picture(self._folder / "previews" / f"step-{step:06d}.png", picture)
        log.write_picture(step, picture)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"error": self.error, "step": self.step}

    def load(self, state: dict[str, Any] | None) -> None:
        """Go on from what a checkpoint kept."""
        if state is not None:
            self.error, self.step = state["error"], state["step"]
