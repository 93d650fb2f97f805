"""`mattekit train segmenter`: what finds people, trained on composites and pictures with masks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mattekit.cli import main, training_segmenter
from mattekit.data.pack import Source, write_pack
from mattekit.models.person.segmenter import load_segmenter

TOLD = ["train", "segmenter", "--recipe", "tiny", "--pack", "pack.safetensors", "--device", "cpu", "--no-tensorboard"]


def pack(path: Path, *, masks: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    people = torch.randint(0, 256, (4, 1, 4, 48, 40), dtype=torch.uint8, generator=generator)
    people[:, :, 3] = 0
    people[:, :, 3, 8:44, 10:30] = 255
    sources = [Source(f"p{number}", "photo", pixels) for number, pixels in enumerate(people)]
    sources += [
        Source("b", "background", torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8, generator=generator))
    ]
    if masks:
        sources.append(Source("m", "segmentation", people[0].clone()))
    write_pack(path, iter(sources))


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training_segmenter, "VALIDATION_CLIPS", 1)


def test_the_tiny_recipe_leaves_weights_that_find_people_in_pictures_of_any_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(tmp_path / "pack.safetensors", masks=True)
    assert main([*TOLD, "--json", "-o", "run", "--validate-every", "4"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["network"], summary["step"]) == ("segmenter", 8)
    segmenter = load_segmenter(tmp_path / "run" / "person-segmenter.safetensors")
    assert segmenter(torch.rand(1, 3, 30, 50)).shape == (1, 1, 30, 50)
    assert (tmp_path / "run" / "person-segmenter-best.safetensors").is_file()


def test_it_goes_on_from_weights_and_counts_the_steps_it_was_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(tmp_path / "pack.safetensors", masks=False)
    assert main([*TOLD, "-o", "one", "--steps", "3", "--validate-every", "0"]) == 0
    assert "the pack has no masks of people" in capsys.readouterr().err
    told = ["-o", "two", "--steps", "1", "--validate-every", "0", "--init", "one/person-segmenter.safetensors"]
    assert main([*TOLD, *told, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 1


def test_an_option_of_another_family_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(tmp_path / "pack.safetensors", masks=False)
    assert main([*TOLD, "--no-lstm"]) == 2
    assert "--lstm must be for person alone; got it for segmenter" in capsys.readouterr().err
