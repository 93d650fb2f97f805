"""`mattekit finish`: through the command, on mattes of every kind that other tools write."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

import scenes
from mattekit.checks import InputError
from mattekit.cli import finishing, main
from mattekit.cli.brought import find_alpha, read_alphas
from mattekit.engine import finish_settings
from mattekit.engine.finish import repair, shape
from mattekit.engine.finish_settings import Finish
from mattekit.media import open_writer, probe, read, read_alpha
from mattekit.ops import gaussian_blur

FRAMES = 5


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with five frames of a soft disc and its true alpha in 16 bits."""
    scene = scenes.soft_disc(FRAMES)
    info = probe(scenes.write_video(tmp_path / "clip.mkv", scene.frames))
    writer = open_writer(tmp_path / "true.mkv", info, content="alpha")
    for pts, alpha in enumerate(scene.alpha):
        writer.write(alpha, pts * 40)
    writer.finish()
    writer.publish()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alpha_of(path: str) -> torch.Tensor:
    return torch.from_numpy(np.stack(list(read_alpha(probe(path)))))[:, None]


def times_of(path: str) -> list[int]:
    with av.open(path) as container:
        return [frame.pts for frame in container.decode(video=0) if frame.pts is not None]


def test_a_matte_that_nothing_is_asked_of_comes_back_to_the_bit_with_the_clips_times(folder: Path) -> None:
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "out.mkv"]) == 0
    assert torch.equal(alpha_of("out.mkv"), alpha_of("true.mkv"))
    assert times_of("out.mkv") == times_of("clip.mkv")


def test_every_option_does_what_its_function_does(folder: Path) -> None:
    settings = Finish(
        black=0.1, white=0.9, gamma=1.3, fill_holes=5, drop_islands=7, choke=-0.6, softness=2.0, feather=1.5
    )
    options = [
        *("--black", "0.1", "--white", "0.9", "--gamma", "1.3", "--fill-holes", "5", "--drop-islands", "7"),
        *("--choke", "-0.6", "--softness", "2", "--feather", "1.5"),
    ]
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "out.mkv", *options]) == 0
    wanted = torch.cat([shape(repair(frame, settings), settings) for frame in alpha_of("true.mkv").split(1)])
    torch.testing.assert_close(alpha_of("out.mkv"), wanted, rtol=0, atol=1e-4)


def test_all_outputs_are_made_and_json_tells_how_well_they_give_the_frame_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ["--foreground", "f.mkv", "--cutout", "cut", "--composite", "c.mkv", "--background", "white"]
    assert main(["finish", "clip.mkv", "true.mkv", "--json", "--despill", "1", *outputs]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == FRAMES and set(told["outputs"]) == {"foreground", "cutout", "composite"}
    assert 0 <= told["recomposition_mean"] < 0.01 and told["recomposition_max"] < 0.1
    scene = scenes.soft_disc(FRAMES)
    found = torch.cat([chunk.frames for chunk in read(probe("f.mkv"))])
    seen = (scene.alpha > 0.2).expand_as(found)
    assert float((found - scene.foreground).abs()[seen].mean()) < 0.03
    laid = torch.cat([chunk.frames for chunk in read(probe("c.mkv"))])
    assert float((laid - (scene.alpha * scene.foreground + 1 - scene.alpha)).abs().mean()) < 0.01


def test_alpha_alone_is_told_of_without_colour(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "out.mkv", "--json"]) == 0
    assert "recomposition_mean" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["grey pictures", "opaque RGBA pictures", "cut-out pictures", "video without alpha"])
def test_a_matte_is_taken_from_wherever_another_tool_put_it(folder: Path, kind: str) -> None:
    scene = scenes.soft_disc(FRAMES)
    alphas = scenes.to_bytes(scene.alpha)
    colours = scenes.to_bytes(scene.foreground)
    if kind == "video without alpha":
        scenes.write_video(folder / "matte.mp4", scene.alpha.expand(-1, 3, -1, -1), codec="libx264", layout="yuv444p")
        found, tolerance = "matte.mp4", 0.1
    else:
        (folder / "matte").mkdir()
        for index, (alpha, colour) in enumerate(zip(alphas, colours, strict=True)):
            opaque = np.full_like(alpha, 255)
            picture = {
                "grey pictures": alpha[..., 0],
                "opaque RGBA pictures": np.concatenate((alpha, alpha, alpha, opaque), axis=2),
                "cut-out pictures": np.concatenate((colour, alpha), axis=2),
            }[kind]
            Image.fromarray(picture).save(folder / "matte" / f"m.{index:04d}.png")
        found, tolerance = "matte", 0.5 / 255 + 1e-6
    assert main(["finish", "clip.mkv", found, "--alpha", "out.mkv"]) == 0
    assert float((alpha_of("out.mkv") - scene.alpha).abs().max()) < tolerance


