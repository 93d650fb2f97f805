"""The options of writing, through the command itself, with networks whose answers one can compute."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image
from torch import Tensor

import mattekit.models
import scenes
from mattekit.cli import main
from mattekit.media import probe, read, read_planes
from mattekit.media.transfer import linearise
from mattekit.models import Model
from mattekit.types import Propagated, State

SIZE = (48, 64)
KEY = ["matte", "clip.mkv", "--trimap", "0=t.png"]


class QuarterMatter:
    """Alpha a quarter wherever the trimap does not know."""

    needs_trimap = True
    context = 0

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        return torch.full((len(frames), 1, *frames.shape[-2:]), 0.25), None, None


class SameTrimap:
    """Every frame has the trimap of its key frame."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        return trimap

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        return Propagated(references[0], 1.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a clip and a trimap: background, unknown and foreground, a third each."""

    def load(family: str, *, weights: Path | None = None, device: object = "cpu") -> Model:
        return Model(family, QuarterMatter(), SameTrimap(), Path("none"))

    monkeypatch.setattr(mattekit.models, "load", load)
    monkeypatch.chdir(tmp_path)
    scenes.write_video(tmp_path / "clip.mkv", scenes.soft_disc(3, SIZE).frames)
    trimap = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(22)[:64].expand(1, *SIZE)
    scenes.write_picture(tmp_path / "t.png", trimap)
    return tmp_path


def planes_of(path: str) -> np.ndarray:
    found = np.stack(list(read_planes(probe(path))))
    return found / np.iinfo(found.dtype).max


def frames_of(path: str) -> np.ndarray:
    return torch.cat([chunk.frames for chunk in read(probe(path))]).permute(0, 2, 3, 1).numpy()


def channels_of(path: str) -> dict[str, np.ndarray]:
    file = OpenEXR.File(path, separate_channels=True)
    return {name: channel.pixels for name, channel in file.channels().items()}


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run what must be refused before anything is written, and return what is said."""
    before = sorted(os.listdir())
    assert main([*KEY, *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert sorted(os.listdir()) == before
    return said


def test_a_cutout_is_premultiplied_where_asked_and_the_note_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*KEY, "--cutout", "s.mkv"]) == 0
    capsys.readouterr()
    assert main([*KEY, "--cutout", "p.mkv", "--premultiplied", "--json"]) == 0
    straight, multiplied = planes_of("s.mkv"), planes_of("p.mkv")
    assert np.array_equal(straight[..., 3], multiplied[..., 3])
    assert np.abs(straight[..., :3] * straight[..., 3:] - multiplied[..., :3]).max() < 2e-5
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "colour is premultiplied, which matroska says in its comment alone: tell the reader"
    ]


def test_encoders_are_chosen_by_name_for_the_outputs_that_offer_them(folder: Path) -> None:
    outputs = ["--cutout", "c.mov", "--composite", "o.mp4", "--background", "red", "--alpha", "a.mkv"]
    assert main([*KEY, *outputs, "--encoder", "prores_aw", "--encoder", "hevc", "--quality", "20"]) == 0
    with av.open("o.mp4") as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    cutout = planes_of("c.mov")
    assert (cutout[..., 45:, 3] == 1).all()
    assert (cutout[..., :20, 3] == 0).all()
    assert np.abs(cutout[..., 23:43, 3] - 0.25).max() < 1 / 4095


def test_exr_outputs_hold_light_and_layers(folder: Path) -> None:
    outputs = ["--cutout", "c_%05d.exr", "--alpha", "mattes", "--format", "exr", "--layers", "--bits", "32"]
    assert main([*KEY, *outputs]) == 0
    assert sorted(os.listdir("mattes")) == [f"{index:05d}.exr" for index in range(3)]
    channels, matte = channels_of("c_00001.exr"), channels_of("mattes/00001.exr")
    assert np.array_equal(channels["A"], matte["Y"])
    assert np.array_equal(channels["alpha.A"], channels["A"])
    for name in "RGB":
        assert np.array_equal(channels[name], channels[f"foreground.{name}"] * channels["A"])
    solid = np.s_[:, 45:]
    wanted = linearise(frames_of("clip.mkv")[1], "bt709")
    for place, name in enumerate("RGB"):
        assert np.abs(channels[name][solid] - wanted[..., place][solid]).max() < 1e-6
    assert main([*KEY, "--foreground", "f_%05d.exr", "--exr-colour", "display", "--bits", "32"]) == 0
    shown = channels_of("f_00001.exr")
    assert np.array_equal(shown["G"][solid], frames_of("clip.mkv")[1][..., 1][solid])


