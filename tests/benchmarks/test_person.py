"""The benchmark of person matting: what training sees of a clip, its scores, and its part of the page."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import person_clips  # noqa: E402
import person_report  # noqa: E402
import person_train  # noqa: E402
from person_clips import Training  # noqa: E402
from person_grow import grown  # noqa: E402
from person_score import RAW, STEADY, Scores, score, sheet  # noqa: E402
from person_sets import BEHIND, TEST, TEST_BEHIND, TRAINING, Clip  # noqa: E402

from mattekit.models.person.recipe import Scale  # noqa: E402
from mattekit.types import Sample  # noqa: E402

SIDE = 40


def walking_square(frames: int = 10) -> tuple[Tensor, Tensor]:
    """Return alpha (T, 1, H, W) of a square that goes 2 px to the right a frame, and its flow (T-1, 2, H, W)."""
    alpha = torch.zeros(frames, 1, SIDE, SIDE)
    for index in range(frames):
        alpha[index, :, 10:26, 4 + 2 * index : 16 + 2 * index] = 1
    flow = torch.zeros(frames - 1, 2, SIDE, SIDE)
    flow[:, 0] = 2
    return alpha, flow


def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    """Write two training clips: the square in white on black, with its alpha for a map."""
    monkeypatch.setattr(person_clips, "SIDE", SIDE)
    monkeypatch.setattr(person_train, "SIDE", SIDE)
    alpha, flow = walking_square()
    white = torch.ones(10, 3, SIDE, SIDE)
    planes = (torch.cat((alpha * white, white, 0 * white, alpha, alpha), dim=1) * 255).to(torch.uint8)
    motion = torch.cat((flow, alpha[:-1]), dim=1).half()
    path = folder / "clips.safetensors"
    save_file(
        {f"{what}/{n}": each.clone() for n in range(2) for what, each in (("planes", planes), ("flow", motion))}, path
    )
    return Training(path, (0, 1))


def test_no_person_and_no_background_of_the_test_is_in_training() -> None:
    assert not set(TRAINING) & set(TEST) and not set(BEHIND) & set(TEST_BEHIND)


def test_a_part_of_a_clip_keeps_its_motion_mirrored_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = store(tmp_path, monkeypatch)
    ways = set()
    for seed in range(8):
        sample = clips.sample(0, torch.Generator().manual_seed(seed), side=32)
        assert sample.flow_true is not None and sample.flow_valid is not None and sample.prior is not None
        assert sample.frames.shape == (1, 10, 3, 32, 32) and torch.equal(sample.prior, sample.alpha_true)
        step = int(sample.flow_true[0, 0, 0, 0, 0])
        ways.add(step)
        here, there = sample.alpha_true[0, :-1], sample.alpha_true[0, 1:].roll(-step, -1)
        valid = sample.flow_valid[0] > 0
        assert torch.equal(here[valid], there[valid]) and bool(valid.any())
        edge = sample.flow_valid[0, ..., -2:] if step > 0 else sample.flow_valid[0, ..., :2]
        assert not bool(edge.any())  # what leaves the part has no partner in it
    assert ways == {2, -2}


def test_all_forms_see_the_same_clips_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = store(tmp_path, monkeypatch)
    seen: list[int] = []
    plain = Training.sample

    def watched(self: Training, number: int, generator: torch.Generator, *, side: int, length: int = 10) -> Sample:
        seen.append(number)
        return plain(self, number, generator, side=side, length=length)

    monkeypatch.setattr(Training, "sample", watched)
    scale = Scale(steps=2, batch=1, length=3, side=32, rate=1e-3)
    start = person_train.train_start(clips, tmp_path, scale=scale)
    assert start.minutes > 0 and sorted(seen) == [0, 1]
    for name in (person_train.FULL, person_train.FORGETFUL):
        seen.clear()
        trained = person_train.train_form(name, start.network, clips, tmp_path, scale=scale)
        assert trained.minutes > 0 and not trained.network.training and sorted(seen[-2:]) == [0, 1]
        again = person_train.train_form(name, start.network, clips, tmp_path, scale=scale)
        assert again.minutes == trained.minutes and seen[-2:] == [0, 1]
        states = trained.network.state_dict(), again.network.state_dict()
        assert all(torch.equal(one, other) for one, other in zip(*(each.values() for each in states), strict=True))


@pytest.mark.parametrize(("lstm", "attention", "most"), [(False, True, 1e-6), (True, False, 0.05), (True, True, 0.05)])
@torch.no_grad()
def test_new_parts_begin_as_if_they_were_not_there(
    lstm: bool, attention: bool, most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = store(tmp_path, monkeypatch)
    samples = [clips.sample(number, torch.Generator().manual_seed(number), side=SIDE) for number in range(2)]
    start = person_train.begun(0)
    network = grown(start, samples, lstm=lstm, attention=attention, width=person_train.WIDTH).eval()
    assert (network.memory is not None) is lstm and (network.attention is not None) is attention
    frames, maps = samples[0].frames, samples[0].alpha_true
    gap = network(frames, maps)[0] - start(frames, maps)[0]
    assert float(gap.abs().mean()) < most


def test_truth_costs_nothing_and_a_lag_costs_along_the_motion(tmp_path: Path) -> None:
    alpha, flow = walking_square()
    levels = (alpha * 255).to(torch.uint8)
    known = torch.where(alpha[:-1] > 0, flow, torch.nan)
    clip = Clip("square", "square", levels.expand(-1, 3, -1, -1), levels, known)
    assert score(clip, levels) == {"SSDA": 0, "dtSSD": 0, "MESSDdt": 0}
    holed = levels.clone()
    holed[4, :, 14:18, 14:18] = 0  # a hole of 16 px for one frame: both its pairs cost 16 along the motion
    found = score(clip, holed)
    assert found["SSDA"] == pytest.approx(4 / 10) and found["MESSDdt"] == pytest.approx(2 * 16 / 9 / 1000)
    sheet(tmp_path / "sheet.png", [clip], {"holed": [holed]}, frames=(4,))
    assert (tmp_path / "sheet.png").stat().st_size > 0


def test_the_section_takes_the_place_of_an_older_one_and_leaves_the_rest(tmp_path: Path) -> None:
    def scores(value: float) -> Scores:
        return {name: {"SSDA": value, "dtSSD": value, "MESSDdt": value} for name in ("a", "b")}

    result = {
        "scores": {RAW: scores(4), STEADY: scores(3), person_train.FULL: scores(2)},
        "minutes": {person_train.FULL: 2.0},
        "set": {"clips": 2, "side": 256, "people": 1, "grounds": 1},
        "training": {"training": 5, "start": asdict(person_train.START), "form": asdict(person_train.FORM)},
    }
    page = tmp_path / "person.md"
    page.write_text("# Person\n\nBefore.\n\n## Scores\n\nOld.\n\n## After\n\nRest.\n")
    person_report.put(page, person_report.section(result))
    text = page.read_text()
    assert "Old." not in text and text.startswith("# Person\n\nBefore.\n\n## Scores\n\nWritten by")
    assert text.endswith("## After\n\nRest.\n") and text.count("## Scores") == 1
    assert "| network | 2.000 | 2.000 | 2.000 |" in text
    assert "| the network beats the steady maps that it is given | yes, -33.3%, 2 of 2 clips |" in text
    assert "without ConvLSTM" not in text