def test_sixteen_bits_of_a_matte_are_kept(folder: Path) -> None:
    info = probe("clip.mkv")
    whole = torch.stack(list(read_alphas(find_alpha(Path("true.mkv"), info, (0, FRAMES)), FRAMES)))
    levels = whole * 65535
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=0.01)
    assert float((whole - scenes.soft_disc(FRAMES).alpha).abs().max()) <= 0.51 / 65535
    assert len(torch.unique((whole * 255 - (whole * 255).round()).abs() > 0.01)) == 2  # between the levels of 8 bits


def test_a_span_takes_the_mattes_of_its_frames_from_the_whole_or_from_a_part(folder: Path) -> None:
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "part.mkv", "--start", "1", "--end", "4"]) == 0
    assert torch.equal(alpha_of("part.mkv"), alpha_of("true.mkv")[1:4])
    span = ["--start", "1", "--end", "4"]
    assert main(["finish", "clip.mkv", "part.mkv", "--alpha", "again.mkv", *span]) == 0
    assert torch.equal(alpha_of("again.mkv"), alpha_of("part.mkv"))


@pytest.mark.parametrize("screen", ["auto", "#00b340"])
def test_a_subject_from_a_green_wall_shows_no_green_over_white(folder: Path, screen: str) -> None:
    scene = scenes.soft_disc(3, (96, 120))
    wall = torch.tensor([0.0, 0.7, 0.25]).view(1, 3, 1, 1)
    lit = 0.4 + 0.4 * gaussian_blur((scene.alpha < 0.5).float(), 2.5) * wall
    scenes.write_video(folder / "wall.mkv", scene.alpha * lit + (1 - scene.alpha) * wall)
    scenes.write_video(folder / "matte.mkv", scene.alpha.expand(-1, 3, -1, -1))
    most = []
    for amount in ("0", "1"):
        options = ["--composite", "c.mkv", "--background", "white", "--despill", amount, "--screen", screen]
        assert main(["finish", "wall.mkv", "matte.mkv", "--overwrite", *options]) == 0
        laid = torch.cat([chunk.frames for chunk in read(probe("c.mkv"))])
        most.append(255 * float((laid[:, 1] - torch.maximum(laid[:, 0], laid[:, 2])).max()))
    assert most[0] > 8 and most[1] <= 2


def test_matte_finishes_as_finish_does_and_paint_is_finished_with_the_rest(folder: Path, random_weights: Path) -> None:
    scene = scenes.soft_disc(FRAMES)
    scenes.write_picture(folder / "t.png", scene.trimap()[0])
    given = ["matte", "clip.mkv", "--trimap", "0=t.png", "--weights", str(random_weights)]
    options = ["--choke", "-3.5", "--feather", "2"]
    assert main([*given, "--alpha", "plain.mkv"]) == 0
    assert main([*given, "--alpha", "one.mkv", *options]) == 0
    assert main(["finish", "clip.mkv", "plain.mkv", "--alpha", "two.mkv", *options]) == 0
    torch.testing.assert_close(alpha_of("one.mkv"), alpha_of("two.mkv"), rtol=0, atol=1e-4)
    known = scene.trimap()[:1] == 0
    assert float(alpha_of("plain.mkv")[:1][known].max()) == 0 < float(alpha_of("one.mkv")[:1][known].max())


def test_a_matte_that_flickers_is_steadier_after_stabilise_and_nearer_to_the_truth(folder: Path) -> None:
    pytest.importorskip("cv2", reason="OpenCV, which the stabiliser finds motion with, is not installed")
    scene = scenes.soft_disc(7, (72, 96), speed=(2, 1), softness=10.0)
    scenes.write_video(folder / "long.mkv", scene.frames)
    blips = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0]).view(-1, 1, 1, 1)
    shaken = (scene.alpha + 0.1 * blips * (4 * scene.alpha * (1 - scene.alpha))).clamp(0, 1)
    scenes.write_video(folder / "shaken.mkv", shaken.expand(-1, 3, -1, -1))
    assert main(["finish", "long.mkv", "shaken.mkv", "--alpha", "s.mkv", "--stabilise", "1", "--ahead", "2"]) == 0
    steady, before = alpha_of("s.mkv"), alpha_of("shaken.mkv")
    wrong, wrong_before = (each - scene.alpha for each in (steady, before))
    assert times_of("s.mkv") == times_of("long.mkv")
    assert float(wrong.abs().mean()) < 0.9 * float(wrong_before.abs().mean())
    assert float((wrong[1:] - wrong[:-1]).abs().mean()) < 0.85 * float(
        (wrong_before[1:] - wrong_before[:-1]).abs().mean()
    )


