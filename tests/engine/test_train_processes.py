"""Several processes train as one does, and only one of them writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.engine.batch import draw_clips, join, shares
from mattekit.engine.processes import Alone, open_processes
from mattekit.types import Sample, Stage
from toy_training import train_together

SCRIPT = Path(__file__).resolve().parents[1] / "toy_training.py"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_processes_give_the_loss_curve_and_the_weights_of_one(tmp_path: Path) -> None:
    """With batch normalisation frozen; with batch statistics each process has those of its own clips."""
    pytest.importorskip("accelerate")
    if not torch.distributed.is_gloo_available():
        pytest.skip("torch was built without gloo")
    train_together(tmp_path / "alone", 1)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launcher, str(SCRIPT), str(tmp_path / "together"), "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["cpu", "cpu"]
    alone, together = log(tmp_path / "alone"), log(tmp_path / "together")
    assert [row["step"] for row in together] == [1, 2, 3, 4, 5]
    for one, other in zip(alone, together, strict=True):
        assert other["alpha"] == pytest.approx(one["alpha"], rel=1e-4)
        assert other["norm"] == pytest.approx(one["norm"], rel=1e-4)
    assert alone[0]["alpha"] > alone[4]["alpha"]
    states = [torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("alone", "together")]
    for key, value in states[0]["network"].items():
        torch.testing.assert_close(states[1]["network"][key], value, rtol=1e-4, atol=1e-5)


class Fellow(Alone):
    """One of three processes, without the others."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.count, self.rank = 3, rank  # type: ignore[misc]


def test_every_clip_of_a_batch_is_computed_once_in_parts_of_one_size() -> None:
    parts = [part for rank in range(3) for part in shares(12, Fellow(rank), 2, stage="any")]
    assert [list(part) for part in parts] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
    assert parts == list(shares(12, Alone(), 6, stage="any"))
    with pytest.raises(InputError, match="into 3 processes x 1 accumulated parts; got 4 clips"):
        list(shares(4, Fellow(0), 1, stage="any"))


def test_a_clip_is_the_same_whichever_part_it_is_drawn_in() -> None:
    def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        value = torch.rand(1, 1, 1, 2, 2, generator=generator) + number
        return Sample(value, value, value, value, value)

    stage = Stage("any", steps=3, batch=4, length=1, size=(2, 2), rate=(1.0, 1.0))
    whole = draw_clips(draw, stage, range(4), seed=1, step=2)
    parts = [draw_clips(draw, stage, range(first, first + 2), seed=1, step=2) for first in (0, 2)]
    assert torch.equal(whole.frames, join(parts).frames)
    assert whole.frames.flatten(1).floor()[:, 0].tolist() == [8, 9, 10, 11]
    assert not torch.equal(whole.frames, draw_clips(draw, stage, range(4), seed=2, step=2).frames)


def test_what_not_all_clips_have_is_left_out_of_the_batch() -> None:
    plain = torch.zeros(1, 2, 1, 2, 2)
    one = Sample(plain, plain, plain, plain, plain, flow_true=plain, flow_valid=plain)
    other = Sample(plain, plain, plain, plain, plain)
    assert join([one, one]).flow_true is not None and join([one, other]).flow_true is None


def test_several_processes_without_accelerate_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_processes(torch.device("cpu")), Alone)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(InputError, match=r"it is not installed: pip install 'mattekit\[train\]'"):
        open_processes(torch.device("cpu"))
