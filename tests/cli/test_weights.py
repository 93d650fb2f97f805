"""`mattekit weights` through the command, and matting with what it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import mattekit.models
import narrow
import scenes
from mattekit.cli import main
from mattekit.media import probe, read_alpha
from mattekit.models.dvm.paper import layout
from mattekit.weights.convert import Layout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a published file at an eighth of the width, which stands in for the whole one."""
    torch.save(narrow.matting("release").state_dict(), tmp_path / "net.pth")
    monkeypatch.setattr(mattekit.models, "published_layouts", lambda: [layout(narrow.WIDTH)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_published_file_is_converted_and_mattes_a_clip_from_one_trimap(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "convert", "net.pth", "--json"]) == 0
    said, told = capsys.readouterr()
    summary = json.loads(said)
    assert summary.pop("seconds") >= 0
    parameters = sum(parameter.numel() for parameter in narrow.matting("release").parameters())
    assert summary == {
        "weights": "net.safetensors",
        "family": "dvm-release",
        "tensors": 446,
        "parameters": parameters,
    }
    assert told.startswith(f"wrote net.safetensors: dvm-release, 446 tensors, {parameters:,} parameters, ")
    scene = scenes.soft_disc(4)
    scenes.write_video(folder / "clip.mkv", scene.frames)
    scenes.write_picture(folder / "t.png", scene.trimap()[0])
    key = ["--trimap", "0=t.png", "--weights", "net.safetensors", "--json"]
    assert main(["matte", "clip.mkv", *key, "--alpha", "a.mkv"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 4
    alphas = list(read_alpha(probe(folder / "a.mkv")))
    trimap = scene.trimap()[0, 0].numpy()
    assert len(alphas) == 4
    assert (alphas[0][trimap == 1] == 1).all() and (alphas[0][trimap == 0] == 0).all()
    assert alphas[0][trimap == 0.5].std() > 0.01


def test_show_tells_what_a_file_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "convert", "net.pth", "-o", "half.safetensors", "--half"]) == 0
    capsys.readouterr()
    assert main(["weights", "show", "half.safetensors"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (lines["family"], lines["tensors"], lines["types"], lines["finite"]) == (
        "dvm-release",
        "446",
        "float16",
        "yes",
    )
    assert lines["source"] == "net.pth"
    assert main(["weights", "show", "half.safetensors", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metadata"].keys() == {"source", "source_sha256"} and found["finite"] is True
    own = {"family": "toy", "finite": "yes", "a\nb\x1b": "c"}
    save_file({"a": torch.tensor([float("nan")])}, "nan.safetensors", metadata=own)
    assert main(["weights", "show", "nan.safetensors"]) == 2
    said, told = capsys.readouterr()
    assert "\nfinite    no\n" in said and "\n  finite" in said and "\n  a\\nb\\x1b" in said
    assert told == "mattekit: weights must be finite; a in nan.safetensors is not\n"


def test_list_names_the_carried_weights_and_their_cards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("dvm-small  ") and "dvm-small.md" in said
    assert main(["weights", "list", "--json"]) == 0
    (first,) = (row for row in json.loads(capsys.readouterr().out) if row["family"] == "dvm-small")
    assert Path(first["card"]).is_file() and first["finite"] is True and first["values"] > 1_000_000


def test_an_output_that_exists_is_kept_unless_told_otherwise(folder: Path) -> None:
    (folder / "net.safetensors").write_bytes(b"mine")
    assert main(["weights", "convert", "net.pth"]) == 2
    assert (folder / "net.safetensors").read_bytes() == b"mine"
    assert main(["weights", "convert", "net.pth", "--overwrite"]) == 0
    assert len((folder / "net.safetensors").read_bytes()) > 1_000_000


def test_bad_requests_are_refused_in_one_line_and_write_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(folder / "net.pth", weights_only=True)
    torch.save({"backbone.weight": torch.ones(3)}, folder / "other.pth")
    torch.save({**state, "pred_head.bias": torch.tensor([float("nan")])}, folder / "nan.pth")
    torch.save({**state, "pred_head.bias": torch.ones(2)}, folder / "shape.pth")
    torch.save({**state, "pred_head.bias": print}, folder / "code.pth")
    torch.save({**state, "pred_head.bias": torch.ones(1).to_sparse()}, folder / "sparse.pth")
    (folder / "cut.pth").write_bytes((folder / "net.pth").read_bytes()[:100_000])
    (folder / "empty.pth").write_bytes(b"")
    (folder / "folder").mkdir()
    before = sorted(folder.iterdir())
    for arguments, message in (
        (["convert", "none.pth"], "none.pth does not exist: check the name"),
        (["convert", "folder"], "folder is a folder"),
        (["convert", "net.pth", "-o", "net.bin"], "must be written as .safetensors; got net.bin"),
        (["convert", "net.pth", "-o", "nowhere/net.safetensors"], "make the folder"),
        (["convert", "other.pth"], "begins with backbone.weight"),
        (["convert", "nan.pth"], "must be finite; pred_head.bias in nan.pth"),
        (["convert", "shape.pth"], "pred_head.bias in shape.pth must have shape (1,); got (2,)"),
        (["convert", "code.pth"], "are not run"),
        (["convert", "sparse.pth"], "must be plain tensors"),
        (["convert", "cut.pth"], "cut.pth is not"),
        (["convert", "empty.pth"], "empty.pth is not"),
        (["show", "net.pth"], "must be a whole safetensors file; net.pth is not"),
        (["show", "folder"], "folder is a folder"),
        (["convert"], "FILE"),
    ):
        assert main(["weights", *arguments]) == 2, arguments
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1, error
    assert sorted(folder.iterdir()) == before
    (folder / "net.pth").rename(folder / "net.safetensors")
    assert main(["weights", "convert", "net.safetensors", "--overwrite"]) == 2
    assert "must not be the input" in capsys.readouterr().err


def test_a_converted_file_of_another_family_is_refused_by_matte(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"a": torch.ones(1)}, folder / "toy.pth")
    monkeypatch.setattr(mattekit.models, "published_layouts", lambda: [Layout("toy", "net", {"a": (1,)})])
    assert main(["weights", "convert", "toy.pth"]) == 0
    scene = scenes.soft_disc(1)
    scenes.write_video(folder / "clip.mkv", scene.frames)
    scenes.write_picture(folder / "t.png", scene.trimap()[0])
    capsys.readouterr()
    arguments = ["--trimap", "0=t.png", "--alpha", "a.mkv", "--weights", "toy.safetensors"]
    assert main(["matte", "clip.mkv", *arguments]) == 2
    error = capsys.readouterr().err
    assert "names 'toy'" in error and error.count("\n") == 1
    assert not (folder / "a.mkv").exists()


def test_bad_names_are_answered_without_torch(tmp_path: Path) -> None:
    script = (
        "import sys, mattekit.cli\n"
        "code = mattekit.cli.main(['weights', 'convert', 'none.pth'])\n"
        "sys.exit(99 if 'torch' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
