"""Alpha of 16 bits in ProRes 4444, read back by a decoder written out from the syntax, and by FFmpeg's."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from mattekit.checks import MattekitError
from mattekit.media.prores import code_slices, read_layout, replace_alpha

ENCODERS = {"prores_ks": {"profile": "4", "alpha_bits": "16"}, "prores_aw": {"profile": "4"}}


def decode_slice(coded: bytes, count: int) -> list[int]:
    """Return the values of a coded slice, bit by bit."""
    bits = iter("".join(f"{byte:08b}" for byte in coded))

    def take(size: int) -> int:
        return int("".join(next(bits) for _ in range(size)), 2)

    values, last = [], 65535
    while len(values) < count:
        if take(1):
            last = (last + take(16)) % 65536
        else:
            size = take(6) + 1
            last = (last + (-size if take(1) else size)) % 65536
        values.append(last)
        if len(values) == count or take(1):
            continue
        values += [last] * (take(4) or take(11))
    return values


def patterns(count: int, length: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    ramp = np.clip(np.cumsum(random.integers(-70, 71, (count, length)), 1) + 30000, 0, 65535)
    runs = np.repeat(random.integers(0, 65536, (count, -(-length // 19))), 19, 1)[:, :length]
    noise = random.integers(0, 65536, (count, length))
    return [np.full((count, length), 65535), np.zeros((count, length), int), ramp, runs, noise]


@pytest.mark.parametrize(("count", "length"), [(1, 256), (3, 2048), (5, 512)])
def test_every_value_comes_back(count, length):
    for values in patterns(count, length):
        coded = code_slices(values)
        assert [decode_slice(one, length) for one in coded] == values.tolist()


def test_white_alone_is_one_difference_and_one_run():
    (coded,) = code_slices(np.full((1, 2048), 65535))
    assert f"{int.from_bytes(coded, 'big'):0{8 * len(coded)}b}"[:33] == "1" + "0" * 16 + f"{2047:016b}"


def encoded(encoder: str, size: tuple[int, int], path=None, alpha=None) -> bytes:
    """Return an encoded frame with white alpha; written to a file too, with another alpha, where a path is given."""
    height, width = size
    frame = av.VideoFrame(width, height, "yuva444p10le")
    for plane, value in zip(frame.planes, (300, 400, 600, 1023), strict=True):
        np.frombuffer(plane, np.uint16)[:] = value
    frame.pts = 0
    with av.open(str(path or "/dev/null"), "w", format="mov") as container:
        stream = container.add_stream(encoder, rate=Fraction(25), options=ENCODERS[encoder])
        stream.height, stream.width, stream.pix_fmt = height, width, "yuva444p10le"
        (packet,) = stream.encode(frame) + stream.encode(None)
        if alpha is not None:
            deep = av.Packet(replace_alpha(bytes(packet), alpha))
            deep.pts, deep.dts, deep.time_base, deep.stream = 0, 0, packet.time_base, stream
            container.mux(deep)
    return bytes(packet)


@pytest.mark.parametrize("encoder", list(ENCODERS))
@pytest.mark.parametrize("size", [(48, 64), (1, 2), (17, 18), (37, 178), (130, 16 * 13)])
def test_ffmpeg_decodes_the_alpha_that_was_put_in_and_the_colour_that_was_there(tmp_path, encoder, size):
    for index, values in enumerate(patterns(*size)):
        alpha = values.astype(np.uint16)
        encoded(encoder, size, tmp_path / f"{index}.mov", alpha)
        with av.open(str(tmp_path / f"{index}.mov")) as container:
            frame = next(container.decode(video=0))
        planes = [np.frombuffer(plane, "<u2").reshape(size[0], -1)[:, : size[1]] for plane in frame.planes]
        assert frame.format.name == "yuva444p12le"
        assert np.array_equal(planes[3], alpha >> 4)
        for plane, value in zip(planes[:3], (300, 400, 600), strict=True):
            assert np.abs(plane.astype(int) - 4 * value).max() <= 4


def test_the_same_alpha_gives_the_encoders_own_frame():
    white = np.full((48, 64), 65535, np.uint16)
    frame = encoded("prores_ks", (48, 64))
    assert replace_alpha(frame, white) == frame


def test_frames_of_another_kind_are_refused():
    frame = encoded("prores_ks", (48, 64))
    for broken in (b"\0" * 64, frame[:4] + b"none" + frame[8:], frame[:25] + b"\1" + frame[26:]):
        with pytest.raises(MattekitError, match="must be progressive ProRes 4444 of size"):
            read_layout(broken, (48, 64))
    with pytest.raises(MattekitError, match="it is cut short"):
        read_layout(frame[:200], (48, 64))
    with pytest.raises(MattekitError, match=r"of size \(48, 65\)"):
        read_layout(frame, (48, 65))
