"""The quality benchmark: its scores against plain NumPy, its baselines, and its page."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT / "benchmarks"))

import quality_baselines  # noqa: E402
import quality_report  # noqa: E402
from composites import Clip, render  # noqa: E402
from quality_check import recompute, unknown_region  # noqa: E402
from quality_dis import estimate_flows, warp_trimaps  # noqa: E402
from quality_score import mean_row, obeyed, score, true_flow  # noqa: E402
from quality_sets import BAND, FURTHER, VALIDATION, settings  # noqa: E402

from mattekit.ops import trimap_from_alpha  # noqa: E402

with_data = pytest.mark.skipif(not (DATA / "val" / "fg").is_dir(), reason="the validation footage is not here")
AGREEMENT = 1e-6
"""Relative. Grad is the loosest: mattekit filters in single precision, NumPy here in double."""


def moving_disc(frames: int = 4, size: tuple[int, int] = (72, 96)) -> Clip:
    """A soft disc with a tail that walks over noise."""
    height, width = size
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ground = torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(1))
    alphas, pictures = [], []
    for frame in range(frames):
        away = ((x - 30 - 3 * frame) ** 2 + (y - 36 - frame) ** 2).sqrt()
        alpha = ((18 - away) / 5).clamp(0, 1)
        alpha[34:37, 48 + 3 * frame : 60 + 3 * frame] = 0.6
        alphas.append((alpha * 255).round().to(torch.uint8)[None])
        pictures.append((alpha * (200 - ground) + ground).round().to(torch.uint8))
    return Clip("disc", torch.stack(pictures), torch.stack(alphas))


def imperfect(alpha_true: Tensor, trimap: Tensor) -> Tensor:
    """A prediction whose errors differ from frame to frame, cut loose from the body here and there."""
    generator = torch.Generator().manual_seed(5)
    alpha = alpha_true.float() / 255
    shifted = 0.7 * alpha + 0.3 * alpha.roll(2, dims=-1) + 0.15 * torch.randn(alpha.shape, generator=generator)
    return obeyed(shifted.clamp(0, 1) * (torch.rand(alpha.shape, generator=generator) > 0.05), trimap)


def agrees_with_numpy(clip: Clip, folder: Path) -> None:
    trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)
    alpha = imperfect(clip.alpha_true, trimap)
    row = score(clip, alpha, trimap, trimap, true_flow(clip, folder))
    truth = clip.alpha_true[:, 0].numpy()
    unknown = unknown_region(truth, band=BAND)
    found = recompute(alpha[:, 0].numpy(), truth, unknown)
    assert (unknown == (trimap[:, 0] == 0.5).numpy()).all()
    assert sorted(found) == sorted(name for name, _, _ in quality_report.ERRORS)
    for name, value in found.items():
        assert value > 0
        assert row[name] == pytest.approx(value, rel=AGREEMENT), name


def test_scores_agree_with_plain_numpy_on_a_made_clip(tmp_path: Path) -> None:
    agrees_with_numpy(moving_disc(), tmp_path)


@with_data
@pytest.mark.parametrize("number", [0, 2])
def test_scores_agree_with_plain_numpy_on_the_beginning_of_a_composite(number: int, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(VALIDATION.seed + number)
    clip = render(VALIDATION.placements[number], DATA / "val", DATA / "val", generator, frames=3)
    agrees_with_numpy(clip, tmp_path)


def test_a_trimap_that_knows_wrongly_is_counted(tmp_path: Path) -> None:
    clip = moving_disc()
    trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)
    given = trimap.clone()
    given[1, 0, :5, :4] = 1  # 20 px of background that it calls foreground
    row = score(clip, obeyed(clip.alpha_true.float() / 255, given), given, trimap, true_flow(clip, tmp_path))
    assert row["misled"] == pytest.approx(0.020 / 4)
    assert row["misled_share"] == pytest.approx(100 * 20 / int((trimap == 0.5).sum()))
    assert row["sad_frame"] == pytest.approx(0.020 / 4)
    assert row["sad"] == 0


def test_each_clip_counts_once_in_a_mean_and_frames_are_added() -> None:
    rows = {"a": {"sad": 1.0, "frames": 48, "mse": None}, "b": {"sad": 3.0, "frames": 24, "mse": 0.5}}
    assert mean_row(rows) == {"sad": 2.0, "frames": 72, "mse": 0.5}


def test_key_frames_of_each_setting() -> None:
    assert settings(48) == {"full": tuple(range(48)), "every 20": (0, 20, 40), "every 40": (0, 40), "one": (0,)}
    assert list(settings(24)) == ["full", "every 20", "one"]


def test_a_still_clip_keeps_the_trimap_of_its_key_frame() -> None:
    clip = moving_disc(frames=1)
    frames, trimap = clip.frames.expand(5, -1, -1, -1), trimap_from_alpha(clip.alpha_true.float() / 255, band=3)
    wrong = torch.zeros(5, *trimap.shape[1:])
    wrong[2] = trimap[0]  # the others must not be looked at
    assert torch.equal(warp_trimaps(estimate_flows(frames), wrong, [2]), trimap.expand(5, -1, -1, -1))


def test_a_trimap_follows_a_moving_frame_forwards_and_backwards() -> None:
    wide = torch.nn.functional.interpolate(
        torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(2)), scale_factor=5.0, mode="bicubic"
    )[0].clamp(0, 1)
    frames = torch.stack([wide[:, :100, 30 - 2 * step : 150 - 2 * step] for step in range(5)])
    trimap = torch.zeros(5, 1, 100, 120)
    for step in range(5):
        trimap[step, 0, 30:70, 40 + 2 * step : 80 + 2 * step] = 0.5
        trimap[step, 0, 40:60, 50 + 2 * step : 70 + 2 * step] = 1
    carried = warp_trimaps(estimate_flows((frames * 255).round().to(torch.uint8)), trimap, [2])
    assert torch.equal(carried[2], trimap[2])
    for step in (0, 1, 3, 4):
        wrong, still = (int((carried[step] != trimap[frame]).sum()) for frame in (step, 2))
        assert still > 200
        assert wrong < still / 10


def test_what_is_solved_once_is_not_solved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def solver(picture: np.ndarray, trimap: np.ndarray) -> np.ndarray:
        calls.append(picture.shape)
        return np.where(trimap == 0.5, 1.25, trimap)

    monkeypatch.setattr(quality_baselines, "SOLVERS", {"KNN": solver})
    clip = moving_disc(frames=2)
    trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=3)
    trimap[1] = 0
    alphas = [quality_baselines.solve("KNN", clip.frames, trimap, tmp_path) for _ in range(2)]
    assert calls == [(72, 96, 3)]
    assert torch.equal(*alphas)
    assert torch.equal(alphas[0][0], (trimap[0] > 0).float())
    assert torch.equal(alphas[0][1], trimap[1])


def test_the_page_follows_from_the_record_byte_for_byte() -> None:
    page = (ROOT / "docs" / "quality.md").read_bytes()
    assert quality_report.document(quality_report.recorded(ROOT / "docs")).encode() == page


def run_of(method: str, weights: str, sad: dict[str, float], **more: object) -> quality_report.Run:
    clips = {name: {"sad": value} for name, value in sad.items()}
    made = {"composites": VALIDATION.version, "band": BAND, "date": "2026-01-01", "commit": "abc"}
    mean = {"sad": sum(sad.values()) / len(sad)}
    return {"method": method, "weights": weights, "setting": "full", **made, "clips": clips, "mean": mean, **more}


def test_a_run_takes_the_place_of_one_of_its_kind_and_of_no_other(tmp_path: Path) -> None:
    older = run_of("dvm-small", "w 1", {"a": 2.0})
    quality_report.record(tmp_path, [older, run_of("dvm-small", "w 2", {"a": 3.0})])
    quality_report.record(tmp_path, [run_of("dvm-small", "w 2", {"a": 1.0}, set="validation")])
    quality_report.record(tmp_path, [run_of("dvm-small", "w 2", {"a": 9.0}, set="further", composites=1)])
    kept = json.loads((tmp_path / "quality.json").read_text())["runs"]
    assert [(run["weights"], run["mean"]["sad"]) for run in kept] == [("w 1", 2.0), ("w 2", 1.0), ("w 2", 9.0)]


def test_the_page_shows_old_weights_in_the_means_only_and_a_dash_for_what_they_lack() -> None:
    runs = [
        run_of("dvm-small", "w 1", {"a": 2.0, "b": 2.0}),
        run_of("closed form (PyMatting)", "", {"a": 4.0, "b": 1.0}),
        run_of("dvm-small", "w 2", {"a": 1.0, "b": 1.0}),
    ]
    page = quality_report.document(runs)
    assert "| full | dvm-small | w 1 | 2.000 (0.80) | - | - |" in page
    assert "| full | dvm-small (2) | 1.000 | 1.000 | 1.000 |" in page
    assert "dvm-small (1)" not in page
    assert "| SAD | 1 of 2 | 50 % | b |" in page  # as good is not better
    assert "| MSE | 0 of 0 | - | - |" in page


@with_data
def test_the_further_clips_follow_their_rule_and_were_never_for_training() -> None:
    with (DATA / "train" / "INDEX.csv").open(encoding="utf-8") as lines:
        rows = {row["path"]: row for row in csv.DictReader(lines)}
    chosen = [placement.foreground for placement in FURTHER.placements]
    for stem in chosen:
        suffix = ".png" if stem.startswith("fg/") else ".mkv"
        assert rows[f"{stem}_alpha{suffix}"]["use"] == "research"
    softest = {"alphamatting": 4, "footballer": 2, "potted_plant": 1, "headphones": 1}
    for kind, count in softest.items():
        fitting = [
            row
            for path, row in rows.items()
            if path.startswith(f"fg/{kind}_") and path.endswith("_alpha.png") and int(row["height"]) >= 300
        ]
        soft = {row["path"]: float(row["soft_fraction"]) for row in fitting if row["use"] == "research"}
        ranked = sorted((path for path in soft if soft[path] <= 0.1), key=lambda path: -soft[path])[:count]
        assert {path.removesuffix("_alpha.png") for path in ranked} == {s for s in chosen if s.startswith(f"fg/{kind}")}
    assert not {placement.name for placement in VALIDATION.placements} & {stem.split("/")[1] for stem in chosen}
