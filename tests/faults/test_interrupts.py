"""An interrupt at a bad moment: the encoder's file stays until the encoder has ended, and an interrupt remains one."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
import torch

import mattekit.models
from faults.jobs import FRAMES, command, contents, fresh, load_noise, make_inputs
from mattekit.cli import main
from mattekit.media import open_writer, probe
from mattekit.media.encode import VideoFile


def test_an_interrupt_while_the_encoder_ends_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_inputs(tmp_path)
    clip, told = probe(tmp_path / "clip.mkv"), list[str]()
    add, discard = VideoFile.add, VideoFile.discard

    def slow_add(file: VideoFile, image: object, pts: int) -> None:
        time.sleep(0.3)
        add(file, image, pts)  # type: ignore[arg-type]
        told.append("added")

    def told_discard(file: VideoFile) -> None:
        told.append("discarded")
        discard(file)

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(VideoFile, "add", slow_add)
    monkeypatch.setattr(VideoFile, "discard", told_discard)
    writer = open_writer(tmp_path / "a.mkv", clip, content="alpha")
    for index in range(FRAMES):
        writer.write(torch.zeros(1, *clip.size), 40 * index)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)  # the last frames are taken then, and waited for
        with pytest.raises(KeyboardInterrupt):
            writer.finish()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert told[-1] == "discarded"
    assert told.count("discarded") == 1
    at_the_end = list(told)
    time.sleep(0.7)
    assert told == at_the_end
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mkv", "t.png"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_a_library_makes_an_error_of_ends_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    (tmp_path / "inputs").mkdir()
    make_inputs(tmp_path / "inputs")
    folder = tmp_path / "job"
    before = fresh(folder, tmp_path / "inputs", "mkv", overwrite=True)

    def load(*_: object, **named: object) -> object:
        try:
            signal.raise_signal(number)
            time.sleep(1)
        except KeyboardInterrupt:
            raise OSError(4, "Interrupted system call") from None
        return load_noise("dvm")

    monkeypatch.setattr(mattekit.models, "load", load)
    monkeypatch.chdir(folder)
    assert main(command("mkv", overwrite=True)) == 130
    assert capsys.readouterr().err == "mattekit: interrupted\n"
    assert contents(folder) == before