def test_a_preview_shows_frame_alpha_and_composite_side_by_side(folder: Path) -> None:
    assert (
        main([*KEY, "--preview", "p.mkv", "--composite", "o.mkv", "--background", "#204080", "--alpha", "a.mkv"]) == 0
    )
    preview, width = planes_of("p.mkv"), SIZE[1]
    assert preview.shape == (3, SIZE[0], 3 * width, 3)
    assert np.abs(preview[:, :, :width] - frames_of("clip.mkv")).max() < 1e-4
    assert np.abs(preview[:, :, width : 2 * width] - planes_of("a.mkv")).max() < 1e-4
    assert np.abs(preview[:, :, 2 * width :] - planes_of("o.mkv")).max() < 1e-4


def test_a_preview_alone_lies_over_a_checkerboard_and_may_be_jpeg(folder: Path) -> None:
    assert main([*KEY, "--preview", "p_%03d.jpg", "--jpeg-quality", "95"]) == 0
    with Image.open("p_000.jpg") as picture:
        assert picture.size == (3 * SIZE[1], SIZE[0])
        shown = np.asarray(picture)[:, 2 * SIZE[1] : 2 * SIZE[1] + 18] / 255
    assert {round(float(level), 1) for level in np.unique(shown.round(1))} >= {0.6, 0.8}
    assert sorted(Path().glob("p_*.jpg")) == [Path(f"p_{index:03d}.jpg") for index in range(3)]


def test_backgrounds_follow_their_rules(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colours = torch.eye(3)[:2, :, None, None].expand(2, 3, 24, 64)
    scenes.write_video(folder / "short.mkv", colours)
    composite = ["--composite", "o.mkv", "--background", "short.mkv", "--overwrite"]
    for end, expected in (("loop", [0, 1, 0]), ("hold", [0, 1, 1])):
        assert main([*KEY, *composite, "--background-end", end, "--background-fit", "contain"]) == 0
        found = planes_of("o.mkv")
        assert found[:, 24, 2].argmax(-1).tolist() == expected
        assert found[:, :11, 2].max() == 0
    assert main([*KEY, *composite, "--background-end", "refuse"]) == 2
    assert "short.mkv has 2 frames at 25 a second for 3 at 25" in capsys.readouterr().err
    assert main([*KEY, "--composite", "c.mkv", "--background", "checkerboard"]) == 0
    assert np.unique(planes_of("c.mkv")[:, :, :20].round(2)).tolist() == [0.6, 0.8]


def test_choices_that_touch_no_output_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for choice, wanted in [
        (["--encoder", "hevc"], "--encoder hevc must go with a video"),
        (["--quality", "20"], "--quality must go with an .mp4 or .webm"),
        (["--jpeg-quality", "80"], "--jpeg-quality must go with a JPEG"),
        (["--format", "exr"], "--format exr must go with a folder"),
        (["--premultiplied"], "--premultiplied or --straight must go with a --cutout"),
        (["--straight"], "--premultiplied or --straight must go with a --cutout"),
        (["--exr-colour", "display"], "--exr-colour display must go with an EXR"),
        (["--layers"], "--layers must go with an EXR --cutout"),
    ]:
        assert wanted in refused(["--alpha", "a.mkv", *choice], capsys)
    assert "must be one of" in refused(["--alpha", "a.mkv", "--encoder", "x264"], capsys)
    assert "a cutout needs alpha, which .jpg has not" in refused(["--cutout", "c_%d.jpg"], capsys)
    assert "must have 10 bits a channel; got 32" in refused(["--cutout", "c.mov", "--bits", "32"], capsys)
    assert "--composite and --background must come together" in refused(["--composite", "c.mp4"], capsys)


@pytest.mark.parametrize(("pixels", "steps"), [("gbrp10le", 1023), ("yuv444p10le", 876), ("gbrp16le", 65535)])
@pytest.mark.parametrize("name", ["c.mkv", "c_%d.png"])
def test_deep_input_keeps_its_steps_where_alpha_is_one(folder: Path, pixels: str, steps: int, name: str) -> None:
    levels = np.linspace(0, steps, SIZE[0] * SIZE[1]).round().reshape(SIZE)
    stored = 64 + levels if pixels.startswith("yuv") else levels
    with av.open("clip.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.height, stream.width, stream.pix_fmt = *SIZE, pixels
        frame = av.VideoFrame(SIZE[1], SIZE[0], pixels)
        for place, plane in enumerate(frame.planes):
            grey = pixels.startswith("yuv") and place > 0
            np.frombuffer(plane, np.uint16).reshape(SIZE[0], -1)[:, : SIZE[1]] = 512 if grey else stored
        frame.pts = 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert main([*KEY, "--cutout", name]) == 0
    got = planes_of(name.replace("%d", "0"))[0]
    solid = np.s_[:, 45:]
    assert (got[solid][..., 3] == 1).all()
    for channel in range(3):
        assert np.abs(got[solid][..., channel] - (levels / steps)[solid]).max() < 0.51 / max(steps, 1023)
