"""`mattekit matte --model auto` and `--prior`: key frames from maps, their trimaps, nobody in sight, what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import person_networks
import scenes
import shots
from mattekit.cli import auto, main
from mattekit.engine import key_choice
from mattekit.media import probe, read_alpha, read_trimap

AUTO = ["matte", "clip.mkv", "--model", "auto", "--prior", "maps", "--alpha", "a.mkv"]
FIRST, SIZE = 7, (48, 64)
"""Frames of the first scene, and height and width."""


def write_maps(folder: Path, maps: Tensor) -> None:
    folder.mkdir(exist_ok=True)
    for number, map_ in enumerate(maps):
        scenes.write_picture(folder / f"{number:05d}.png", map_)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: a clip of two scenes of a disc, its maps, and networks that matte from trimaps at once."""
    one = scenes.soft_disc(FIRST, SIZE, speed=(1, 0), softness=2)
    other = scenes.soft_disc(6, SIZE, speed=(0, 1), softness=2)
    light = 1 - scenes.stripes(6, SIZE).frames * 0.3
    scenes.write_video(tmp_path / "clip.mkv", torch.cat((one.frames * 0.2, light)))
    write_maps(tmp_path / "maps", torch.cat((one.alpha, other.alpha.flip(-1))))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mattekit.models.load", shots.Loader())
    return tmp_path


def alpha_of(path: str) -> np.ndarray:
    return np.stack(list(read_alpha(probe(Path(path)))))


def key_frames(said: str) -> list[tuple[int, bool]]:
    return [(each["frame"], each["empty"]) for each in json.loads(said)["key_frames"]]


def test_each_scene_has_a_key_frame_whose_trimap_holds_in_alpha_and_can_be_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*AUTO, "--keep-trimaps", "kept", "--stabilise", "0", "--json"]) == 0
    said, told = capsys.readouterr()
    keys = key_frames(said)
    assert len(keys) == 2 and keys[0][0] < FIRST <= keys[1][0] and not any(empty for _, empty in keys)
    assert f"key frames, and the trust in what was seen there: {keys[0][0]} (" in told
    kept = {int(path.stem): path for path in Path("kept").iterdir()}
    assert sorted(kept) == [number for number, _ in keys]
    alpha, maps = alpha_of("a.mkv"), alpha_of("maps")
    for number, path in kept.items():
        trimap = read_trimap(path, SIZE)
        assert (alpha[number][trimap == 0] == 0).all() and (alpha[number][trimap == 255] == 1).all()
        if number < FIRST:  # the frames of the other scene show no disc
            assert (maps[number][trimap == 255] > 0.8).all() and (maps[number][trimap == 0] < 0.2).all()
        assert 0.02 < (trimap == 128).mean() < 0.4 and (trimap == 255).any()


def test_kept_trimaps_give_the_same_matte_as_those_of_a_user(folder: Path) -> None:
    assert main([*AUTO, "--keep-trimaps", "kept"]) == 0
    assert main(["matte", "clip.mkv", "--trimaps", "kept", "--alpha", "b.mkv"]) == 0
    assert main([*AUTO[:-1], "c.mkv", "--resume"]) == 0
    assert Path("a.mkv").read_bytes() == Path("b.mkv").read_bytes() == Path("c.mkv").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["a.mkv", "b.mkv", "c.mkv", "clip.mkv", "kept", "maps"]


def test_a_scene_of_nobody_has_a_clear_matte_and_a_note_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = torch.from_numpy(alpha_of("maps"))[:, None]
    maps[FIRST:] = 0.01
    write_maps(folder / "maps", maps)
    assert main([*AUTO, "--stabilise", "0", "--json"]) == 0
    said, told = capsys.readouterr()
    assert [empty for _, empty in key_frames(said)] == [False, True]
    assert "key frames that show nobody: " in told
    number = key_frames(said)[1][0]
    assert alpha_of("a.mkv")[number].max() == 0


@pytest.mark.parametrize(("level", "message"), [(0.01, "nobody is seen in any frame"), (0.55, "are seen with a trust")])
def test_a_clip_without_people_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], level: float, message: str
) -> None:
    maps = torch.full((13, 1, *SIZE), min(level, 0.4))
    maps[:, :, 20:26, 30:36] = level
    write_maps(folder / "maps", maps)
    before = sorted(folder.iterdir())
    assert main([*AUTO, "--keep-trimaps", "kept"]) == 2
    error = capsys.readouterr().err
    assert message in error and "must be given a clip of people" in error and error.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_the_span_and_the_length_of_a_chunk_choose_the_frames_that_are_looked_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*AUTO, "--start", "2", "--end", "6", "--json"]) == 0
    ((number, _),) = key_frames(capsys.readouterr().out)
    assert 2 <= number < 6
    assert main([*AUTO[:-1], "b.mkv", "--start", "2", "--end", "6", "--chunk", "1"]) == 0
    np.testing.assert_array_equal(alpha_of("a.mkv"), alpha_of("b.mkv"))


def test_long_scenes_get_several_key_frames_where_the_maps_are_sure(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_choice, "EVERY", 3)
    monkeypatch.setattr(key_choice, "APART", 2)
    assert main([*AUTO, "--json"]) == 0
    assert len(key_frames(capsys.readouterr().out)) == 4


def test_a_key_frame_is_looked_at_with_those_of_its_scene_alone() -> None:
    looked = [list(auto._around(frame, 2, (10, 30), (5, 15, 40))) for frame in (10, 14, 15, 20, 29)]
    assert looked == [[10, 11, 12], [12, 13, 14], [15, 16, 17], [18, 19, 20, 21, 22], [27, 28, 29]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "auto", "--prior", "maps", "--trimap", "0=t.png"], "must be given no trimap; got --trimap"),
        (["--model", "auto", "--prior", "maps", "--working-size", "64"], "must go with --model rvm or person"),
        (["--model", "auto", "--prior", "clip.mkv"], "maps clip.mkv must be grey or have an alpha channel"),
        (["--prior", "maps"], "--prior must go with --model person or auto; got --model dvm"),
        (["--keep-trimaps", "kept"], "--keep-trimaps must go with --model auto; got --model dvm"),
        (["--model", "auto", "--prior", "maps", "--keep-trimaps", "maps"], "maps must not exist yet"),
        (["--model", "auto", "--prior", "maps", "--keep-trimaps", "t.mkv"], "--keep-trimaps must name a folder"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["matte", "clip.mkv", *arguments, "--alpha", "a.mkv"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1, error
    assert not Path("a.mkv").exists()


def test_person_takes_maps_by_the_number_of_their_frame_over_a_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    person_networks.write_person(folder / "w.safetensors")
    person = ["matte", "clip.mkv", "--model", "person", "--weights", "w.safetensors", "--prior", "maps"]
    assert main([*person, "--alpha", "a.mkv"]) == 0
    assert main([*person, "--alpha", "part.mkv", "--start", f"{FIRST}"]) == 0
    alpha = alpha_of("a.mkv")
    assert alpha.shape == (13, *SIZE) and alpha.std() > 0.01
    np.testing.assert_allclose(alpha_of("part.mkv"), alpha[FIRST:], atol=3e-5)
    maps = torch.from_numpy(alpha_of("maps"))[:, None]
    maps[3] = 0
    write_maps(folder / "maps", maps)
    assert main([*person, "--alpha", "b.mkv"]) == 0
    changed = np.abs(alpha_of("b.mkv") - alpha).max((1, 2)) > 1e-4
    assert changed[3] and not changed[FIRST:].any()