@pytest.mark.parametrize("size", [(1, 1), (17, 13), (2, 90)])
@pytest.mark.parametrize("frames", [1, 3])
def test_every_option_together_works_on_tiny_and_odd_clips(folder: Path, size: tuple[int, int], frames: int) -> None:
    generator = torch.Generator().manual_seed(0)
    scenes.write_video(folder / "tiny.mkv", torch.rand(frames, 3, *size, generator=generator))
    scenes.write_video(folder / "m.mkv", torch.rand(frames, 1, *size, generator=generator).expand(-1, 3, -1, -1))
    options = [
        *("--stabilise", "1", "--black", "0.1", "--gamma", "1.2", "--fill-holes", "9", "--drop-islands", "2"),
        *("--choke", "-1.5", "--softness", "-0.5", "--feather", "3", "--despill", "1"),
    ]
    assert main(["finish", "tiny.mkv", "m.mkv", "--alpha", "a.mkv", "--cutout", "c", *options]) == 0
    found = alpha_of("a.mkv")
    assert found.shape == (frames, 1, *size) and 0 <= float(found.min()) <= float(found.max()) <= 1
    assert probe("c").frames == frames


REFUSED = {
    "a matte of another size": (["clip.mkv", "wide.mkv", "--alpha", "o.mkv"], "must have the clip's size"),
    "a matte that is shorter": (["clip.mkv", "short.mkv", "--alpha", "o.mkv"], "must have the clip's 5 frames; got 3"),
    "a matte in colour": (["clip.mkv", "clip.mkv", "--alpha", "o.mkv"], "must be grey or have an alpha channel"),
    "no matte": (["clip.mkv", "none.mkv", "--alpha", "o.mkv"], "none.mkv"),
    "no output": (["clip.mkv", "true.mkv"], "an output must be named"),
    "the matte as output": (["clip.mkv", "true.mkv", "--alpha", "true.mkv", "--overwrite"], "must not be an input"),
    "black above white": (
        ["clip.mkv", "true.mkv", "--black", ".9", "--white", ".2", "--alpha", "o.mkv"],
        "below white",
    ),
    "despill without colour": (
        ["clip.mkv", "true.mkv", "--despill", "1", "--alpha", "o.mkv"],
        "--despill must go with",
    ),
    "a screen that is none": (["clip.mkv", "true.mkv", "--screen", "greenish", "--alpha", "o.mkv"], "--screen must be"),
    "too much choke": (["clip.mkv", "true.mkv", "--choke", "65", "--alpha", "o.mkv"], "--choke"),
    "no number": (["clip.mkv", "true.mkv", "--feather", "nan", "--alpha", "o.mkv"], "'--feather'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_left(
    folder: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes.write_video(folder / "wide.mkv", torch.zeros(FRAMES, 3, 48, 66))
    scenes.write_video(folder / "short.mkv", torch.zeros(3, 3, 48, 64))
    before = sorted(folder.iterdir())
    arguments, said = REFUSED[case]
    assert main(["finish", *arguments]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert sorted(folder.iterdir()) == before


def test_the_options_and_the_settings_have_the_same_limits() -> None:
    assert (finishing.MOST, finishing.MOST_AHEAD) == (finish_settings.MOST, finish_settings.MOST_AHEAD)
    assert finishing.parse_spill("auto") is None and finishing.parse_spill("#00b140") == (0, 177, 64)
    with pytest.raises(InputError, match="--screen must be auto, a colour's name or #rrggbb; got greenish"):
        finishing.parse_spill("greenish")


def test_without_opencv_stabilise_is_refused_and_all_else_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(finishing, "find_spec", lambda name: None)
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "o.mkv", "--stabilise", "0.5"]) == 2
    assert "--stabilise must have OpenCV" in capsys.readouterr().err
    assert main(["finish", "clip.mkv", "true.mkv", "--alpha", "o.mkv", "--feather", "0.5"]) == 0
