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
    init: Annotated[
        str | None, typer.Option(help="Weights to begin from: a file, or carried; a run that is there goes on.")
    ] = None,
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
    trainer = _trainer(network, pack, output, init, minutes=minutes, seed=seed, device=device)
    averaged = _run_with_progress(trainer, network)
    weights = _write_weights(network, averaged, output, init, step=trainer.step, seed=seed)
    summary = {"network": network, "step": trainer.step, "steps": trainer.steps, "weights": weights and str(weights)}
    print(f"{network}: step {trainer.step} of {trainer.steps} in {output / network}", file=sys.stderr)
    if as_json:
        print(json.dumps(summary))


def _make_pack(data: Path, pack: Path) -> None:
    """Pack the training sources that may be shipped, and procedural subjects."""
    entries = choose_sources(data, use="ship", split="train")
    from mattekit.data.packing import make_pack

    entries = [entry for entry in entries if entry.role != "segmentation"]
    made = make_pack(pack, entries, procedural=320, seed=7)
    count = made.foregrounds + made.backgrounds + made.procedural
    print(f"packed {count} sources into {pack}", file=sys.stderr)


def _trainer(
    network: str,
    pack: Path,
    output: Path,
    init: str | None,
    *,
    minutes: float | None,
    seed: int,
    device: str,
) -> Trainer:
    """Return the trainer of one network on its device."""
    import torch

    from mattekit.data.compose import Composer
    from mattekit.data.pack import read_pack
    from mattekit.engine.train import Trainer, TrainOptions
    from mattekit.models.dvm import MattingNetwork, PropagationNetwork
    from mattekit.models.dvm.recipe import SMALL_MATTING, SMALL_MATTING_AGAIN, MattingRecipe, PropagationRecipe

    place = choose_device(device)
    torch.manual_seed(seed)
    part = MattingNetwork() if network == "matting" else PropagationNetwork()
    if init is not None:
        _fill(part, network, init)
    foregrounds, backgrounds = read_pack(pack, device=place)
    composer = Composer(foregrounds, backgrounds, blobs=network == "matting")
    recipe: MattingRecipe | PropagationRecipe
    if isinstance(part, MattingNetwork):
        recipe = MattingRecipe(part.to(place), stages=SMALL_MATTING if init is None else SMALL_MATTING_AGAIN)
    else:
        recipe = PropagationRecipe(part.to(place))
    options = TrainOptions(seed=seed, minutes=minutes)
    return Trainer(recipe.network, recipe, composer.sample, folder=output / network, options=options)


def _fill(module: torch.nn.Module, network: str, init: str) -> None:
    """Load a network from a file of weights, or from the carried one."""
    from mattekit.models.dvm import FAMILY
    from mattekit.weights import carried, fill, read_weights

    path = carried(FAMILY) if init == "carried" else Path(init)
    fill(module, read_weights(path, family=FAMILY), prefix=network, path=path)


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


def _write_weights(
    network: str, averaged: torch.nn.Module, output: Path, init: str | None, *, step: int, seed: int
) -> Path | None:
    """Write both networks to one file once the other has a checkpoint or came with the first weights; return it."""
    import torch

    from mattekit.models.dvm import FAMILY, MattingNetwork, PropagationNetwork
    from mattekit.weights import write_weights

    other = NETWORKS[1 - NETWORKS.index(network)]
    checkpoint = output / other / "checkpoint.pt"
    partner = MattingNetwork() if other == "matting" else PropagationNetwork()
    other_steps = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        prefix = "module."
        partner.load_state_dict(
            {key.removeprefix(prefix): value for key, value in state["averaged"].items() if key.startswith(prefix)}
        )
        other_steps = state["step"]
    elif init is not None:
        _fill(partner, other, init)
    else:
        return None
    modules = {network: averaged, other: partner}
    card = {f"{network}_steps": str(step), f"{other}_steps": str(other_steps), "seed": str(seed)}
    path = output / f"{FAMILY}.safetensors"
    write_weights(path, dict(sorted(modules.items())), family=FAMILY, card=card | ({"init": init} if init else {}))
    return path
