"""`mattekit matte` on tiny clips, through the command itself, with weights that were never trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor

import mattekit.models
import scenes
from mattekit.cli import main
from mattekit.media import probe, read, read_alpha, read_planes
from mattekit.models import Model
from mattekit.types import Propagated, State


@pytest.fixture
def scene() -> scenes.Scene:
    return scenes.soft_disc(5)


@pytest.fixture
def folder(tmp_path: Path, scene: scenes.Scene, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a clip and the true trimap of each frame."""
    scenes.write_video(tmp_path / "clip.mkv", scene.frames)
    (tmp_path / "trimaps").mkdir()
    for index, trimap in enumerate(scene.trimap()):
        scenes.write_picture(tmp_path / "trimaps" / f"t{index}.png", trimap)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class HalfMatter:
    """Alpha a half wherever the trimap does not know."""

    needs_trimap = True
    context = 0

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        return torch.full((len(frames), 1, *frames.shape[-2:]), self.value), None, None


class SameTrimap:
    """Every frame has the trimap of its key frame."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        return trimap

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        return Propagated(references[0], 1.0)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> HalfMatter:
    """Networks whose answers one can compute in the head."""
    matter = HalfMatter()

    def load(family: str, *, weights: Path | None = None, device: object = "cpu") -> Model:
        return Model(family, matter, SameTrimap(), Path("none"))

    monkeypatch.setattr(mattekit.models, "load", load)
    return matter


def alpha_of(path: str) -> np.ndarray:
    return np.stack(list(read_alpha(probe(path))))


def planes_of(path: str) -> np.ndarray:
    return np.stack(list(read_planes(probe(path))))


def times_of(path: str) -> list[Fraction]:
    with av.open(path) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


ALL = [
    "--alpha",
    "a.mkv",
    "--foreground",
    "f.mkv",
    "--cutout",
    "c.mov",
    "--composite",
    "o.mp4",
    "--background",
    "#00b140",
]
KEY = ["--trimap", "0=trimaps/t0.png"]


def test_all_outputs_have_the_clips_frames_times_and_size(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["matte", "clip.mkv", *KEY, *ALL, "--weights", str(random_weights), "--json"]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert summary["outputs"] == {"alpha": "a.mkv", "foreground": "f.mkv", "cutout": "c.mov", "composite": "o.mp4"}
    assert (summary["frames"], summary["notes"]) == (5, [])
    figures = {"recomposition_mean", "recomposition_max"}
    assert set(summary) == {"outputs", "frames", "seconds", "frames_per_second", "peak_memory_mb", "notes"} | figures
    assert 0 <= summary["recomposition_mean"] <= summary["recomposition_max"] <= 1
    assert said.err.startswith("wrote a.mkv, f.mkv, c.mov, o.mp4: 5 frames in ")
    for path in summary["outputs"].values():
        assert (probe(path).frames, probe(path).size) == (5, (48, 64))
        assert times_of(path) == times_of("clip.mkv")
    assert sorted(os.listdir()) == ["a.mkv", "c.mov", "clip.mkv", "f.mkv", "o.mp4", "trimaps"]


def test_known_pixels_of_the_users_trimaps_are_exact_in_the_file(
    folder: Path, scene: scenes.Scene, random_weights: Path
) -> None:
    assert (
        main(["matte", "clip.mkv", "--trimaps", "trimaps", "--alpha", "a.mkv", "--weights", str(random_weights)]) == 0
    )
    trimap, alpha = scene.trimap()[:, 0].numpy(), alpha_of("a.mkv")
    known = trimap != 0.5
    assert (alpha[known] == trimap[known]).all()
    assert len(np.unique(alpha[~known])) > 100


@pytest.mark.parametrize("length", ["3", "8"])
def test_the_length_of_a_chunk_changes_nothing(folder: Path, random_weights: Path, length: str) -> None:
    keys = ["--trimap", "4=trimaps/t4.png", "--trimap", "1=trimaps/t1.png"]
    for path, chunk in (("one.mkv", "1"), ("other.mkv", length)):
        arguments = [*keys, "--alpha", path, "--chunk", chunk, "--weights", str(random_weights)]
        assert main(["matte", "clip.mkv", *arguments]) == 0
    assert np.abs(alpha_of("one.mkv") - alpha_of("other.mkv")).max() <= 1e-5


def test_the_outputs_of_known_answers_are_as_one_computes_them(
    folder: Path, scene: scenes.Scene, stub: HalfMatter
) -> None:
    outputs = ["--alpha", "alpha", "--cutout", "c.mkv", "--composite", "o.mkv", "--background", "rgb(255,0,0)"]
    assert main(["matte", "clip.mkv", *KEY, *outputs, "--stabilise", "0"]) == 0
    trimap = scene.trimap()[0, 0].numpy()
    alpha = alpha_of("alpha")
    assert sorted(os.listdir("alpha")) == [f"{index:05d}.png" for index in range(5)]
    assert np.abs(alpha - trimap).max() < 1e-4
    cutout, composite = planes_of("c.mkv") / 65535, planes_of("o.mkv") / 65535
    assert np.abs(cutout[..., 3] - trimap).max() < 1e-4
    red = np.array([1.0, 0.0, 0.0])
    over = trimap[None, ..., None] * cutout[..., :3] + (1 - trimap[None, ..., None]) * red
    assert np.abs(composite - over).max() < 1e-4
    solid = trimap == 1
    assert np.abs(cutout[0, solid, :3] - scene.frames[0].permute(1, 2, 0).numpy()[solid]).max() < 1e-4


def test_an_image_behind_covers_the_frame_and_is_cropped_about_its_middle(folder: Path, stub: HalfMatter) -> None:
    wide = torch.zeros(3, 24, 64)
    wide[0, :, :16], wide[1, :, 16:48], wide[2, :, 48:] = 1, 1, 1
    scenes.write_picture(folder / "wide.png", wide)
    assert main(["matte", "clip.mkv", *KEY, "--composite", "o.mkv", "--background", "wide.png"]) == 0
    corner = planes_of("o.mkv")[:, :4, 2:-2]
    assert (corner[..., 1] > 65000).all()
    assert (corner[..., (0, 2)] < 500).all()


def test_a_video_behind_moves_along_and_begins_again(folder: Path, stub: HalfMatter) -> None:
    colours = torch.eye(3)[:2, :, None, None].expand(2, 3, 48, 64)
    scenes.write_video(folder / "short.mkv", colours)
    assert main(["matte", "clip.mkv", *KEY, "--composite", "o.mkv", "--background", "short.mkv"]) == 0
    corner = planes_of("o.mkv")[:, 0, 0] // 65535
    assert corner.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_a_mask_becomes_a_trimap_with_a_band(folder: Path, scene: scenes.Scene, stub: HalfMatter) -> None:
    mask = (scene.alpha[0] > 0.5).float()
    scenes.write_picture(folder / "mask.png", mask)
    assert main(["matte", "clip.mkv", "--mask", "0=mask.png", "--band", "2", "--alpha", "a.mkv"]) == 0
    values, row = alpha_of("a.mkv")[0], mask[0, 20].numpy()
    edges = np.flatnonzero(np.diff(row))
    assert (np.abs(values[20][edges[0] - 1 : edges[0] + 3] - 0.5) < 1e-4).all()
    assert values[20][edges[0] - 2] == 0
    assert values[20][edges[0] + 3] == 1


def test_a_span_is_written_alone_from_a_key_frame_outside_it(
    folder: Path, scene: scenes.Scene, stub: HalfMatter
) -> None:
    assert main(["matte", "clip.mkv", *KEY, "--start", "2", "--end", "4", "--foreground", "f"]) == 0
    assert sorted(os.listdir("f")) == ["00002.png", "00003.png"]
    shown = torch.stack([chunk.frames[0] for chunk in read(probe("f"), chunk=1)])
    solid = (scene.trimap()[0] == 1).expand(3, -1, -1)
    for index in (0, 1):
        assert torch.allclose(shown[index][solid], scene.frames[index + 2][solid], atol=1e-4)


@pytest.mark.parametrize(("count", "size"), [(1, (48, 64)), (3, (47, 63)), (2, (5, 3))])
def test_one_frame_odd_sizes_and_tiny_ones_work(
    tmp_path: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch, count: int, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    scene = scenes.soft_disc(count, size)
    scenes.write_video(tmp_path / "clip.mkv", scene.frames)
    scenes.write_picture(tmp_path / "t.png", scene.trimap()[0])
    arguments = ["--trimap", "0=t.png", *ALL, "--weights", str(random_weights)]
    assert main(["matte", "clip.mkv", *arguments]) == 0
    for path in ("a.mkv", "f.mkv", "c.mov", "o.mp4"):
        assert (probe(path).frames, probe(path).size) == (count, size)


def test_pictures_go_in_and_out(folder: Path, scene: scenes.Scene, stub: HalfMatter) -> None:
    (folder / "shots").mkdir()
    for index, frame in enumerate(scene.frames):
        scenes.write_picture(folder / "shots" / f"shot_{index + 1:03d}.png", frame)
    assert main(["matte", "shots", *KEY, "--cutout", "cut_%03d.png"]) == 0
    assert sorted(path.name for path in folder.glob("cut_*")) == [f"cut_{index:03d}.png" for index in range(5)]
    assert main(["matte", "shots/shot_001.png", *KEY, "--alpha", "still.png"]) == 0
    assert alpha_of("still.png").shape == (1, 48, 64)


def test_bits_choose_the_depth_and_a_format_without_them_is_refused(
    folder: Path, stub: HalfMatter, capsys: pytest.CaptureFixture[str]
) -> None:
    for bits, kind in (("8", np.uint8), ("16", np.uint16)):
        assert main(["matte", "clip.mkv", *KEY, "--alpha", f"a{bits}_%03d.png", "--bits", bits]) == 0
        assert planes_of(f"a{bits}_000.png").dtype == kind
    assert main(["matte", "clip.mkv", *KEY, "--cutout", "c.mov", "--bits", "8"]) == 2
    assert "c.mov must have 10 bits a channel; got 8" in capsys.readouterr().err


NAMES = ["a b", 'it\'s "so"', "-dash", "50%d", "http:x", "two\nlines", "café", os.fsdecode(b"caf\xe9"), "x=y"]


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_works(folder: Path, stub: HalfMatter, name: str) -> None:
    (folder / "clip.mkv").rename(folder / f"{name}.mkv")
    (folder / "trimaps" / "t0.png").rename(folder / f"{name}.png")
    arguments = ["--trimap", f"0={name}.png", "--alpha", f"{name}-alpha.mkv", "--json", "--", f"{name}.mkv"]
    assert main(["matte", *arguments]) == 0
    assert (folder / f"{name}-alpha.mkv").is_file()


def test_an_output_is_replaced_only_when_asked_and_only_by_a_whole_one(
    folder: Path, stub: HalfMatter, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.mkv").write_bytes(b"precious")
    assert main(["matte", "clip.mkv", *KEY, "--alpha", "a.mkv"]) == 2
    stub.value = float("nan")
    assert main(["matte", "clip.mkv", *KEY, "--alpha", "a.mkv", "--overwrite"]) == 1
    assert (folder / "a.mkv").read_bytes() == b"precious"
    stub.value = 0.5
    assert main(["matte", "clip.mkv", *KEY, "--alpha", "a.mkv", "--overwrite"]) == 0
    assert probe("a.mkv").frames == 5
    assert sorted(os.listdir()) == ["a.mkv", "clip.mkv", "trimaps"]


def test_a_fault_is_one_line_and_debug_shows_where(
    folder: Path, stub: HalfMatter, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.value = float("nan")
    assert main(["matte", "clip.mkv", *KEY, *ALL]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "alpha must be in [0, 1]" in said
    assert sorted(os.listdir()) == ["clip.mkv", "trimaps"]
    assert main(["matte", "clip.mkv", *KEY, *ALL, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_weights_that_are_none_are_refused_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.safetensors").write_bytes(b"no weights")
    assert main(["matte", "clip.mkv", *KEY, "--alpha", "a.mkv", "--weights", "bad.safetensors"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bad.safetensors" in said
    assert sorted(os.listdir()) == ["bad.safetensors", "clip.mkv", "trimaps"]


def test_damage_in_the_middle_is_told_and_leaves_nothing(
    folder: Path, stub: HalfMatter, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shots").mkdir()
    for index in range(3):
        scenes.write_picture(folder / "shots" / f"{index}.png", scenes.soft_disc(3).frames[index])
    whole = (folder / "shots" / "2.png").read_bytes()
    (folder / "shots" / "2.png").write_bytes(whole[:-200])
    assert main(["matte", "shots", *KEY, *ALL]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "2.png" in said
    assert sorted(os.listdir()) == ["clip.mkv", "shots", "trimaps"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exits_130_and_leaves_nothing(tmp_path: Path, random_weights: Path, number: int) -> None:
    scene = scenes.soft_disc(1)
    scenes.write_video(tmp_path / "clip.mkv", scene.frames.expand(600, -1, -1, -1))
    scenes.write_picture(tmp_path / "t.png", scene.trimap()[0])
    command = [sys.executable, "-m", "mattekit", "matte", "clip.mkv", "--trimap", "0=t.png", *ALL]
    process = subprocess.Popen(
        [*command, "--weights", str(random_weights), "--threads", "1"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not list(tmp_path.glob(".mattekit-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said == "mattekit: interrupted\n"
    assert sorted(os.listdir(tmp_path)) == ["clip.mkv", "t.png"]
