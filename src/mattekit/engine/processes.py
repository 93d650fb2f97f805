"""One process or many that train one network: who draws which clips, whose gradients are averaged, who writes."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from mattekit.checks import InputError

if TYPE_CHECKING:
    from accelerate import Accelerator


class Processes(Protocol):
    """What a training step asks of the processes it runs in."""

    count: int
    rank: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return a module whose backward passes average the gradients over all processes."""

    def apart(self, module: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Return a context in which gradients of a wrapped module stay apart unless this part of a step is the last."""

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of a tensor."""

    def wait(self) -> None:
        """Go on when all processes have come here."""

    def close(self) -> None:
        """Part from the others."""


class Alone:
    """The only process.

    Args:
        device: Where the network is.
    """

    count, rank, is_main = 1, 0, True

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module."""
        return module

    def apart(self, module: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Return a context that does nothing."""
        return nullcontext()

    def mean(self, values: Tensor) -> Tensor:
        """Return the values."""
        return values

    def wait(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Part from nobody."""


class Together:
    """One of several processes, on one machine or many, joined by Accelerate.

    Args:
        accelerator: Knows the others.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self.count: int = accelerator.num_processes
        self.rank: int = accelerator.process_index
        own: torch.device = accelerator.device
        self.device = torch.device("cpu") if own.type == "cpu" else own  # there is no second one to number

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return a module whose backward passes average the gradients over all processes."""
        wrapped: nn.Module = self._accelerator.prepare_model(module)
        return wrapped

    def apart(self, module: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Return a context in which gradients stay apart unless this part of a step is the last."""
        return nullcontext() if last else self._accelerator.no_sync(module)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of a tensor."""
        reduced: Tensor = self._accelerator.reduce(values, reduction="mean")
        return reduced

    def wait(self) -> None:
        """Go on when all processes have come here."""
        self._accelerator.wait_for_everyone()

    def close(self) -> None:
        """Part from the others, when all have come here."""
        self._accelerator.wait_for_everyone()
        self._accelerator.end_training()


def open_processes(device: torch.device) -> Processes:
    """Join the processes that torchrun started, or be alone.

    Args:
        device: The kind of device to train on; of several GPUs each process takes its own.

    Raises:
        InputError: There are several processes and Accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return Alone(device)
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs
    except ImportError as error:
        raise InputError(
            "several processes must be joined by Accelerate; it is not installed: pip install 'mattekit[train]'"
        ) from error
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=True)  # a stage may leave a part of a network out
    return Together(Accelerator(cpu=device.type == "cpu", mixed_precision="no", kwargs_handlers=[kwargs]))
