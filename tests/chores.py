"""Work for workers: functions that a process of its own, or Ray, can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mattekit.checks import InputError, MattekitError


class Unheard(Exception):
    """Cannot be pickled and read back: it takes two arguments and keeps one."""

    def __init__(self, text: str, other: str) -> None:
        super().__init__(text)
        self.other = (other, lambda: None)


class Mute(Exception):
    """Has no text, not even on request."""

    def __str__(self) -> str:
        raise ValueError("no text")


def square(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"square": arguments["number"] ** 2}


def nap(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Sleep, and tell when and where; the clock is one for all processes of a machine."""
    started = time.monotonic()
    time.sleep(arguments["seconds"])
    return {"started": started, "ended": time.monotonic(), "process": os.getpid()}


def meet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until so many tasks are at work at once."""
    (Path(arguments["folder"]) / f"{arguments['number']}.here").touch()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        met = sorted(int(mark.stem) for mark in Path(arguments["folder"]).glob("*.here"))
        if len(met) == arguments["guests"]:
            return {"met": met}
        time.sleep(0.01)
    raise TimeoutError("nobody came")


def threads(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"threads": os.environ.get("OMP_NUM_THREADS"), "process": os.getpid()}


def _tries(folder: str, name: str) -> int:
    """Count this attempt in a file, and return how many there were with it."""
    with (Path(folder) / f"{name}.tries").open("a") as file:
        file.write("x")
    return (Path(folder) / f"{name}.tries").stat().st_size


def stumble(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Fail in the way asked for, as often as asked for; then square the number."""
    if _tries(arguments["folder"], str(arguments["number"])) <= arguments.get("times", 0):
        fall(arguments["way"])
    return square(arguments)


def fall(way: str) -> None:
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    if way == "refused":
        raise InputError("the source must be there; got nothing")
    if way == "fault":
        raise MattekitError("the file must be whole;\nit is not")
    if way == "unheard":
        raise Unheard("no one knows me", "elsewhere")
    if way == "mute":
        raise Mute
    if way == "exit":
        sys.exit("enough")
    raise ValueError(f"no way is called {way}")


def give(arguments: Mapping[str, Any]) -> Any:
    """Return what is no result."""
    return {"list": [1, 2], "path": {"path": Path("here")}, "function": {"function": give}}[arguments["what"]]


def linger(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Work frame by frame; a file tells of it, and that it was tidied up on any way out but a sudden death."""
    mark = Path(arguments["folder"]) / f"{os.getpid()}.busy"
    mark.touch()
    try:
        for _ in range(round(arguments["seconds"] / 0.05)):
            time.sleep(0.05)
    finally:
        mark.rename(mark.with_suffix(".clean"))
    return {}
