import av
import pytest

from footage import make_video
from mattekit.checks import InputError, MediaError
from mattekit.media import probe, read
from mattekit.media.limits import MOST_PIXELS, VARIABLE, check_chunk, check_pixels, most_pixels


def test_the_limit_is_8192_squared_unless_the_environment_says_otherwise(tmp_path, monkeypatch):
    assert most_pixels() == MOST_PIXELS == 8192 * 8192
    check_pixels(tmp_path, (8192, 8192))
    with pytest.raises(MediaError, match="at most 67108864 pixels; .* states 8193 x 8192; make it smaller, or set"):
        check_pixels(tmp_path, (8192, 8193))
    monkeypatch.setenv(VARIABLE, "100")
    with pytest.raises(MediaError, match="at most 100 pixels"):
        check_pixels(tmp_path, (11, 10))
    monkeypatch.setenv(VARIABLE, str(10**9))
    check_pixels(tmp_path, (20_000, 20_000))


@pytest.mark.parametrize("text", ["", "0", "-5", "many", "1e9", "9" * 30])
def test_a_limit_that_is_no_number_of_pixels_is_refused(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InputError, match="must be a whole number of pixels; got"):
        most_pixels()


def test_a_clip_above_the_limit_is_refused_and_one_below_is_read(tmp_path, monkeypatch):
    frames = [av.VideoFrame(64, 48, "gray") for _ in range(2)]
    make_video(tmp_path / "a.mkv", codec="ffv1", pixels="gray", pts=2, frames=frames)
    monkeypatch.setenv(VARIABLE, str(64 * 48))
    assert probe(tmp_path / "a.mkv").frames == 2
    monkeypatch.setenv(VARIABLE, str(64 * 48 - 1))
    with pytest.raises(MediaError, match=r"at most 3071 pixels; .*a\.mkv states 64 x 48"):
        probe(tmp_path / "a.mkv")


def test_a_chunk_holds_two_gibibytes_of_frames_at_most_and_always_one(tmp_path):
    check_chunk((1080, 1920), 86)
    with pytest.raises(InputError, match=r"a chunk of frames \(1080, 1920\) .* at most 86; got 87"):
        check_chunk((1080, 1920), 87)
    check_chunk((100_000, 100_000), 1)


def test_a_chunk_longer_than_the_clip_counts_as_the_clip(tmp_path):
    make_video(tmp_path / "a.mp4", pts=3)
    assert [len(chunk) for chunk in read(probe(tmp_path / "a.mp4"), chunk=10**9)] == [3]
