"""Where maps of people come from: the carried network, weights that a user names, or maps that a user has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli.brought import Brought, find_alpha, read_alphas
from mattekit.cli.device import choose_device
from mattekit.media.paths import check_regular_file
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.types import Matter

WEIGHTS_SUFFIX = ".safetensors"

Prior = Annotated[
    Path | None,
    typer.Option(
        metavar="MAPS|WEIGHTS",
        help="Where people are: maps (a folder or video), or .safetensors of a network that finds them.",
    ),
]


@dataclass(frozen=True)
class Guide:
    """Where maps of people come from, found and checked.

    Attributes:
        weights: Of a network that makes them; None is the carried one.
        maps: Those that the user has, in place of a network.
        span: First frame and one past the last that are asked for.
    """

    weights: Path | None
    maps: Brought | None
    span: tuple[int, int]

    @property
    def files(self) -> list[Path]:
        """Files that are read and must not be written to."""
        if self.maps is not None:
            return list(self.maps.clip.files or (self.maps.clip.path,))
        return [] if self.weights is None else [self.weights]


def find_guide(prior: Path | None, clip: ClipInfo, span: tuple[int, int]) -> Guide:
    """Return where maps of people come from, or raise before anything is computed.

    Args:
        prior: As given: a folder, a video or a picture of maps, a weights file, or None for the carried network.
        clip: What they belong to.
        span: First frame and one past the last.

    Raises:
        InputError: Maps have another size or count of frames than the clip.
        MediaError: A file is missing or cannot be read.
        WeightsError: None is given, and the package carries no network that finds people.
    """
    if prior is not None and prior.suffix.lower() != WEIGHTS_SUFFIX:
        return Guide(None, find_alpha(prior, clip, span, what="maps"), span)
    if prior is not None:
        check_regular_file(prior)
    from mattekit.models import check_weights

    check_weights("prior", prior)
    return Guide(prior, None, span)


def open_guide(
    guide: Guide,
    *,
    device: str,
    smooth: bool | None = None,
    causal: bool = False,
    method: str = "dis",
    size: tuple[int, int] | None = None,
) -> Matter:
    """Return what makes the maps, a matter whose alpha they are.

    Args:
        guide: From `find_guide`.
        device: Where a network runs, as on the command line.
        smooth: Whether maps are steadied along the motion; None steadies those of a network and leaves a user's.
        causal: Whether frames to come are left out of that.
        method: How motion is found.
        size: (height, width) of the frames that it will be given, where that is not the clip's.

    Raises:
        WeightsError: Weights are not what a network that finds people needs.
    """
    from mattekit.models.person.prior import Given, Smoothed, load_prior

    source: Matter
    if guide.maps is None:
        source = load_prior(guide.weights, device=choose_device(device))
    else:
        source = Given(MapReader(guide.maps, guide.span, size=size).at)
    steadied = guide.maps is None if smooth is None else smooth
    return Smoothed(source, causal=causal, method=method) if steadied else source


class MapReader:
    """Reads the maps of frames that are asked for in increasing order.

    Args:
        maps: From `find_alpha`.
        span: First frame that may be asked for, and one past the last.
        size: (height, width) that they are resized to, or None.
    """

    def __init__(self, maps: Brought, span: tuple[int, int], *, size: tuple[int, int] | None = None) -> None:
        self._maps, self._span, self._size = maps, span, size
        self._read: Iterator[tuple[int, Tensor]] | None = None

    def at(self, number: int) -> Tensor:
        """Return the map (1, H, W) in [0, 1] of a frame.

        Raises:
            InputError: The frame has none, or one that precedes those asked for before.
            MediaError: A map is damaged.
        """
        if self._read is None:
            first, end = self._span
            self._read = zip(range(first, end), read_alphas(self._maps, end - first), strict=False)
        for found, plane in self._read:
            if found == number:
                return plane if self._size is None else _resized(plane, self._size)
        raise InputError(f"every frame must have a map, asked for in increasing order; frame {number} has none left")


def _resized(plane: Tensor, size: tuple[int, int]) -> Tensor:
    from mattekit.ops import resize

    return resize(plane, size)
