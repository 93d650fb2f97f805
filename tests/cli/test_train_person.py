"""`mattekit train person`: fake motion with maps of people, resumed, validated, without a video library."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import person_networks
from mattekit.cli import main, training_person
from mattekit.data.compose_person import PersonComposer
from mattekit.data.pack import Source, write_pack
from mattekit.models import Wanted, load
from mattekit.models.person.beginning import COLOURFUL
from mattekit.models.person.segmenter import FAMILY, Segmenter
from mattekit.types import Sample, Stage
from mattekit.weights import read_weights, write_weights

TOLD = ["--pack", "pack.safetensors", "-o", "run", "--device", "cpu", "--json", "--no-tensorboard"]
NARROW = ["--segmenter", "segmenter.safetensors", "--width", "0.25", "--recipe", "tiny", *TOLD]


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack of a few people and a segmenter with drawn weights in the folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    people = torch.randint(0, 256, (4, 1, 4, 48, 40), dtype=torch.uint8)
    people[:, :, 3] = 0
    people[:, :, 3, 8:44, 10:30] = 255
    ground = Source("b", "background", torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8))
    each = [Source(f"p{number}", "photo", pixels) for number, pixels in enumerate(people)]
    write_pack(tmp_path / "pack.safetensors", iter([*each, ground]))
    write_weights(tmp_path / "segmenter.safetensors", {"segmenter": Segmenter()}, family=FAMILY, card={})


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def card(path: Path) -> dict[str, str]:
    with safe_open(str(path), framework="pt") as file:
        return dict(file.metadata())


def test_the_tiny_recipe_leaves_logs_previews_and_weights_that_say_their_form_and_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_person, "VALIDATION_CLIPS", 2)
    assert main(["train", "person", "--no-attention", "--validate-every", "3", *NARROW]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["network"], summary["step"], summary["steps"]) == ("person", 6, 6)
    assert "note: on the clips of validation the maps of people alone have MAD " in captured.err
    assert "note: ImageNet's weights are for width 1; the encoder begins at random" in captured.err
    rows, scores = (lines(tmp_path / "run/person" / name) for name in ("log.jsonl", "validation.jsonl"))
    assert [row["step"] for row in rows] == list(range(1, 7))
    assert rows[0].keys() >= {"alpha", "laplacian", "composition", "foreground", "flow coherence"}
    assert [row["step"] for row in scores] == [3, 6] and set(scores[0]) >= {"raw MAD", "averaged dtSSD"}
    assert len(list((tmp_path / "run/person/previews").iterdir())) == 2
    for name in ("person", "person-best"):
        path = tmp_path / "run" / f"{name}.safetensors"
        assert (card(path)["lstm"], card(path)["attention"], card(path)["width"]) == ("yes", "no", "0.25")
        assert load("person", weights=path, wanted=Wanted(prior=person_networks.brightness())).family == "person"


def test_an_interrupt_leaves_a_checkpoint_that_the_same_command_resumes_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["train", "person", "--validate-every", "0", "--steps", "3", *NARROW]
    assert main([*arguments, "-o", "whole"]) == 0
    drawn, count = PersonComposer.sample, 0

    def interrupting(self: PersonComposer, stage: Stage, generator: torch.Generator, number: int = 0) -> Sample:
        nonlocal count
        count += 1
        if count == 3:  # in the middle of the second step of two clips
            os.kill(os.getpid(), signal.SIGINT)
        return drawn(self, stage, generator, number)

    monkeypatch.setattr(PersonComposer, "sample", interrupting)
    assert main(arguments) == 130
    assert torch.load(tmp_path / "run/person/checkpoint.pt", weights_only=True)["step"] == 2
    assert main(arguments) == 0
    one, other = (read_weights(tmp_path / name / "person.safetensors", family="person") for name in ("whole", "run"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert float(one["matting.head.bias"][0]) == pytest.approx(-COLOURFUL, abs=0.1)  # it began by handing its map on


def test_training_can_begin_from_weights(tmp_path: Path) -> None:
    begun = person_networks.write_person(tmp_path / "begun.safetensors")
    assert main(["train", "person", "--init", str(begun), "--minutes", "0", "--validate-every", "0", *NARROW]) == 0
    before, after = (read_weights(path, family="person") for path in (begun, tmp_path / "run/person.safetensors"))
    gap = max(float((after[key] - before[key]).abs().max()) for key in before if key.endswith("weight"))
    assert 0 < gap < 0.01  # one small step away


def test_the_command_trains_where_no_video_can_be_decoded_in_mixed_precision_too(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['av'] = sys.modules['cv2'] = sys.modules['matplotlib'] = None\n"
        "from mattekit.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            "train",
            "person",
            "--amp",
            "bf16",
            "--steps",
            "1",
            "--validate-every",
            "0",
            *NARROW,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 1


def test_a_segmenter_that_is_not_there_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "person", *NARROW, "--segmenter", "none.safetensors"]) == 2
    error = capsys.readouterr().err
    assert "weights must be a safetensors file; none.safetensors does not exist" in error and error.count("\n") == 1
