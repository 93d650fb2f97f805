"""Small pictures of frames against the means of the whole frames."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import scenes
from footage import make_video
from mattekit.checks import InputError
from mattekit.media import probe, read
from mattekit.media.thumbnails import read_thumbnails
from mattekit.ops import resize


@pytest.fixture(params=["video", "images"])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five frames of 64x48 as a lossless video, or as a folder of pictures."""
    frames = scenes.soft_disc(5).frames
    if request.param == "video":
        return scenes.write_video(tmp_path / "clip.mkv", frames)
    (tmp_path / "shots").mkdir()
    for index, frame in enumerate(frames):
        scenes.write_picture(tmp_path / "shots" / f"{index}.png", frame)
    return tmp_path / "shots"


def test_a_thumbnail_is_the_mean_of_what_it_covers(clip: Path) -> None:
    found = list(read_thumbnails(probe(clip), longest=16))
    assert len(found) == 5
    for picture, frame in zip(found, scenes.soft_disc(5).frames, strict=True):
        assert (picture - resize(frame, (12, 16))).abs().max() < 0.02


def test_frames_smaller_than_the_longest_side_keep_their_size_and_a_span_is_read_alone(clip: Path) -> None:
    whole = torch.cat([chunk.frames for chunk in read(probe(clip))])
    found = torch.stack(list(read_thumbnails(probe(clip), longest=640, start=1, end=4)))
    assert (found - whole[1:4]).abs().max() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (47, 301)])
def test_odd_and_tiny_frames_have_thumbnails(tmp_path: Path, size: tuple[int, int]) -> None:
    scenes.write_picture(tmp_path / "one.png", torch.rand(1, *size))
    (picture,) = read_thumbnails(probe(tmp_path / "one.png"), longest=64)
    assert picture.shape[0] == 3 and max(picture.shape[1:]) <= 64 and 0 <= float(picture.min()) <= picture.max() <= 1
    if min(size) > 1:
        scenes.write_video(tmp_path / "one.mkv", torch.rand(2, 3, *size))
        shapes = {picture.shape for picture in read_thumbnails(probe(tmp_path / "one.mkv"), longest=64)}
        assert len(shapes) == 1 and max(shapes.pop()[1:]) <= 64


def test_limited_range_and_a_depth_of_ten_bits_give_the_same_colours_as_reading(tmp_path: Path) -> None:
    path = tmp_path / "deep.mp4"
    make_video(path, pts=2, pixels="yuv420p10le")
    (chunk,) = read(probe(path))
    for picture, frame in zip(read_thumbnails(probe(path), longest=16), chunk.frames, strict=True):
        assert (picture - resize(frame, (12, 16))).abs().max() < 0.04


def test_a_span_outside_the_clip_and_no_size_are_refused(clip: Path) -> None:
    with pytest.raises(InputError, match="frames must be chosen from 0 to 5"):
        read_thumbnails(probe(clip), longest=64, start=2, end=9)
    with pytest.raises(InputError, match="longest must be 1 or more"):
        read_thumbnails(probe(clip), longest=0)
