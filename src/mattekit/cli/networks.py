"""The networks of a run: chosen by name and checked before anything is loaded, then loaded onto a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import check_choice
from mattekit.cli.device import DEVICES, RUNTIMES, choose_device, set_threads
from mattekit.cli.families import AUTO, network_of
from mattekit.media.paths import check_regular_file

if TYPE_CHECKING:
    from mattekit.models import Model, Wanted


def check_settings(*, model: str, device: str, runtime: str = "auto", weights: Path | None) -> None:
    """Raise unless the settings are known by name and the weights are a file; nothing is loaded.

    Raises:
        InputError: One is not known.
        MediaError: The weights file is missing.
        WeightsError: There must be one, since the package carries none.
    """
    from mattekit.models import FAMILIES, check_weights

    check_choice("--model", model, sorted({*FAMILIES, AUTO}))
    check_choice("--device", device, DEVICES)
    check_choice("--runtime", runtime, RUNTIMES)
    if weights is not None:
        check_regular_file(weights)
    check_weights(network_of(model), weights)


def load_model(
    family: str, *, weights: Path | None, device: str, threads: int | None, wanted: Wanted | None = None
) -> Model:
    """Load a family's networks onto a device.

    Args:
        family: A name in `mattekit.models.FAMILIES`.
        weights: Their file, or None for the carried ones.
        device: As on the command line.
        threads: How many an operation may use; None leaves torch's own choice.
        wanted: What is wanted of a family that can choose it.

    Raises:
        InputError: This machine has no such device.
        WeightsError: The weights are not exactly the family's.
    """
    from mattekit.models import load

    place = choose_device(device)
    set_threads(threads)
    if wanted is None:
        return load(family, weights=weights, device=place)
    return load(family, weights=weights, device=place, wanted=wanted)
