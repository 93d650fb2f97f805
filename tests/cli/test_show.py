"""`mattekit data show` through the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mattekit.cli import main
from mattekit.data.manifest import write_manifest
from mattekit.data.materialise import arguments_of, make
from mattekit.data.pack import Source, write_pack
from mattekit.data.plan import Order, Rules, draw_plan
from mattekit.data.preview import show_samples
from mattekit.media import probe
from sources import write_set


def disc(side: int = 64) -> torch.Tensor:
    """Return (1, 4, H, W) uint8: an orange disc with a soft edge."""
    line = torch.arange(side) - side / 2 + 0.5
    alpha = ((side / 3 - torch.hypot(line[:, None], line)) / 4 + 0.5).clamp(0, 1)
    colour = torch.tensor([0.9, 0.6, 0.1])[:, None, None].expand(3, side, side)
    return (torch.cat((colour, alpha[None])) * 255).round().to(torch.uint8)[None]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    plate = torch.randint(0, 256, (3, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_pack(
        tmp_path / "pack.safetensors", iter([Source("disc", "photo", disc()), Source("plate", "background", plate)])
    )
    return tmp_path / "pack.safetensors"


@pytest.mark.parametrize("kind", ["walk", "fake-motion"])
def test_a_sheet_of_a_pack_shows_each_sample_and_repeats_by_seed(
    tmp_path: Path, pack: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sheets = []
    for name, seed in (("one", "3"), ("same", "3"), ("other", "4")):
        path = tmp_path / f"{name}.png"
        arguments = ["--kind", kind, "--seed", seed, "--count", "2", "--frames", "3", "--json"]
        assert main(["data", "show", str(pack), "-o", str(path), *arguments]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["kind"], said["samples"]) == (kind, ["disc", "disc"])
        sheets.append(np.asarray(Image.open(path)))
    assert (sheets[0] == sheets[1]).all() and sheets[0].ndim == 3
    assert sheets[0].shape != sheets[2].shape or bool((sheets[0] != sheets[2]).any())


def test_a_clip_holds_every_frame_of_every_sample(tmp_path: Path, pack: Path) -> None:
    output = tmp_path / "preview.mp4"
    assert main(["data", "show", str(pack), "-o", str(output), "--count", "2", "--frames", "3", "--degrade"]) == 0
    clip = probe(output)
    assert (clip.frames, clip.size) == (6, (576, 768))


def test_procedural_samples_need_no_source(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["data", "show", "-o", str(sheet), "--count", "1", "--frames", "1"]) == 0
    assert Image.open(sheet).mode == "RGB"


def test_a_list_of_sources_and_composed_clips_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = write_set(tmp_path / "sources")
    write_manifest(tmp_path / "list.csv", entries)
    assert main(["data", "show", str(tmp_path / "list.csv"), "-o", str(tmp_path / "list.png"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kind"] == "walk" and set(said["samples"]) <= {"disc", "coin", "ball"}
    by_name, rules = {entry.name: entry for entry in entries}, Rules(still_frames=4)
    plan = draw_plan(entries, split="train", each=1)
    for composite in plan:
        make(arguments_of(Order(tmp_path / "set"), composite, by_name, rules))
    arguments = ["--frames", "3", "--count", "9", "--json"]
    assert main(["data", "show", str(tmp_path / "set"), "-o", str(tmp_path / "set.png"), *arguments]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kind"] == "stored" and sorted(said["samples"]) == sorted(each.name for each in plan)
    stills = [each for each in plan if by_name[each.foreground].still]
    shown = {each.name: each for each in show_samples(tmp_path / "set", kind="stored", count=9, seed=0, length=3)}
    for composite in stills:
        flow = shown[composite.name].flow
        assert flow is not None and 0.1 < float(flow.norm(dim=1).mean()) < 8
    assert all(float(each.frames.min()) >= 0 and each.alpha.shape[1] == 1 for each in shown.values())


def test_bad_requests_are_refused_in_one_line_and_write_nothing(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.png").write_bytes(b"x")
    (tmp_path / "bare").mkdir()
    before = sorted(tmp_path.iterdir())
    for arguments, message in (
        (["nothing", "-o", "a.png"], "a source must exist; nothing does not"),
        ([str(pack), "-o", "a.gif"], "change its suffix"),
        ([str(pack), "-o", "folder"], "must be shown in a .png or a video file; got folder"),
        ([str(pack), "-o", "there.png"], "there.png"),
        ([str(pack), "-o", "a.png", "--kind", "dance"], "--kind must be one of walk, fake-motion, procedural, stored"),
        (["-o", "a.png", "--kind", "walk"], "kind walk must have a source"),
        (["bare", "-o", "a.png", "--kind", "stored"], "bare holds no sample.json"),
    ):
        assert main(["data", "show", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
