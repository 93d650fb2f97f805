"""`mattekit batch` through the command itself: isolation, the report, what is skipped, and what is refused at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import mattekit.models
import mattekit.scale.batch
import scenes
import shots
from mattekit.cli import main
from mattekit.media import probe
from mattekit.scale import Task, run
from mattekit.scale.tasks import Work

OUTPUTS = ["--alpha", "mkv", "--cutout", "mov"]


def add_clip(folder: Path, name: str, *, trimap: bool = True, frames: int = 3) -> None:
    scene = scenes.soft_disc(frames)
    scenes.write_video(folder / f"{name}.mkv", scene.frames)
    if trimap:
        scenes.write_picture(folder / f"{name}.trimap.png", scene.trimap()[0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(path: str = "out/report.jsonl") -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return {Path(row["clip"]).stem: row for row in found}


def states(path: str = "out/report.jsonl") -> dict[str, str]:
    return {name: row["state"] for name, row in rows(path).items()}


class Meanwhile(threading.Thread):
    """Does something once as soon as something holds."""

    def __init__(self, holds: Callable[[], bool], act: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.holds, self.act, self.over = holds, act, False

    def run(self) -> None:
        while not self.over:
            if self.holds():
                self.act()
                return
            time.sleep(0.002)

    def __enter__(self) -> Meanwhile:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over = True
        self.join()


def kill_workers() -> None:
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one worker be this process, with networks that need no weights: for what does not hang on processes."""

    def run_here(work: Work, tasks: Sequence[Task], *, isolated: bool, **options: Any) -> Any:
        assert isolated
        return run(work, tasks, **options)

    monkeypatch.setattr(mattekit.scale.batch, "run", run_here)
    monkeypatch.setattr(mattekit.models, "load", shots.Loader())


