import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from footage import make_video, picture
from mattekit.checks import MediaError
from mattekit.media import probe, read

NAMES = [
    b"two words.mp4",
    b'it\'s "quoted".mp4',
    b"-i.mp4",
    b"100%_%05d.mp4",
    b"http:clip.mp4",
    b"new\nline.mp4",
    b"latin-\xe9.mp4",
    "Übung.mp4".encode(),
]


def test_a_clip_of_eight_frames_at_ntsc_rate_is_described_exactly(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=8)
    clip = probe(tmp_path / "clip.mp4")
    assert (clip.kind, clip.frames, clip.size) == ("video", 8, (48, 64))
    assert (clip.rate, clip.time_base, clip.last_duration) == (Fraction(30000, 1001), Fraction(1, 30000), 1001)
    assert (clip.bits, clip.rotation, clip.mirrored, clip.has_audio) == (8, 0, False, False)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.ts"])
def test_frames_are_counted_in_every_container(tmp_path, name):
    codec = {"a.avi": "mpeg4"}.get(name, "libx264")
    bframes = 0 if codec == "mpeg4" else 2
    make_video(tmp_path / name, pts=11, codec=codec, bframes=bframes, step=1, time_base=Fraction(1, 25))
    clip = probe(tmp_path / name)
    assert clip.frames == 11
    assert clip.rate == 25


def test_webm_is_counted(tmp_path):
    make_video(tmp_path / "a.webm", codec="libvpx-vp9", pts=5, step=40, time_base=Fraction(1, 1000))
    assert probe(tmp_path / "a.webm").frames == 5


def test_frames_that_an_edit_list_cuts_off_do_not_count(tmp_path):
    make_video(tmp_path / "whole.mp4", pts=20, bframes=2, options={"g": "12"})
    with av.open(str(tmp_path / "whole.mp4")) as source, av.open(str(tmp_path / "cut.mp4"), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 5005, packet.dts - 5005, stream
                output.mux(packet)
    clip = probe(tmp_path / "cut.mp4")
    assert clip.frames == 15
    assert [time for chunk in read(clip) for time in chunk.pts.tolist()] == [1001 * index for index in range(15)]


def test_a_gif_keeps_its_times(tmp_path):
    first, *others = [Image.fromarray(picture(index)) for index in range(4)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=[100, 50, 200, 40])
    clip = probe(tmp_path / "a.gif")
    assert (clip.kind, clip.frames, clip.bits, clip.last_duration) == ("video", 4, 8, 4)
    assert next(read(clip)).pts.tolist() == [0, 10, 15, 35]


def test_one_frame_is_a_clip(tmp_path):
    make_video(tmp_path / "one.mp4", pts=1)
    assert probe(tmp_path / "one.mp4").frames == 1


def test_depth_aspect_and_sound_are_seen(tmp_path):
    make_video(tmp_path / "deep.mkv", pixels="yuv420p10le", aspect=Fraction(4, 3), sound="libopus")
    clip = probe(tmp_path / "deep.mkv")
    assert (clip.bits, clip.pixel_aspect, clip.has_audio) == (10, Fraction(4, 3), True)


def test_colour_tags_are_named(tmp_path):
    make_video(tmp_path / "a.mp4", colour=(1, 2), pixels="yuv420p")
    clip = probe(tmp_path / "a.mp4")
    assert (clip.colour_space, clip.colour_range) == ("bt709", "pc")


@pytest.mark.parametrize("turn", [(0, False, False), (90, False, False), (180, True, False), (270, False, True)])
def test_size_and_aspect_are_those_after_the_turn(tmp_path, turn):
    make_video(tmp_path / "a.mp4", turn=turn, aspect=Fraction(2, 1))
    clip = probe(tmp_path / "a.mp4")
    sideways = turn[0] % 180 == 90
    assert clip.size == ((64, 48) if sideways else (48, 64))
    assert clip.pixel_aspect == (Fraction(1, 2) if sideways else Fraction(2, 1))
    assert clip.mirrored == (turn[1] or turn[2])


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_works(tmp_path, name):
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    make_video(tmp_path / "plain.mp4", pts=3)
    os.rename(tmp_path / "plain.mp4", path)
    clip = probe(path)
    assert sum(len(chunk) for chunk in read(clip)) == 3


def test_any_name_in_the_current_folder_works_without_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_video(Path("plain.mp4"), pts=3)
    for name in ("-y", "http:clip", "%d.mp4", "a:b"):
        os.rename("plain.mp4", name)
        assert probe(Path(name)).frames == 3
        os.rename(name, "plain.mp4")


def test_what_is_no_clip_is_refused_in_one_line(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello\n" * 1000)
    os.mkfifo(tmp_path / "pipe.mp4")
    cases = {
        tmp_path / "none.mp4": "no such file",
        tmp_path / "empty.mp4": "it is empty",
        tmp_path / "text.mp4": "must be a whole video file",
        tmp_path / "pipe.mp4": "pipe or a device",
        Path("/dev/zero"): "pipe or a device",
        tmp_path / "text.mp4" / "below.mp4": "not a directory",
        tmp_path: "must hold images",
        Path("bad\0name.mp4"): "must be a file",
    }
    for path, words in cases.items():
        with pytest.raises(MediaError, match=words) as caught:
            probe(path)
        assert "\n" not in str(caught.value)


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="must have a video stream"):
        probe(tmp_path / "sound.mp4")


def test_a_playlist_is_never_followed_to_another_file(tmp_path):
    make_video(tmp_path / "real.mp4")
    make_video(tmp_path / "real.ts")
    (tmp_path / "concat.mp4").write_text("ffconcat version 1.0\nfile real.mp4\n")
    (tmp_path / "hls.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nreal.ts\n#EXT-X-ENDLIST\n")
    for name in ("concat.mp4", "hls.mp4"):
        with pytest.raises(MediaError, match="not a playlist"):
            probe(tmp_path / name)


def test_a_cover_picture_is_not_the_video(tmp_path):
    with av.open(str(tmp_path / "cover.mp4"), "w") as container:
        cover = container.add_stream("mjpeg", rate=25)
        cover.height, cover.width, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.mux(cover.encode(av.VideoFrame(16, 16, "yuvj420p")))
        for index in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), "rgb24")))
        container.mux(stream.encode(None))
    assert probe(tmp_path / "cover.mp4").frames == 4


def test_importing_media_and_its_errors_do_not_load_torch(tmp_path):
    make_video(tmp_path / "clip.mp4")
    script = (
        "import sys, pathlib\n"
        "from mattekit.checks import InputError\n"
        "from mattekit.media import probe, check_output, read_trimap\n"
        "clip = probe(pathlib.Path(sys.argv[1]))\n"
        "for call in (lambda: probe('missing.mp4'), lambda: read_trimap('missing.png', clip.size),\n"
        "             lambda: check_output(sys.argv[1], clip, content='composite', overwrite=True)):\n"
        "    try:\n"
        "        call()\n"
        "    except InputError:\n"
        "        print('refused')\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "clip.mp4"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", "refused", "refused", "False"]
