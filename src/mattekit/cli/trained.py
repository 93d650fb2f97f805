"""Weights files of what was trained: the last average, and the best by validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.training import NETWORKS, Plan, build_network, fill_from

if TYPE_CHECKING:
    import torch


def write_trained(plan: Plan, averaged: torch.nn.Module, *, step: int) -> Path | None:
    """Write both networks to one file once the other has a checkpoint or came with the first weights.

    Beside it, the file whose name ends in "-best" has of each network the weights that validated best.

    Args:
        plan: Of the run.
        averaged: The network in training, with averaged weights.
        step: Its steps.

    Returns:
        The file of the last weights, or None where there is no other network yet.
    """
    from mattekit.engine.checkpoint import fill_averaged, read_state

    other = NETWORKS[1 - NETWORKS.index(plan.network)]
    partner: torch.nn.Module = build_network(plan, other)
    checkpoint = plan.output / other / "checkpoint.pt"
    other_steps = 0
    if checkpoint.exists():
        state = read_state(checkpoint)
        fill_averaged(partner, state)
        other_steps = state["step"]
    elif plan.init is not None:
        fill_from(partner, plan, other)
    else:
        return None
    modules = {plan.network: averaged, other: partner}
    card = {f"{plan.network}_steps": str(step), f"{other}_steps": str(other_steps), "seed": str(plan.seed)}
    card |= {"recipe": plan.recipe} | ({"init": plan.init} if plan.init else {})
    path = _write(plan, modules, card, plan.family)
    _write_best(plan, modules, card)
    return path


def write_alone(plan: Plan, averaged: torch.nn.Module, *, card: dict[str, str], prefix: str = "matting") -> Path:
    """Write the averaged weights, and beside them, under a name that ends in "-best", those that validated best.

    Args:
        plan: Of the run of a family with one network.
        averaged: The network.
        card: What the metadata say of it, its steps among it.
        prefix: Of the keys of its weights.

    Returns:
        The file of the averaged weights.
    """
    from mattekit.engine.checkpoint import read_state

    path = _write(plan, {prefix: averaged}, card, plan.family)
    best = plan.folder / "best.pt"
    if best.exists():
        state = read_state(best, device=next(averaged.parameters()).device)
        averaged.load_state_dict(state["network"])
        card = card | {"steps": str(state["step"]), "weights": state["which"]}
        _write(plan, {prefix: averaged}, card, f"{plan.family}-best")
    return path


def _write_best(plan: Plan, modules: dict[str, torch.nn.Module], card: dict[str, str]) -> None:
    """Write the weights that validated best, where there are any."""
    from mattekit.engine.checkpoint import read_state

    found = False
    for name, module in modules.items():
        best = plan.output / name / "best.pt"
        if best.exists():
            state = read_state(best, device=next(module.parameters()).device)
            module.load_state_dict(state["network"])
            card = card | {f"{name}_steps": str(state["step"]), f"{name}_weights": state["which"]}
            found = True
    if found:
        _write(plan, modules, card, f"{plan.family}-best")


def _write(plan: Plan, modules: dict[str, torch.nn.Module], card: dict[str, str], name: str) -> Path:
    from mattekit.weights import write_weights

    path = plan.output / f"{name}.safetensors"
    write_weights(path, dict(sorted(modules.items())), family=plan.family, card=card)
    return path