def test_a_bad_clip_and_a_killed_worker_cost_one_clip_each_and_a_restart_does_what_is_missing(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    for name in ("fatal", "good"):
        add_clip(folder / "in", name)
    add_clip(folder / "in", "bare", trimap=False)
    (folder / "in" / "broken.mp4").write_bytes(b"no video at all")
    (folder / "in" / "broken.trimap.png").write_bytes((folder / "in" / "good.trimap.png").read_bytes())
    command = ["batch", "in", "-o", "out", *OUTPUTS, "--name", "{stem}/{content}", "--set", f"weights={random_weights}"]
    with Meanwhile(lambda: any(Path("out/fatal").glob(".mattekit-*")), kill_workers):
        assert main([*command, "--retries", "0", "--json"]) == 2
    said = capsys.readouterr()
    assert states() == {"bare": "failed", "broken": "failed", "fatal": "failed", "good": "done"}
    found = rows()
    assert found["fatal"]["error"].startswith("its worker process died: SIGKILL")
    assert [found[name]["attempts"] for name in ("fatal", "good", "bare")] == [1, 1, 0]
    assert found["bare"]["error"].endswith("put bare.trimap.png beside it")
    assert (found["good"]["frames"], found["good"]["outputs"]["cutout"]) == (3, f"{folder}/out/good/cutout.mov")
    summary = json.loads(said.out)
    assert (summary["clips"], summary["done"], summary["failed"], summary["frames"]) == (4, 1, 3, 3)
    assert "mattekit: all clips must be matted; 3 of 4 failed, the first in/bare.mkv: a clip must have" in said.err
    assert os.listdir("out/fatal") == []
    for name in ("bare.mkv", "broken.mp4"):
        (folder / "in" / name).unlink()
    before = Path("out/good/alpha.mkv").stat().st_mtime_ns
    request.getfixturevalue("here")
    assert main(command) == 0
    assert states() == {"fatal": "done", "good": "skipped"}
    assert Path("out/good/alpha.mkv").stat().st_mtime_ns == before
    assert probe("out/fatal/cutout.mov").frames == 3


def test_an_interrupt_ends_it_with_a_report_and_no_half_written_file(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abcd":
        add_clip(folder / "in", name)
    command = ["batch", "in", "-o", "out", "--alpha", "mkv", "--set", f"weights={random_weights}"]

    def first_is_done() -> bool:
        return Path("out/report.jsonl").exists() and "done" in Path("out/report.jsonl").read_text()

    with Meanwhile(first_is_done, lambda: os.kill(os.getpid(), signal.SIGINT)):
        assert main(command) == 130
    assert capsys.readouterr().err == "note: stopped; out/report.jsonl tells what was done\nmattekit: interrupted\n"
    found = states()
    assert (found["a"], found["d"]) == ("done", "interrupted")
    assert not [name for name in os.listdir("out") if name.startswith(".mattekit-")]
    assert {name for name in os.listdir("out") if name.endswith("mkv")} == {
        f"{name}_alpha.mkv" for name, state in found.items() if state == "done"
    }


def test_only_whole_outputs_of_the_same_files_and_settings_are_skipped(folder: Path, here: None) -> None:
    add_clip(folder / "in", "a")
    command = ["batch", "in", "-o", "out", "--alpha", "mkv"]
    assert main(command) == 0
    whole = Path("out/a_alpha.mkv").read_bytes()
    assert (main(command), states()) == (0, {"a": "skipped"})
    assert (main([*command, "--set", "band=3"]), states()) == (2, {"a": "failed"})
    assert "was made with other settings or of other files, or was changed since" in rows()["a"]["error"]
    scenes.write_picture(folder / "in" / "a.trimap.png", torch.full((1, 48, 64), 0.5))
    assert (main(command), states()) == (2, {"a": "failed"})
    assert Path("out/a_alpha.mkv").read_bytes() == whole
    Path("out/a_alpha.mkv").write_bytes(b"")
    assert (main(command), states()) == (2, {"a": "failed"})
    assert (main([*command, "--overwrite"]), states()) == (0, {"a": "done"})
    assert Path("out/a_alpha.mkv").read_bytes() not in (whole, b"")


def test_ray_makes_the_same_bytes_as_matte_alone(folder: Path, random_weights: Path) -> None:
    pytest.importorskip("ray", reason='Ray is not installed: pip install "mattekit[ray]"')
    add_clip(folder / "in", "a")
    key = ["--trimap", "0=in/a.trimap.png", "--weights", str(random_weights), "--threads", "1"]
    assert main(["matte", "in/a.mkv", *key, "--alpha", "alone.mkv"]) == 0
    command = ["batch", "in", "-o", "out", "--alpha", "mkv", "--set", f"weights={random_weights}", "--engine", "ray"]
    assert (main(command), states()) == (0, {"a": "done"})
    assert Path("out/a_alpha.mkv").read_bytes() == Path("alone.mkv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in", "-o", "out"], "an output must be named; got none"),
        (["in", "-o", "out", "--alpha", "gif"], "an output must be"),
        (["in", "-o", "out", "--cutout", "mp4"], "a cutout needs alpha"),
        (["in", "-o", "in", "--alpha", "mkv"], "-o must be another folder than that of the clips"),
        (["in", "-o", "no/out", "--alpha", "mkv"], "-o must be a folder that can be written to"),
        (["in", "-o", "out", "--alpha", "mkv", "--name", "{clip}"], "--name must be text with the fields"),
        (["in", "-o", "out", "--alpha", "mkv", "--name", "same"], "every output must have a name of its own"),
        (["in", "-o", "out", "--alpha", "mkv", "--set", "colour=red"], "No such option: --colour"),
        (["in", "-o", "out", "--alpha", "mkv", "--set", "band=x"], "Invalid value for '--band'"),
        (["in", "-o", "out", "--alpha", "mkv", "--set", "overwrite"], "--overwrite must be given to the batch"),
        (["none.txt", "-o", "out", "--alpha", "mkv"], "none.txt must be a list of clips"),
        (["link", "-o", "link/out", "--alpha", "mkv", "--name", "away/{stem}"], "outputs must stay inside -o"),
    ],
)
def test_what_no_clip_can_be_blamed_for_is_refused_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    for name in "ab":
        add_clip(folder / "in", name)
    (folder / "link" / "out").mkdir(parents=True)
    (folder / "link" / "a.mov").touch()
    (folder / "link" / "out" / "away").symlink_to(folder)
    assert main(["batch", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"mattekit: {message}")
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert not Path("out").exists()


def test_a_list_gives_each_clip_its_own_options_and_its_faults_are_its_own(folder: Path) -> None:
    for name in "abc":
        add_clip(folder / "in", name)
    (folder / "in" / "list.txt").write_text(
        "a.mkv --trimap 0=none.png\nb.mkv --trimap 9=b.trimap.png\nc.mkv --colour red\nd.mkv --trimap 0=a.trimap.png\n"
        "a.mkv --trimap 0=a.trimap.png --start 9\nb.mkv --trimap 0=b.trimap.png --alpha x.mkv\n"
    )
    assert main(["batch", "in/list.txt", "-o", "out", "--alpha", "mkv", "--name", "{number}"]) == 2
    errors = [json.loads(line)["error"] for line in Path("out/report.jsonl").read_text().splitlines()]
    expected = [
        "none.png",
        "a frame from 0 to 2",
        "No such option: --colour",
        "d.mkv",
        "frames must be",
        "--alpha must",
    ]
    assert all(part in error for part, error in zip(expected, errors, strict=True)), errors


def test_two_batches_in_one_folder_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fcntl", reason="this system has no such locks")
    from mattekit.scale.done import Hold

    add_clip(folder / "in", "a")
    hold = Hold(folder / "out")
    assert main(["batch", "in", "-o", "out", "--alpha", "mkv"]) == 2
    assert "another is at work in out" in capsys.readouterr().err
    hold.close()


def test_pictures_composites_and_folders_of_pictures(folder: Path, here: None) -> None:
    add_clip(folder / "in", "a")
    (folder / "in" / "b.v2").mkdir()
    for index, frame in enumerate(scenes.soft_disc(2).frames):
        scenes.write_picture(folder / "in" / "b.v2" / f"{index}.png", frame)
    (folder / "in" / "b.v2.trimaps").mkdir()
    scenes.write_picture(folder / "in" / "b.v2.trimaps" / "x1.png", scenes.soft_disc(2).trimap()[1])
    outputs = ["--alpha", "png", "--composite", ".MP4", "--background", "green", "--resume"]
    command = ["batch", "in", "-o", "out", *outputs, "--name", "{content}/{number:02d}-{stem}", "--report", "r.jsonl"]
    assert main([*command, "--set", "bits=8"]) == 0
    assert main([*command, "--set", "bits=8"]) == 0
    assert states("r.jsonl") == {"a": "skipped", "b": "skipped"}
    assert sorted(path.name for path in Path("out/alpha/01-a").iterdir()) == ["00000.png", "00001.png", "00002.png"]
    assert (probe("out/composite/02-b.v2.mp4").frames, probe("out/alpha/02-b.v2").frames) == (2, 2)
    assert not list(Path("out").rglob(".mattekit-*"))


def test_a_salvaged_clip_is_skipped_under_the_name_that_it_got(folder: Path, here: None) -> None:
    add_clip(folder / "in", "a", frames=9)
    whole = (folder / "in" / "a.mkv").read_bytes()
    (folder / "in" / "a.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    command = ["batch", "in", "-o", "out", "--alpha", "mkv", "--set", "salvage"]
    assert (main(command), states()) == (0, {"a": "done"})
    (made,) = rows()["a"]["outputs"].values()
    assert Path(made).name != "a_alpha.mkv"
    assert (main(command), states()) == (0, {"a": "skipped"})
