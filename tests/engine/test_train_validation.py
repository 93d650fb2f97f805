"""Validation while training, the best weights so far, previews, and the logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mattekit.checks import InputError
from mattekit.engine.preview import preview
from mattekit.engine.train_log import TrainLog
from mattekit.engine.validate import Validation, alpha_errors, predict_all, trimap_errors
from mattekit.types import Sample, Stage
from toy_training import draw, trainer

STAGE = Stage("any", steps=1, batch=1, length=1, size=(8, 8), rate=(1.0, 1.0))
CLIPS = [draw(STAGE, torch.Generator().manual_seed(seed), 0) for seed in range(2)]


def predict(network: nn.Module, sample: Sample) -> Tensor:
    return network(sample.frames.flatten(0, 1))[:, None]


def mean_error(predictions: Sequence[Tensor], clips: Sequence[Sample]) -> dict[str, float]:
    gaps = [(one - clip.alpha_true).abs().mean() for one, clip in zip(predictions, clips, strict=True)]
    return {"error": float(torch.stack(gaps).mean())}


def scores(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "validation.jsonl").read_text().splitlines()]


def test_the_best_weights_of_raw_and_averaged_ones_are_kept_beside_the_last(tmp_path: Path) -> None:
    validation = Validation(CLIPS, predict, mean_error, every=3)
    trained = trainer(tmp_path, validation=validation, average=0.5, tensorboard=False)
    trained.run()
    rows = scores(tmp_path)
    assert [row["step"] for row in rows] == [3, 6, 8]
    lowest = min(min(row["raw error"], row["averaged error"]) for row in rows)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert best["errors"] == {"error": lowest} and trained.best.error == lowest
    assert next(row for row in rows if row["step"] == best["step"])[f"{best['which']} error"] == lowest
    kept = trained.network
    kept.load_state_dict(best["network"])
    found = mean_error(predict_all(validation, kept, device=torch.device("cpu")), CLIPS)
    assert found["error"] == pytest.approx(lowest, rel=1e-6)


def test_a_resumed_run_remembers_the_best_and_does_not_replace_it_by_worse(tmp_path: Path) -> None:
    errors = iter([0.5, 0.4, 0.9, 0.8, 0.7, 0.6])

    def told(predictions: Sequence[Tensor], clips: Sequence[Sample]) -> dict[str, float]:
        return {"error": next(errors)}

    validation = Validation(CLIPS, predict, told, every=1)
    trainer(tmp_path, validation=validation, minutes=0.0, tensorboard=False).run()
    resumed = trainer(tmp_path, validation=validation, minutes=0.0, tensorboard=False)
    assert resumed.best.error == 0.4
    resumed.run()
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert (best["step"], best["which"], best["errors"]) == (1, "averaged", {"error": 0.4})


def test_validation_changes_neither_the_training_nor_the_mode(tmp_path: Path) -> None:
    with_it = trainer(tmp_path / "one", validation=Validation(CLIPS, predict, mean_error, every=2), tensorboard=False)
    without = trainer(tmp_path / "other", tensorboard=False)
    for one, other in zip(with_it.run().state_dict().values(), without.run().state_dict().values(), strict=True):
        assert torch.equal(one, other)
    network = nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1).eval()).train()
    network[1].eval()
    predict_all(Validation(CLIPS, predict, mean_error), network, device=torch.device("cpu"))
    assert network.training and network[0].training and not network[1].training


def test_alpha_errors_are_those_of_the_dvm_tables_over_unknown_pixels() -> None:
    true, trimap = torch.zeros(1, 3, 1, 10, 10), torch.full((1, 3, 1, 10, 10), 0.5)
    trimap[..., 5:] = 0
    frames = torch.zeros(1, 3, 3, 10, 10)
    clip = Sample(frames, trimap, true, frames, frames)
    alpha = torch.full_like(true, 0.2)
    found = alpha_errors([alpha], [clip])
    assert found["SAD"] == pytest.approx(50 * 0.2 / 1000)
    assert found["MSE"] == pytest.approx(50 * 0.04 / 51)
    assert found["dtSSD"] == 0
    assert alpha_errors([alpha[:, 1:2]], [clip])["SAD"] == found["SAD"]  # the middle frame alone


def test_trimap_errors_leave_the_given_frame_out() -> None:
    frames = torch.zeros(1, 2, 3, 4, 4)
    true = torch.zeros(1, 2, 1, 4, 4)
    true[..., :2] = 0.5
    found = true.clone()
    found[:, 0] = 1
    clip = Sample(frames, true, true, frames, frames)
    assert trimap_errors([found], [clip]) == {"wrong": 0, "unknown missed": 0}
    found[:, 1, :, :, 0] = 0
    assert trimap_errors([found], [clip]) == {"wrong": 0.25, "unknown missed": 0.5}


def test_validation_must_have_clips() -> None:
    with pytest.raises(InputError, match="must have clips and a positive interval; got 0 and 200"):
        Validation([], predict, mean_error)


def test_a_preview_shows_frame_trimap_prediction_truth_and_error(tmp_path: Path) -> None:
    frames, trimap = torch.ones(1, 3, 3, 20, 30), torch.full((1, 3, 1, 20, 30), 0.5)
    clip = Sample(frames, trimap, torch.zeros(1, 3, 1, 20, 30), frames, frames)
    picture = preview([torch.full((1, 3, 1, 20, 30), 0.2)], [clip])
    assert picture.shape == (3, 24, 5 * 34) and picture.dtype == torch.uint8
    assert [int(picture[0, 10, 34 * panel + 10]) for panel in range(5)] == [255, 128, 51, 0, 153]
    told = preview([torch.full((1, 3, 1, 20, 30), 0.2)], [replace(clip, prior=trimap / 2)])
    assert int(told[0, 10, 44]) == 64  # a map of people in the trimap's place
    trainer(tmp_path, validation=Validation(CLIPS, predict, mean_error, every=4), tensorboard=False).run()
    names = sorted(path.name for path in (tmp_path / "previews").iterdir())
    assert names == ["step-000004.png", "step-000008.png"]
    with Image.open(tmp_path / "previews" / names[0]) as image:
        assert image.size == (5 * 12, 2 * 12)


def test_tensorboard_holds_losses_scores_and_previews(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    validation = Validation(CLIPS, predict, mean_error, every=4)
    trainer(tmp_path, validation=validation, minutes=0.0, tensorboard=True).run()
    trainer(tmp_path, validation=validation, tensorboard=True).run()
    events = accumulator.EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/alpha")] == list(range(1, 9))
    rows = scores(tmp_path)
    found = [event.value for event in events.Scalars("validation/raw error")]
    assert found == pytest.approx([row["raw error"] for row in rows])
    assert [event.step for event in events.Images("preview")] == [4, 8]


def test_without_tensorboard_only_the_one_who_asked_for_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mattekit.engine.train_log.find_spec", lambda name: None)
    TrainLog(tmp_path).write_step(1, {"alpha": 0.5})
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    with pytest.raises(InputError, match=r"pip install 'mattekit\[train\]'"):
        TrainLog(tmp_path, tensorboard=True)
