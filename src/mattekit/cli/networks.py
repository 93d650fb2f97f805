"""The networks of a run: chosen by name and checked before anything is loaded, then loaded onto a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import check_choice
from mattekit.cli.device import DEVICES, RUNTIMES, choose_device, set_threads
from mattekit.media.paths import check_regular_file

if TYPE_CHECKING:
    from mattekit.models import Model


def check_settings(*, model: str, device: str, runtime: str = "auto", weights: Path | None) -> None:
    """Raise unless the settings are known by name and the weights are a file; nothing is loaded.

    Raises:
        InputError: One is not known.
        MediaError: The weights file is missing.
    """
    from mattekit.models import FAMILIES

    check_choice("--model", model, sorted(FAMILIES))
    check_choice("--device", device, DEVICES)
    check_choice("--runtime", runtime, RUNTIMES)
    if weights is not None:
        check_regular_file(weights)


def load_model(family: str, *, weights: Path | None, device: str, threads: int | None) -> Model:
    """Load a family's networks onto a device.

    Raises:
        InputError: This machine has no such device.
        WeightsError: The weights are not exactly the family's.
    """
    from mattekit.models import load

    place = choose_device(device)
    set_threads(threads)
    return load(family, weights=weights, device=place)
