"""The command itself: its verbs, its exit codes, and what is said when something goes wrong."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from types import FrameType
from typing import Annotated, NoReturn

import typer

from mattekit.checks import InputError, one_line

DONE, FAULT, USAGE, INTERRUPTED = 0, 1, 2, 130

VERBS = (
    "matte",
    "batch",
    "key",
    "finish",
    "propagate",
    "trimap",
    "prior",
    "compose",
    "evaluate",
    "inspect",
    "studio",
    "demo",
    "train",
    "data",
    "weights",
)
"""In the order of the help. Each is a module of this package with a function, or an app of its own, to match."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"mattekit {version('mattekit')}")
        raise typer.Exit


def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program an error came from.")] = False,
) -> None:
    """Video in, matte out: alpha, straight foreground colour and composite from a clip and a key-frame trimap."""


def _build(given: Sequence[str]) -> typer.Typer:
    """Return the command with the verb that is asked for, or with all of them.

    Other verbs are not even imported, so that training runs where no media can be decoded.
    """
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["--help", "-h"]}
    )
    app.callback()(_options)
    wanted = next((argument for argument in given if not argument.startswith("-")), "")
    for verb in (wanted,) if wanted in VERBS else VERBS:
        module = import_module(f"mattekit.cli.{verb}")
        if isinstance(group := getattr(module, "app", None), typer.Typer):
            app.add_typer(group, name=verb)
        else:
            app.command(verb)(getattr(module, verb))
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        0 done, 2 bad input or usage, 1 a fault of ours, 130 interrupted. Errors are one line on stderr.
    """
    given, debug = _take_debug(sys.argv[1:] if arguments is None else list(arguments))
    heard: list[int] = []
    try:
        with _stopped_by_signals(heard), warnings.catch_warnings():
            hush_libraries()
            result = _build(given)(given or ["--help"], prog_name="mattekit", standalone_mode=False)
        if result == INTERRUPTED:  # what typer makes of an interrupt
            raise KeyboardInterrupt
        return result if isinstance(result, int) else DONE
    except (KeyboardInterrupt, typer.Abort):
        return _tell_interrupted()
    except Exception as error:
        if heard:  # a library may have made an error of its own of it
            return _tell_interrupted()
        if debug:
            traceback.print_exc()
        code, message = _explain(error)
        print(f"mattekit: {one_line(message)}", file=sys.stderr)
        return code


def hush_libraries() -> None:
    """Leave out what a library of pictures grumbles about; what is wrong with a file is said in one line."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _tell_interrupted() -> int:
    print("mattekit: interrupted", file=sys.stderr)
    return INTERRUPTED


def _take_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Return the arguments without ``--debug``, which may stand anywhere before ``--``, and whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return options + arguments[end:], len(options) < end


def _explain(error: Exception) -> tuple[int, str]:
    """Return the exit code and the line for an error.

    Usage errors are known by what they offer, since their class lives in another package from one release of typer to
    the next.
    """
    format_message = getattr(error, "format_message", None)
    if callable(format_message):
        return USAGE, str(format_message()).strip().rstrip(".")
    if isinstance(error, InputError):
        return USAGE, str(error)
    return FAULT, f"{_fault(error)}; run it again with --debug to see where"


def _fault(error: Exception) -> str:
    text = str(error)
    return text if text and type(error).__module__.startswith("mattekit") else f"{type(error).__name__}: {text}"


@contextmanager
def _stopped_by_signals(heard: list[int]) -> Iterator[None]:
    """Let a request to end interrupt the work as Ctrl-C does, so that temporary files are removed on the way out.

    Only the first request counts: a second one must not stop the cleaning up.

    Args:
        heard: Takes the number of the signal.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        heard.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
