"""`mattekit studio`: draw trimaps, carry them on, correct and export, in a page of the browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice
from mattekit.cli import options
from mattekit.cli.device import DEVICES
from mattekit.media import show_path
from mattekit.media.paths import check_regular_file

if TYPE_CHECKING:
    from mattekit.studio.session import Session

EXTRA = ("fastapi", "uvicorn", "websockets")
PROJECT = ".mattekit"


def studio(
    clips: Annotated[
        list[Path],
        typer.Argument(metavar="CLIP", help="Video, folder of images, or project NAME.mattekit; repeatable."),
    ],
    *,
    project: Annotated[
        Path | None, typer.Option(help="Project to open or begin; CLIPNAME.mattekit here unless given.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for exports; CLIPNAME-studio here unless given.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to answer at; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address of this machine to answer at.")] = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link, and open no browser.")] = False,
    weights: options.Weights = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:
    """Draw and correct trimaps in a page of the browser, see the matte at once, and export it.

    It prints a link for each clip, which opens its page once, and answers until Ctrl-C. What is unsaved then is saved.
    """
    check_choice("--device", device, DEVICES)
    if weights is not None:
        check_regular_file(weights)
    places = _places(clips, project=project, output=output)
    _check_extra()
    from mattekit.studio.access import Entrance
    from mattekit.studio.server import listen, make_app, origins_of, serve
    from mattekit.studio.session import Session

    with ExitStack() as stack:
        door = stack.enter_context(listen(host, port))
        sessions: list[Session] = []
        for place in places:
            session = Session.open(
                place.clip,
                project=place.project,
                output=place.output,
                weights=weights,
                device=device,
                threads=threads,
            )
            stack.callback(session.close)
            sessions.append(session)
        origins = origins_of(door)
        entrances = [Entrance(session) for session in sessions]
        app = make_app(entrances, origins=origins)
        links = [entrance.link(origins[0]) for entrance in entrances]
        serve(app, door, begun=partial(_invite, places, links, local=len(origins) > 1, show=not no_browser))
        _save(sessions)


@dataclass(frozen=True)
class _Place:
    """A clip, or None for the one that its project names, its project, and the folder of its exports."""

    clip: Path | None
    project: Path
    output: Path


def _places(clips: Sequence[Path], *, project: Path | None, output: Path | None) -> list[_Place]:
    if project is not None and len(clips) > 1:
        raise InputError(
            f"--project must go with one CLIP; got {len(clips)} clips; leave it out, or open them one by one"
        )
    places = []
    for clip in clips:
        whole = Path(os.path.abspath(clip))
        named = whole.suffix == PROJECT and whole.is_dir()
        if named and project is not None:
            raise InputError(
                f"--project must go with a clip; got the project {show_path(clip)} beside it; leave one out"
            )
        name = whole.name if whole.is_dir() and not named else whole.stem
        own = whole if named else Path(f"{name}{PROJECT}") if project is None else project
        folder = Path(f"{name}-studio") if output is None else output if len(clips) == 1 else output / name
        places.append(_Place(None if named else clip, Path(os.path.abspath(own)), Path(os.path.abspath(folder))))
    projects = [place.project for place in places]
    twice = next((path for path in projects if projects.count(path) > 1), None)
    if twice is not None:
        raise InputError(
            f"each clip must have a project of its own; two would share {twice.name}; open them one by one"
        )
    return places


def _check_extra() -> None:
    """Raise unless the libraries of the server are installed."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the studio must have its libraries; {', '.join(missing)} not installed: pip install 'mattekit[studio]'"
        )


def _invite(places: Sequence[_Place], links: Sequence[str], *, local: bool, show: bool) -> None:
    """Print the links, and open them where there is a browser to see."""
    for place, link in zip(places, links, strict=True):
        name = place.project.stem if place.clip is None else Path(os.path.abspath(place.clip)).name
        print(f"{show_path(name)}: {link}" if len(links) > 1 else link, flush=True)
    if not local:
        print("mattekit: other machines can reach this address, and the way to them is not encrypted", file=sys.stderr)
    print("mattekit: the studio is open; Ctrl-C ends it", file=sys.stderr, flush=True)
    if show and _has_screen():
        for link in links:
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def _has_screen() -> bool:
    """Return whether a browser would open in a window of its own, and not in the terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _save(sessions: Sequence[Session]) -> None:
    """Save what is unsaved, all of it that can be.

    Raises:
        InputError: One could not be saved.
    """
    wrong: list[InputError] = []
    for session in sessions:
        try:
            if not session.saved:
                print(f"mattekit: saved {show_path(session.save())}", file=sys.stderr)
        except InputError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]
