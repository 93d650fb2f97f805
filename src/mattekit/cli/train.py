"""`mattekit train`: trains a family's networks from packed sources, resuming where it stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice
from mattekit.cli.data import choose_sources
from mattekit.cli.device import DEVICES, choose_device

if TYPE_CHECKING:
    import torch

    from mattekit.engine.train import Trainer

NETWORKS = ("matting", "propagation")


def train(
    family: Annotated[str, typer.Argument(help="Family of networks; dvm.")] = "dvm",
    *,
    network: Annotated[str, typer.Option(help="Which of the two networks: matting or propagation.")] = "matting",
    data: Annotated[
        Path | None, typer.Option(help="List or folder of sources, packed when the pack is missing.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="File of packed sources.")] = Path("packed/ship.safetensors"),
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run, resumed if there.")] = Path("runs"),
    minutes: Annotated[float | None, typer.Option(help="Stop with a checkpoint after this time.")] = None,
    seed: Annotated[int, typer.Option(help="All randomness follows from it.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one summary line on stdout.")] = False,
) -> None:
    """Train a network; Ctrl-C or --minutes leaves a checkpoint that the same command resumes."""
    check_choice("family", family, ("dvm",))
    check_choice("network", network, NETWORKS)
    check_choice("--device", device, DEVICES)
    if not pack.exists() and data is None:
        raise InputError(f"a pack of sources must exist; {pack} does not: give --data FOLDER to make it from")
    if data is not None and not pack.exists():
        _make_pack(data, pack)
    trainer = _trainer(network, pack, output, minutes, seed, device)
    averaged = _run_with_progress(trainer, network)
    weights = _write_weights(network, averaged, output, trainer.step, seed)
    summary = {"network": network, "step": trainer.step, "steps": trainer.steps, "weights": weights and str(weights)}
    print(f"{network}: step {trainer.step} of {trainer.steps} in {output / network}", file=sys.stderr)
    if as_json:
        print(json.dumps(summary))


def _make_pack(data: Path, pack: Path) -> None:
    """Pack the training sources that may be shipped, and procedural subjects."""
    entries = choose_sources(data, use="ship", split="train")
    from mattekit.data.packing import make_pack

    entries = [entry for entry in entries if entry.role != "segmentation"]
    made = make_pack(pack, entries, procedural=90, seed=7)
    count = made.foregrounds + made.backgrounds + made.procedural
    print(f"packed {count} sources into {pack}", file=sys.stderr)


def _trainer(network: str, pack: Path, output: Path, minutes: float | None, seed: int, device: str) -> Trainer:
    """Return the trainer of one network on its device."""
    import torch

    from mattekit.data.compose import Composer
    from mattekit.data.pack import read_pack
    from mattekit.engine.train import Trainer, TrainOptions
    from mattekit.models.dvm import MattingNetwork, PropagationNetwork
    from mattekit.models.dvm.recipe import MattingRecipe, PropagationRecipe

    place = choose_device(device)
    foregrounds, backgrounds = read_pack(pack, device=place)
    composer = Composer(foregrounds, backgrounds, blobs=network == "matting")
    options = TrainOptions(seed=seed, minutes=minutes)
    torch.manual_seed(seed)
    recipe: MattingRecipe | PropagationRecipe
    if network == "matting":
        recipe = MattingRecipe(MattingNetwork().to(place))
    else:
        recipe = PropagationRecipe(PropagationNetwork().to(place))
    return Trainer(recipe.network, recipe, composer.sample, folder=output / network, options=options)


def _run_with_progress(trainer: Trainer, network: str) -> torch.nn.Module:
    """Train with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(network, total=trainer.steps, completed=trainer.step)

        def report(step: int, steps: int, terms: dict[str, float]) -> None:
            progress.update(task, completed=step, description=f"{network} loss {sum(terms.values()):.3f}")

        return trainer.run(report)


def _write_weights(network: str, averaged: torch.nn.Module, output: Path, step: int, seed: int) -> Path | None:
    """Write both networks to one file once both have a checkpoint; return it."""
    import torch

    from mattekit.models.dvm import FAMILY, MattingNetwork, PropagationNetwork
    from mattekit.weights import write_weights

    other = NETWORKS[1 - NETWORKS.index(network)]
    checkpoint = output / other / "checkpoint.pt"
    if not checkpoint.exists():
        return None
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    partner = MattingNetwork() if other == "matting" else PropagationNetwork()
    prefix = "module."
    partner.load_state_dict(
        {key.removeprefix(prefix): value for key, value in state["averaged"].items() if key.startswith(prefix)}
    )
    modules = {network: averaged, other: partner}
    card = {f"{network}_steps": str(step), f"{other}_steps": str(state["step"]), "seed": str(seed)}
    path = output / f"{FAMILY}.safetensors"
    write_weights(path, dict(sorted(modules.items())), family=FAMILY, card=card)
    return path
