from fractions import Fraction

import av
import numpy as np
import pytest

from footage import make_video
from mattekit.checks import MediaError
from mattekit.media import probe, read
from mattekit.media.matroska import find_damage


def noise_frames(count, pixels="yuv420p", size=(240, 320)):
    generator = np.random.default_rng(0)
    frames = []
    for _ in range(count):
        colour = generator.integers(0, 256, (*size, 3)).astype(np.uint8)
        frames.append(av.VideoFrame.from_ndarray(colour, "rgb24").reformat(format=pixels))
    return frames


def make_noise_video(path, **arguments):
    frames = noise_frames(12, arguments.get("pixels", "yuv420p"))
    make_video(path, pts=12, size=(240, 320), frames=frames, **arguments)


def packet_places(path):
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def spoil(path, start, count):
    data = bytearray(path.read_bytes())
    data[start : start + count] = np.random.default_rng(1).integers(0, 256, count).astype(np.uint8).tobytes()
    path.write_bytes(data)


def read_all(path):
    clip = probe(path)
    return sum(len(chunk) for chunk in read(clip))


def test_a_whole_file_has_no_damage(tmp_path):
    for name in ("a.mkv", "a.mp4"):
        make_noise_video(tmp_path / name)
        assert read_all(tmp_path / name) == 12
    assert find_damage(tmp_path / "a.mkv") is None


def test_an_mp4_that_is_cut_short_names_the_frame(tmp_path):
    make_noise_video(tmp_path / "plain.mp4")
    with av.open(str(tmp_path / "plain.mp4")) as source:
        path = tmp_path / "a.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as output:
            stream = output.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    output.mux(packet)
    position, _ = packet_places(path)[7]
    path.write_bytes(path.read_bytes()[: position + 50])
    with pytest.raises(MediaError, match=r"a\.mp4 must be whole; it is cut short or damaged near frame 7"):
        probe(path)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.webm", "libvpx-vp9")])
def test_a_matroska_file_that_is_cut_short_names_the_frame(tmp_path, name, codec):
    path = tmp_path / name
    make_noise_video(path, codec=codec, time_base=Fraction(1, 1000), step=40)
    position, size = packet_places(path)[7]
    path.write_bytes(path.read_bytes()[: position + size // 2])
    with pytest.raises(MediaError, match=r"damaged near frame 7"):
        probe(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_spoilt_data_stop_at_the_frame_they_belong_to(tmp_path, name):
    path = tmp_path / name
    make_noise_video(path, options={"g": "1"})
    position, size = packet_places(path)[5]
    spoil(path, position + size // 2, 500)
    with pytest.raises(MediaError, match=r"must be whole; it is (cut short or )?damaged (at|near) frame [0-5]:"):
        read_all(path)


def test_frames_before_the_damage_are_yielded(tmp_path):
    path = tmp_path / "a.mp4"
    make_noise_video(path, options={"g": "1"})
    position, size = packet_places(path)[5]
    spoil(path, position + size // 2, 500)
    seen = []
    with pytest.raises(MediaError, match="damaged at frame 5"):
        for chunk in read(probe(path), chunk=4):
            seen += range(chunk.start, chunk.start + len(chunk))
    assert seen == [0, 1, 2, 3, 4]


def test_one_flipped_bit_in_a_lossless_file_is_found_by_its_checksum(tmp_path):
    path = tmp_path / "a.mkv"
    make_noise_video(path, codec="ffv1", pixels="gray")
    position, size = packet_places(path)[5]
    data = bytearray(path.read_bytes())
    data[position + size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(MediaError, match="its structure breaks at byte"):
        probe(path)


def test_a_file_that_loses_frames_after_it_was_probed_is_found_while_reading(tmp_path):
    path = tmp_path / "a.mkv"
    make_video(path, pts=9)
    clip = probe(path)
    make_video(path, pts=6)
    with pytest.raises(MediaError, match="damaged at frame 6: 9 frames were counted and 6 decode"):
        list(read(clip))


def test_a_file_that_changes_its_size_after_it_was_probed_is_found_while_reading(tmp_path):
    path = tmp_path / "a.mkv"
    make_video(path, pts=9)
    clip = probe(path)
    make_video(path, pts=9, size=(32, 64))
    with pytest.raises(MediaError, match=r"damaged at frame 0: its size is \(32, 64\), not \(48, 64\)"):
        list(read(clip))
