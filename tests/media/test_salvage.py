from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from footage import picture
from mattekit.checks import MediaError
from mattekit.media import frames_at, open_writer, probe, read
from mattekit.media.salvage import lost_spans, name_losses, salvage
from mattekit.media.thumbnails import read_thumbnails
from mattekit.types import Kept
from torture.broken import cut_at, spoilt
from torture.videos import noise, remuxed, video

FASTSTART = remuxed(noise(".mp4"), options={"movflags": "faststart"})


def frames_of(clip):
    return torch.cat([chunk.frames for chunk in read(clip, chunk=2)])


def times_of(clip):
    return [time for chunk in read(clip) for time in chunk.pts.tolist()]


def test_runs_of_lost_frames_are_those_between_kept_ones():
    assert lost_spans(Kept((0, 1, 2), (1, 2, 5), 8)) == [(0, 0), (3, 4), (6, 7)]
    assert lost_spans(Kept((0, 1), (0, 1), 2)) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_whole_clip_comes_back_as_it_is(tmp_path, name):
    noise(tmp_path.joinpath(name).suffix, keys=3, count=12)(tmp_path / name)
    assert salvage(tmp_path / name) == probe(tmp_path / name)
    assert name_losses(salvage(tmp_path / name)) == []


def test_kept_frames_are_the_frames_of_the_whole_clip_at_their_times(tmp_path):
    noise(".mp4")(tmp_path / "whole.mp4")
    spoilt(".mp4", 3)(tmp_path / "a.mp4")
    clip, whole = salvage(tmp_path / "a.mp4"), probe(tmp_path / "whole.mp4")
    assert clip.kept == Kept((0, 1, 2, 4, 5), (0, 1, 2, 4, 5), 6)
    assert torch.equal(frames_of(clip), frames_of(whole)[[0, 1, 2, 4, 5]])
    times = times_of(whole)
    assert times_of(clip) == [times[number] for number in clip.kept.numbers]
    assert torch.equal(torch.stack(list(frames_at(clip, [1, 3]))), frames_of(clip)[[1, 3]])
    assert len(list(read_thumbnails(clip, longest=8))) == 5


def test_frames_that_lean_on_a_lost_one_are_lost_up_to_the_next_that_needs_no_other(tmp_path):
    spoilt(".mp4", 3, keys=6, seed=3)(tmp_path / "a.mp4")
    assert salvage(tmp_path / "a.mp4").kept.numbers == (0, 1, 2)


def test_the_end_of_a_cut_file_is_counted_where_the_file_lists_its_frames(tmp_path):
    cut_at(FASTSTART, 4)(tmp_path / "a.mp4")
    cut_at(noise(".mkv"), 4)(tmp_path / "a.mkv")
    assert name_losses(salvage(tmp_path / "a.mp4"))[0].endswith("a.mp4 is damaged: of 6 frames 2 are lost (4 to 5)")
    assert name_losses(salvage(tmp_path / "a.mkv"))[0].endswith("what followed its last frame is lost")


def test_a_damaged_clip_is_written_with_gaps_in_time_where_frames_are_lost(tmp_path):
    spoilt(".mp4", 3)(tmp_path / "a.mp4")
    clip = salvage(tmp_path / "a.mp4")
    with open_writer(tmp_path / "out.mov", clip, content="alpha") as writer:
        for chunk in read(clip):
            for frame, time in zip(chunk.frames, chunk.pts.tolist(), strict=True):
                writer.write(frame[:1], time)
    written = probe(tmp_path / "out.mov")
    seconds = [Fraction(time) * written.time_base for time in times_of(written)]
    assert seconds == [Fraction(number, 25) for number in (0, 1, 2, 4, 5)]


def test_a_folder_keeps_its_whole_pictures_and_their_numbers(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in (7, 8, 10, 11):
        Image.fromarray(picture(number)).save(folder / f"{number}.png")
    (folder / "8.png").write_bytes((folder / "8.png").read_bytes()[:100])
    clip = salvage(folder)
    assert (clip.frames, clip.kept) == (3, Kept((0, 1, 2), (0, 3, 4), 5))
    assert times_of(clip) == [0, 3, 4]
    assert (frames_of(clip)[1].permute(1, 2, 0).mul(255).round().numpy() == picture(10)).all()


def test_pictures_of_a_salvaged_clip_keep_their_frames_numbers(tmp_path):
    spoilt(".mp4", 3)(tmp_path / "a.mp4")
    clip = salvage(tmp_path / "a.mp4")
    with open_writer(tmp_path / "out", clip, content="alpha") as writer:
        for place in range(clip.frames):
            writer.write(torch.zeros(1, *clip.size), place)
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == [f"{number:05d}.png" for number in (0, 1, 2, 4, 5)]


def test_nothing_whole_is_an_error(tmp_path):
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "1.png").write_bytes(b"no picture")
    with pytest.raises(MediaError, match="must hold a whole image; none is"):
        salvage(tmp_path / "shots")
    with pytest.raises(MediaError, match="no such file"):
        salvage(tmp_path / "none.mp4")


def test_a_clip_without_usable_times_counts_by_its_rate(tmp_path):
    video(container="h264")(tmp_path / "a.h264")
    clip = probe(tmp_path / "a.h264")
    assert (clip.timed, clip.frames) == (False, 3)
    step = clip.last_duration
    assert np.diff(times_of(clip)).tolist() == [step, step]
    assert step * clip.time_base == 1 / clip.rate
