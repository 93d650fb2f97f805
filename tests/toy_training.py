"""A network of a few weights that learns alpha from the frame, for tests of training in one process or several."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mattekit.engine.batch import Draw
from mattekit.engine.processes import open_processes
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.engine.validate import Validation
from mattekit.types import Sample, Stage

STAGES = (
    Stage("first", steps=4, batch=1, length=1, size=(8, 8), rate=(1e-2, 5e-3)),
    Stage("second", steps=4, batch=2, length=1, size=(8, 8), rate=(5e-3, 0.0)),
)


class Toy:
    """Learns alpha as a 1 x 1 convolution of the frame."""

    def __init__(self, network: nn.Module, stages: Sequence[Stage] = STAGES) -> None:
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        found = self.network(sample.frames.flatten(0, 1))
        return {"alpha": (found - sample.alpha_true.flatten(0, 1)).abs().mean()}


def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
    frames = torch.rand(stage.batch, 1, 3, *stage.size, generator=generator)
    alpha = frames.mean(2, keepdim=True)
    return Sample(frames, alpha.round(), alpha, frames, frames)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1), nn.Dropout(0.1))


def trainer(
    folder: Path,
    *,
    stages: Sequence[Stage] = STAGES,
    drawn: Draw = draw,
    validation: Validation | None = None,
    **options: object,
) -> Trainer:
    part, told = network(), TrainOptions(**options)  # type: ignore[arg-type]
    processes = open_processes(torch.device("cpu"))
    recipe = Toy(part, stages)
    return Trainer(part, recipe, drawn, folder=folder, options=told, validation=validation, processes=processes)


def train_together(folder: Path, accumulate: int) -> torch.device:
    """Train in the processes that there are, on batches in turns, in so many parts each; return the own device."""
    turns = tuple(
        Stage(kind, steps=0, batch=batch, length=1, size=(9, 9), rate=(0.0, 0.0), kind=kind, smallest=(6, 6))
        for kind, batch in (("matting", 4), ("segmentation", 8))
    )
    rate = (1e-2, 1e-2)
    stages = (
        Stage("one", steps=3, batch=4, length=1, size=(9, 9), rate=rate, factors={"0": 0.5}, turns=turns),
        Stage("other", steps=2, batch=4, length=1, size=(9, 9), rate=rate, fresh=True, turns=turns),
    )
    part = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1))
    torch.manual_seed(0)
    for parameter in part.parameters():
        nn.init.normal_(parameter)
    options = TrainOptions(accumulate=accumulate, frozen_norms=("1",), tensorboard=False)
    processes = open_processes(torch.device("cpu"))
    Trainer(part, Toy(part, stages), draw, folder=folder, options=options, processes=processes).run()
    processes.close()
    return processes.device


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.stdout.write(f"{train_together(Path(sys.argv[1]), int(sys.argv[2]))}\n")
