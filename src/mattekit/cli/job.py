"""One run of the main job, all that it takes, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.backdrop import Backdrop
from mattekit.cli.keyframes import KeySource
from mattekit.media import Style
from mattekit.media.reader import chunk_length
from mattekit.media.style import DEFAULT
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from mattekit.engine.finish_settings import Finish


@dataclass(frozen=True)
class Job:
    """One run of the main job, all of it checked.

    Attributes:
        clip: What is matted.
        keys: The user's trimaps and masks by frame.
        outputs: Path by what it shows.
        span: First frame and one past the last.
        band: Reach of the unknown around a mask's edge in px.
        backdrop: What composites are laid over.
        overwrite: Whether outputs that stand there are replaced.
        chunk: Frames handed on at once; None chooses by their size.
        style: How outputs are written.
        cuts: Numbers of the frames that begin a new scene.
        finish: What is done to alpha and colour at the end; None changes nothing.
        working_size: Px of the long side at which a network works that can choose it; None leaves it to the network.
        guided_by: Files that maps of people come from, where the network needs some and a user named them.
    """

    clip: ClipInfo
    keys: dict[int, KeySource]
    outputs: Mapping[str, Path]
    span: tuple[int, int]
    band: int
    backdrop: Backdrop | None = None
    overwrite: bool = False
    chunk: int | None = None
    style: Style = DEFAULT
    cuts: tuple[int, ...] = ()
    finish: Finish | None = None
    working_size: int | None = None
    guided_by: tuple[Path, ...] = ()

    @property
    def length(self) -> int:
        """Frames handed on at once."""
        return self.chunk or chunk_length(self.clip.size)
