"""Where networks run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mattekit.checks import InputError, check_choice

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
RUNTIMES = ("auto", "torch")


def choose_device(name: str) -> torch.device:
    """Return a device; "auto" takes the first of CUDA, MPS and CPU that is there.

    Raises:
        InputError: The name is not known, or this machine has no such device.
    """
    import torch

    check_choice("--device", name, DEVICES)
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there[name]:
        raise InputError(f"--device must be there; this machine has no {name}; use --device cpu or leave it out")
    return torch.device(name)


def set_threads(count: int | None) -> None:
    """Set how many threads one operation may use; None leaves torch's own choice."""
    if count is not None:
        import torch

        torch.set_num_threads(count)
