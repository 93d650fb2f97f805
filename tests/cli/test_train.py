"""`mattekit train` through the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mattekit.cli import main, training, training_people
from mattekit.data.compose import Composer
from mattekit.data.pack import Source, write_pack
from mattekit.data.procedural import procedural_sources
from mattekit.models import load
from mattekit.models.dvm.recipes import stages
from mattekit.models.rvm import stages as rvm_stages
from mattekit.models.rvm.network import MattingNetwork as RvmNetwork
from mattekit.types import Sample, Stage
from mattekit.weights import read_weights, write_weights

TINY = ["--pack", "pack.safetensors", "-o", "run", "--device", "cpu", "--json", "--no-tensorboard"]
BUDGET = [*TINY, "--minutes", "0", "--validate-every", "0"]


@pytest.fixture(autouse=True)
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of a few sources in the folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    ground = Source("b", "background", torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8))
    path = tmp_path / "pack.safetensors"
    write_pack(path, iter([*procedural_sources(count=3, seed=0, side=48), ground]))
    return path


@pytest.fixture
def train(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, object]]:
    """The command, which must succeed; its summary."""

    def run(*arguments: str) -> dict[str, object]:
        assert main(["train", "dvm", *arguments]) == 0, capsys.readouterr().err
        summary: dict[str, object] = json.loads(capsys.readouterr().out)
        return summary

    return run


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def card(path: Path) -> dict[str, str]:
    with safe_open(str(path), framework="pt") as file:
        return dict(file.metadata())


def test_both_networks_train_in_a_time_budget_and_make_weights_that_load(
    tmp_path: Path, train: Callable[..., dict[str, object]]
) -> None:
    first = train("--network", "matting", *BUDGET)
    assert (first["step"], first["weights"]) == (1, None)
    second = train("--network", "propagation", "--procedural", "1", *BUDGET)
    assert load("dvm", weights=Path(str(second["weights"]))).family == "dvm"
    assert len(lines(tmp_path / "run/matting/log.jsonl")) == 1


def test_training_can_begin_from_weights_and_keeps_the_other_network_of_them(
    random_weights: Path, train: Callable[..., dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    found = train("--init", str(random_weights), *BUDGET)
    before, after = (read_weights(path, family="dvm-small") for path in (random_weights, Path(str(found["weights"]))))
    assert all(torch.equal(after[key], before[key]) for key in before if key.startswith("propagation."))
    gaps = [(after[key] - before[key]).abs().max() for key in before if "matting." in key and "running_" not in key]
    assert 0 < max(gaps) < 0.01  # one small step away
    assert main(["train", "dvm", "--init", "none.safetensors", *BUDGET, "-o", "elsewhere"]) == 2
    assert "weights must be a safetensors file; none.safetensors does not exist" in capsys.readouterr().err


def test_the_tiny_recipe_leaves_logs_previews_checkpoints_and_the_best_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Callable[..., dict[str, object]]
) -> None:
    monkeypatch.setattr(training, "VALIDATION_CLIPS", 2)
    every = ["--recipe", "tiny", "--validate-every", "4"]
    for network, metric in (("matting", "SAD"), ("propagation", "wrong")):
        summary = train("--network", network, *TINY, *every)
        folder = tmp_path / "run" / network
        assert (summary["step"], summary["steps"]) == (8, 8)
        rows = lines(folder / "validation.jsonl")
        assert [row["step"] for row in rows] == [4, 8]
        assert summary["best_error"] == min(min(row[f"raw {metric}"], row[f"averaged {metric}"]) for row in rows)
        assert len(lines(folder / "log.jsonl")) == 8
        assert sorted(path.name for path in (folder / "previews").iterdir()) == ["step-000004.png", "step-000008.png"]
    last, best = (tmp_path / "run" / f"dvm-small{name}.safetensors" for name in ("", "-best"))
    assert load("dvm", weights=best).family == "dvm"
    assert card(last)["matting_steps"] == "8" and card(best)["propagation_steps"] == str(summary["best_step"])
    again = train("--network", "propagation", *TINY, *every)
    assert (again["step"], again["best_error"]) == (8, summary["best_error"])


def test_an_interrupt_leaves_a_checkpoint_that_the_same_command_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Callable[..., dict[str, object]]
) -> None:
    arguments = ["--recipe", "tiny", "--validate-every", "0", *TINY]
    drawn, count = Composer.sample, 0

    def interrupting(self: Composer, stage: Stage, generator: torch.Generator, number: int = 0) -> Sample:
        nonlocal count
        count += 1
        if count == 5:  # in the middle of the third step of two clips
            os.kill(os.getpid(), signal.SIGINT)
        return drawn(self, stage, generator, number)

    monkeypatch.setattr(Composer, "sample", interrupting)
    assert main(["train", "dvm", *arguments]) == 130
    assert torch.load(tmp_path / "run/matting/checkpoint.pt", weights_only=True)["step"] == 3
    assert train(*arguments)["step"] == 8
    assert [row["step"] for row in lines(tmp_path / "run/matting/log.jsonl")] == list(range(1, 9))


@pytest.mark.parametrize("network", ["matting", "propagation"])
def test_the_paper_size_trains_by_the_paper_recipe(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Callable[..., dict[str, object]]
) -> None:
    monkeypatch.setattr(training, "PAPER_WIDTH", 8)
    monkeypatch.setattr(stages, "SIZE", (64, 64))
    arguments = ["--network", network, "--size", "paper", "--recipe", "paper", "--backbone", "random"]
    summary = train(*arguments, *BUDGET, "--batch", "1", "--freeze-norms", "encoder")
    epochs = 100 if network == "matting" else 75
    assert (summary["step"], summary["steps"]) == (1, 3 * epochs)
    row = lines(tmp_path / "run" / network / "log.jsonl")[0]
    assert row["stage"] == "epoch 1" and row["rate"] == (5e-5 if network == "matting" else 1e-3)
    state = torch.load(tmp_path / "run" / network / "checkpoint.pt", weights_only=True)["network"]
    means = {key: bool((value == 0).all()) for key, value in state.items() if key.endswith("running_mean")}
    still = [unmoved for key, unmoved in means.items() if "encoder" in key]
    assert still and all(still) and not all(means.values())


def test_training_from_a_pack_imports_nothing_that_decodes_or_draws(tmp_path: Path) -> None:
    script = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
sys.modules["av"] = sys.modules["cv2"] = sys.modules["matplotlib"] = None
torch.set_num_threads(1)
from mattekit.data.compose import Composer
from mattekit.data.compose_paper import PaperComposer
from mattekit.data.holdout import hold_out
from mattekit.data.pack import read_pack
from mattekit.data.procedural import procedural_clips
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.engine.validate import Validation, alpha_errors
from mattekit.models.dvm import MattingNetwork
from mattekit.models.dvm.recipes import PaperMattingRecipe, predict_alpha, tiny_stages
foregrounds, backgrounds = read_pack(Path("pack.safetensors"))
foregrounds += procedural_clips(count=1, seed=1, side=48)
training, held = hold_out(foregrounds)
stage = replace(tiny_stages("matting")[0], steps=2)
recipe = PaperMattingRecipe(MattingNetwork(), stages=[stage])
clip = Composer(held, backgrounds).sample(replace(stage, batch=1), torch.Generator().manual_seed(0))
validation = Validation([clip], predict_alpha, alpha_errors, every=2)
draw = PaperComposer(training, backgrounds).sample
Trainer(recipe.network, recipe, draw, folder=Path("run"), options=TrainOptions(), validation=validation).run()
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert len(lines(tmp_path / "run/log.jsonl")) == 2 and len(lines(tmp_path / "run/validation.jsonl")) == 1
    assert len(list((tmp_path / "run/previews").iterdir())) == 1


def test_bad_settings_are_refused_in_one_line(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack.unlink()
    for arguments, message in (
        (["--pack", "none"], "a pack of sources must exist; none does not"),
        (["--network", "other"], "network must be one of matting, propagation; got 'other'"),
        (["--recipe", "other"], "--recipe must be one of small, paper, tiny; got 'other'"),
        (["--size", "huge"], "--size must be one of small, paper; got 'huge'"),
        (["--amp", "fp8"], "--amp must be one of auto, off, bf16, fp16; got 'fp8'"),
        (["--freeze-norms", "some"], "--freeze-norms must be one of none, encoder, all; got 'some'"),
        (["--data", "nowhere"], "a folder of sources must exist; nowhere does not"),
    ):
        assert main(["train", "dvm", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["train", "dvm", "--data", "nowhere"]) == 2
    assert "several processes must find the pack made" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["matting", "propagation"])
def test_the_command_trains_where_no_video_can_be_decoded_in_mixed_precision_too(network: str, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['av'] = sys.modules['cv2'] = sys.modules['matplotlib'] = None\n"
        "from mattekit.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    given = ["train", "dvm", "--network", network, "--recipe", "tiny", "--amp", "bf16", "--minutes", "0", *TINY]
    done = subprocess.run(
        [sys.executable, "-c", script, *given, "--validate-every", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 1


def test_people_train_through_all_stages_and_make_weights_of_their_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_people, "VALIDATION_CLIPS", 1)
    monkeypatch.setattr(rvm_stages, "TINY_ITERATIONS", (2, 1, 1, 1))
    arguments = ["train", "rvm", "--recipe", "tiny", "--random", "--validate-every", "6", *TINY]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["network"], summary["step"], summary["steps"]) == ("rvm", 12, 12)
    assert "the pack has no masks of people; segmentation trains on composites" in captured.err
    rows, scores = (lines(tmp_path / "run/rvm-mobilenetv3" / name) for name in ("log.jsonl", "validation.jsonl"))
    assert [str(row["stage"])[6:] for row in rows][:4] == ["1 low", "1 people in clips", "1 low", "1 people in stills"]
    assert [str(row["stage"])[6:] for row in rows][6:9] == ["3 low", "3 high", "3 people in clips"]
    assert [row["step"] for row in scores] == [6, 12] and set(scores[0]) >= {"raw MAD", "averaged dtSSD"}
    for name in ("", "-best"):
        assert load("rvm", weights=tmp_path / "run" / f"rvm-mobilenetv3{name}.safetensors").family == "rvm"
    assert card(tmp_path / "run/rvm-mobilenetv3.safetensors")["segmentation"] == "yes"


def test_people_train_on_the_larger_backbone_from_weights_and_without_segmentation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = tmp_path / "begun.safetensors"
    write_weights(begun, {"matting": RvmNetwork("resnet50")}, family="rvm-resnet50", card={})
    arguments = ["--backbone", "resnet50", "--init", str(begun), "--recipe", "tiny", "--no-segmentation", *BUDGET]
    assert main(["train", "rvm", *arguments]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["step"], summary["steps"]) == (1, 6 + 2 + 2 * 2 + 2 * 4)
    before, after = (read_weights(path, family="rvm-resnet50") for path in (begun, Path(summary["weights"])))
    assert before.keys() == after.keys()
    gap = max((after[key] - before[key]).abs().max() for key in before if key.endswith("conv1.weight"))
    assert 0 < gap < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rvm", "--network", "matting"], "--network must be for dvm alone; got it for rvm: leave it out"),
        (["dvm", "--random"], "--pretrained must be for rvm or person alone; got it for dvm: leave it out"),
        (["rvm", "--no-lstm"], "--lstm must be for person alone; got it for rvm: leave it out"),
        (
            ["person", "--backbone", "random"],
            "--backbone must be for dvm or rvm alone; got it for person: leave it out",
        ),
        (["rvm", "--backbone", "imagenet"], "--backbone must be one of mobilenetv3, resnet50; got 'imagenet'"),
        (["other"], "family must be one of dvm, rvm, person, segmenter; got 'other'"),
    ],
)
def test_options_of_the_other_family_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments, *TINY]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
