"""Frames in any order are those of reading from the start, to the bit."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mattekit.checks import InputError
from mattekit.media import probe, read
from mattekit.media.seeking import Seeker
from scenes import soft_disc, to_bytes, write_picture, write_video

FRAMES = 31


def encode(path: Path, codec: str, layout: str, options: dict[str, str]) -> Path:
    scene = soft_disc(FRAMES, (48, 64), speed=(1, 0))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.height, stream.width, stream.pix_fmt = 48, 64, layout
        for picture in to_bytes(scene.frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


KINDS = [
    ("x.mp4", "libx264", "yuv420p", {"g": "8", "bf": "3"}),
    ("x.mkv", "libx264", "yuv420p", {"x264-params": "keyint=7:open-gop=1:bframes=3"}),
    ("x.mp4", "libx265", "yuv420p10le", {"x265-params": "keyint=9:open-gop=1:log-level=none"}),
    ("x.webm", "libvpx-vp9", "yuv420p", {"g": "10"}),
    ("x.mov", "prores_ks", "yuv422p10le", {}),
    ("x.ts", "libx264", "yuv420p", {"x264-params": "keyint=7:open-gop=1:bframes=3"}),
    ("x.avi", "mpeg4", "yuv420p", {"g": "12", "bf": "2"}),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def test_frames_in_any_order_are_those_of_reading_from_the_start(
    tmp_path: Path, kind: tuple[str, str, str, dict[str, str]]
) -> None:
    name, codec, layout, options = kind
    clip = probe(encode(tmp_path / name, codec, layout, options))
    whole = np.concatenate([chunk.frames.numpy() for chunk in read(clip)])
    order = [*range(5), *random.Random(3).sample(range(clip.frames), 20), clip.frames - 1, 0, 0]
    seeker = Seeker(clip)
    for number in order:
        assert np.array_equal(seeker.colour(number), whole[number]), number
    seeker.close()


def test_a_clip_of_pictures_is_read_in_any_order(tmp_path: Path) -> None:
    scene = soft_disc(3)
    for number, frame in enumerate(scene.frames):
        write_picture(tmp_path / f"{number}.png", frame)
    seeker = Seeker(probe(tmp_path))
    assert seeker.is_indexed
    for number in (2, 0, 1):
        assert np.array_equal(seeker.colour(number), scene.frames[number].numpy())


def test_only_the_way_from_the_key_frame_before_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = probe(encode(tmp_path / "x.mp4", "libx264", "yuv420p", {"g": "8"}))
    seeker = Seeker(clip)
    assert seeker.is_indexed
    seen = []
    from mattekit.media import seeking

    plain = seeking.turn_picture
    monkeypatch.setattr(seeking, "turn_picture", lambda *given: seen.append(1) or plain(*given))
    seeker.colour(26)
    assert len(seen) == 3  # frames 24 to 26
    seeker.colour(27)
    assert len(seen) == 4


def test_a_frame_that_the_clip_does_not_have_is_refused(tmp_path: Path) -> None:
    clip = probe(write_video(tmp_path / "x.mkv", soft_disc(2).frames))
    with pytest.raises(InputError, match="must be 0 to 1; got 2"):
        Seeker(clip).picture(2)
