from fractions import Fraction

import pytest

from footage import make_video, sound_packets, video_times
from mattekit.media import open_writer, probe, read


def copy(path, clip, content="composite", start=0, end=None):
    with open_writer(path, clip, content=content, start=start, end=end) as writer:
        for chunk in read(clip, start=start, end=end):
            for frame, pts in zip(chunk.frames, chunk.pts.tolist(), strict=True):
                writer.write(frame[:1] if content == "alpha" else frame, pts)
    return writer


@pytest.mark.parametrize(
    ("source", "sound", "target"),
    [
        ("clip.mp4", "aac", "out.mp4"),
        ("clip.mp4", "aac", "out.mov"),
        ("clip.mp4", "aac", "out.mkv"),
        ("clip.mkv", "libopus", "out.webm"),
        ("clip.mkv", "libopus", "out.mkv"),
        ("clip.mov", "pcm_s16le", "out.mov"),
        ("clip.mov", "pcm_s16le", "out.mkv"),
        ("clip.mkv", "flac", "out.mp4"),
    ],
)
def test_sound_is_copied_bit_for_bit_and_in_time(tmp_path, source, sound, target):
    make_video(tmp_path / source, pts=20, sound=sound)
    writer = copy(tmp_path / target, probe(tmp_path / source))
    before, after = sound_packets(tmp_path / source), sound_packets(tmp_path / target)
    assert writer.notes == []
    assert b"".join(data for _, data in after) == b"".join(data for _, data in before)
    assert abs(after[0][0] - before[0][0]) <= Fraction(1, 1000)
    assert abs(after[-1][0] - before[-1][0]) <= Fraction(1, 1000)
    for got, wanted in zip(video_times(tmp_path / target), video_times(tmp_path / source), strict=True):
        assert abs(got - wanted) <= Fraction(1, 1000)


def test_sound_that_starts_late_stays_late(tmp_path):
    make_video(tmp_path / "clip.mkv", pts=30, sound="pcm_s16le", sound_start=12000)
    copy(tmp_path / "out.mov", probe(tmp_path / "clip.mkv"))
    assert sound_packets(tmp_path / "out.mov")[0][0] == Fraction(1, 4)


def test_a_span_has_the_sound_of_its_time(tmp_path):
    make_video(tmp_path / "clip.mkv", pts=30, sound="pcm_s16le", time_base=Fraction(1, 25), step=1)
    copy(tmp_path / "out.mov", probe(tmp_path / "clip.mkv"), start=10, end=20)
    begin, end = Fraction(10, 25), Fraction(20, 25)
    source = b"".join(data for time, data in sound_packets(tmp_path / "clip.mkv") if begin <= time < end)
    copied = sound_packets(tmp_path / "out.mov")
    assert b"".join(data for _, data in copied) == source
    assert 0 <= copied[0][0] < Fraction(1024, 48000)
    assert video_times(tmp_path / "out.mov")[0] == 0


def test_the_start_of_a_clip_has_its_sound_from_the_start(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=30, sound="aac")
    copy(tmp_path / "out.mp4", probe(tmp_path / "clip.mp4"), end=10)
    before, after = sound_packets(tmp_path / "clip.mp4"), sound_packets(tmp_path / "out.mp4")
    assert after == before[: len(after)]
    assert Fraction(10010, 30000) - Fraction(1024, 48000) <= after[-1][0] < Fraction(10010, 30000)


@pytest.mark.parametrize(
    ("source", "sound", "target", "content", "note"),
    [
        ("clip.mp4", "aac", "out.webm", "composite", "sound left out: webm cannot hold aac"),
        ("clip.mkv", "libopus", "out.mov", "cutout", "sound left out: mov does not take this opus"),
        ("clip.mp4", "aac", "out.mp4", "alpha", "sound left out: an alpha carries none"),
    ],
)
def test_sound_that_cannot_be_copied_is_left_out_in_one_line(tmp_path, source, sound, target, content, note):
    make_video(tmp_path / source, pts=6, sound=sound)
    clip = probe(tmp_path / source)
    if content == "cutout":
        import torch

        with open_writer(tmp_path / target, clip, content=content) as writer:
            for index in range(6):
                writer.write(torch.zeros(4, *clip.size), index * 33)
    else:
        writer = copy(tmp_path / target, clip, content)
    assert len(writer.notes) == 1
    assert writer.notes[0].startswith(note)
    assert "\n" not in writer.notes[0]
    assert not probe(tmp_path / target).has_audio


def test_a_silent_clip_needs_no_note(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=4)
    assert copy(tmp_path / "out.mp4", probe(tmp_path / "clip.mp4")).notes == []
