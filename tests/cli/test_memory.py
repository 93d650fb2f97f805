"""The memory of a matte is said before a long run, and refused where the machine has not as much."""

from __future__ import annotations

from pathlib import Path

import pytest

from mattekit.checks import InputError
from mattekit.cli import main, memory
from mattekit.cli.memory import A_PIXEL, FIXED, LONG, expected_peak, memory_there, tell_memory
from torture.pictures import trimap
from torture.videos import video


def test_the_peak_is_a_line_through_what_was_measured() -> None:
    assert expected_peak((1, 1)) == FIXED + A_PIXEL
    for size, mebibytes in (((180, 320), 879), ((360, 640), 1042), ((720, 1280), 1804), ((1080, 1920), 2793)):
        assert expected_peak(size) / 2**20 == pytest.approx(mebibytes, rel=0.05)


def test_the_peak_without_trimaps_is_above_what_was_measured_but_not_far() -> None:
    for size, mebibytes in (((180, 320), 977), ((360, 640), 1230), ((1080, 1920), 1941)):
        assert mebibytes <= expected_peak(size, model="rvm") / 2**20 < 1.2 * mebibytes
    assert expected_peak((1080, 1920), model="rvm") < expected_peak((1080, 1920))


def test_this_machine_has_memory() -> None:
    there = memory_there()
    assert there is None or there > 1 << 28


def test_a_long_run_is_told_what_it_takes_and_a_short_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    tell_memory((360, 640), LONG // (360 * 640))
    assert capsys.readouterr().err == ""
    tell_memory((360, 640), LONG // (360 * 640) + 1)
    assert capsys.readouterr().err == "1086 frames of 640 x 360 take about 1.0 GiB of memory\n"


def test_more_than_the_machine_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_there", lambda: expected_peak((1080, 1920)))
    tell_memory((1080, 1920), 1)
    with pytest.raises(InputError, match=r"frames of 1921 x 1080 need about 2\.8 GiB of memory; this machine has 2\.8"):
        tell_memory((1080, 1921), 1)


def test_the_command_refuses_before_the_networks_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video()(tmp_path / "c.mp4")
    trimap()(tmp_path / "t.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "memory_there", lambda: FIXED)
    assert main(["matte", "c.mp4", "--trimap", "0=t.png", "--alpha", "a.mkv", "--device", "cpu"]) == 2
    assert "make the clip smaller" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.mp4", "t.png"]
