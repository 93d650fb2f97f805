import threading
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from footage import make_video, picture
from mattekit.checks import InputError
from mattekit.media import frames_at, probe, read, read_planes
from mattekit.media.ahead import run_ahead

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def flat_frame(pixels, values, size=(48, 64)):
    """Return a frame whose planes hold one value each."""
    frame = av.VideoFrame(size[1], size[0], pixels)
    for plane, value in zip(frame.planes, values, strict=True):
        data = bytes([value]) if value < 256 and "10" not in pixels else int(value).to_bytes(2, "little")
        plane.update(data * (plane.buffer_size // len(data)))
    return frame


def expected_colour(values, *, bits, matrix, full):
    """Return RGB of a YCbCr triple as ITU-R BT.601, 709 and 2020 define it."""
    step, top = 2 ** (bits - 8), 2**bits - 1
    luma, blue, red = values
    if full:
        luma, blue, red = luma / top, (blue - 128 * step) / top, (red - 128 * step) / top
    else:
        luma, blue, red = (
            (luma - 16 * step) / (219 * step),
            (blue - 128 * step) / (224 * step),
            (red - 128 * step) / (224 * step),
        )
    of_red, of_blue = WEIGHTS[matrix]
    r, b = luma + 2 * (1 - of_red) * red, luma + 2 * (1 - of_blue) * blue
    return torch.tensor([r, (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue), b])


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_the_stated_matrix_and_range_give_the_colour_of_the_standard(tmp_path, matrix, full, bits):
    values = [value * 2 ** (bits - 8) for value in (120, 100, 170)]
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    make_video(
        tmp_path / "a.mkv",
        codec="ffv1",
        pixels=pixels,
        pts=1,
        frames=[flat_frame(pixels, values)],
        colour=(matrix, 2 if full else 1),
    )
    chunk = next(read(probe(tmp_path / "a.mkv")))
    wanted = expected_colour(values, bits=bits, matrix=matrix, full=full)
    tolerance = 0.51 / 255 if bits == 8 else 0.7 / 1023
    assert torch.allclose(chunk.frames[0, :, 20, 20], wanted, atol=tolerance)


@pytest.mark.parametrize(("height", "matrix"), [(718, 6), (720, 1)])
def test_an_unstated_matrix_is_bt709_from_720_lines_up(tmp_path, height, matrix):
    frame = flat_frame("yuv420p", (120, 100, 170), (height, 32))
    make_video(tmp_path / "a.mkv", codec="ffv1", pixels="yuv420p", pts=1, size=(height, 32), frames=[frame])
    chunk = next(read(probe(tmp_path / "a.mkv")))
    wanted = expected_colour((120, 100, 170), bits=8, matrix=matrix, full=False)
    assert torch.allclose(chunk.frames[0, :, 20, 20], wanted, atol=0.51 / 255)


@pytest.mark.parametrize(("pixels", "black", "white"), [("yuv420p", 16, 235), ("yuv420p10le", 64, 940)])
def test_black_and_white_are_exactly_0_and_1(tmp_path, pixels, black, white):
    middle = 128 if black == 16 else 512
    frames = [flat_frame(pixels, (level, middle, middle)) for level in (black, white)]
    make_video(tmp_path / "a.mkv", codec="ffv1", pixels=pixels, pts=2, frames=frames)
    chunk = next(read(probe(tmp_path / "a.mkv")))
    assert (chunk.frames[0] == 0).all()
    assert (chunk.frames[1] == 1).all()


def test_sixteen_bit_grey_is_read_to_the_last_bit(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (13, 17)).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(values, "gray16le")
    make_video(tmp_path / "a.mkv", codec="ffv1", pixels="gray16le", pts=1, size=(13, 17), frames=[frame])
    clip = probe(tmp_path / "a.mkv")
    assert clip.bits == 16
    assert (next(read_planes(clip))[..., 0] == values).all()
    assert torch.equal(next(read(clip)).frames[0, 1], torch.from_numpy(values.astype(np.float32) / 65535))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["none", "left-right", "up-down"])
def test_rotation_and_mirror_are_applied_as_the_matrix_says(tmp_path, degrees, flip):
    turn = (degrees, flip == "left-right", flip == "up-down")
    frame = av.VideoFrame.from_ndarray(picture(0), "rgb24")
    make_video(tmp_path / "a.mov", codec="png", pixels="rgb24", pts=1, frames=[frame], turn=turn)
    wanted = picture(0)
    wanted = np.rot90(wanted, degrees // 90)
    wanted = wanted[:, ::-1] if flip == "left-right" else wanted[::-1] if flip == "up-down" else wanted
    clip = probe(tmp_path / "a.mov")
    got = next(read(clip)).frames[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    assert clip.size == wanted.shape[:2]
    assert (got == wanted).all()


def test_times_of_a_variable_rate_are_the_sources(tmp_path):
    times = [0, 1001, 2002, 4004, 5005, 5505, 9009]
    make_video(tmp_path / "a.mp4", pts=times, bframes=2)
    clip = probe(tmp_path / "a.mp4")
    assert torch.cat([chunk.pts for chunk in read(clip)]).tolist() == times


@pytest.mark.parametrize("chunk", [1, 3, 8, 100])
def test_the_length_of_a_chunk_changes_nothing(tmp_path, chunk):
    make_video(tmp_path / "a.mp4", pts=8, size=(14, 18), bframes=2)
    clip = probe(tmp_path / "a.mp4")
    whole = torch.cat([part.frames for part in read(clip, chunk=4)])
    parts = list(read(clip, chunk=chunk))
    assert [len(part) for part in parts[:-1]] == [chunk] * (len(parts) - 1)
    assert [part.start for part in parts] == list(range(0, 8, chunk))
    assert torch.equal(torch.cat([part.frames for part in parts]), whole)


def test_a_span_is_that_part_of_the_whole(tmp_path):
    make_video(tmp_path / "a.mp4", pts=9, bframes=2)
    clip = probe(tmp_path / "a.mp4")
    whole = torch.cat([part.frames for part in read(clip)])
    parts = list(read(clip, chunk=3, start=2, end=7))
    assert [part.start for part in parts] == [2, 5]
    assert torch.equal(torch.cat([part.frames for part in parts]), whole[2:7])
    assert torch.cat([part.pts for part in parts]).tolist() == [1001 * index for index in range(2, 7)]


def test_chosen_frames_are_those_of_the_clip(tmp_path):
    make_video(tmp_path / "a.mp4", pts=9, bframes=2)
    clip = probe(tmp_path / "a.mp4")
    whole = torch.cat([part.frames for part in read(clip)])
    for index, frame in zip([0, 3, 8], frames_at(clip, [0, 3, 8]), strict=True):
        assert torch.equal(frame, whole[index])
    assert list(frames_at(clip, [])) == []


def test_frames_that_leave_the_clip_are_refused(tmp_path):
    make_video(tmp_path / "a.mp4", pts=9)
    clip = probe(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="from 0 to 9, at least one; got 4 to 12"):
        read(clip, start=4, end=12)
    with pytest.raises(InputError, match="got 5 to 5"):
        read(clip, start=5, end=5)
    with pytest.raises(InputError, match="chunk must be 1 or more; got 0"):
        read(clip, chunk=0)
    with pytest.raises(InputError, match="must rise from 0 to 8; got 9 after 2"):
        frames_at(clip, [2, 9])
    with pytest.raises(InputError, match="got 2 after 2"):
        frames_at(clip, [2, 2])


def threads_ahead():
    return [thread for thread in threading.enumerate() if thread.name == "mattekit-ahead"]


def test_closing_early_stops_the_thread(tmp_path):
    make_video(tmp_path / "a.mp4", pts=60)
    chunks = read(probe(tmp_path / "a.mp4"), chunk=2)
    next(chunks)
    assert len(threads_ahead()) == 1
    chunks.close()
    assert threads_ahead() == []


def test_no_more_than_the_depth_is_prepared():
    made = []

    def count():
        for number in range(100):
            made.append(number)
            yield number

    items = run_ahead(count(), 3)
    assert next(items) == 0
    threading.Event().wait(0.2)
    assert len(made) <= 5
    items.close()


def test_an_error_arrives_in_its_place():
    def fail():
        yield 1
        raise ValueError("here")

    items = run_ahead(fail(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="here"):
        next(items)


def test_time_that_stands_still_is_an_error(tmp_path):
    from mattekit.checks import MediaError
    from mattekit.media.video import frame_time

    make_video(tmp_path / "a.mp4", pts=2)
    clip = probe(tmp_path / "a.mp4")
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.pts = 5
    with pytest.raises(MediaError, match="frame 3: its time 5 does not come after 5"):
        frame_time(clip, frame, 3, 5)
    frame.pts = None
    assert frame_time(clip, frame, 3, 3003) == 4004
    assert clip.rate == Fraction(30000, 1001)
