"""Maps of how likely each pixel is of a person: from a network or from the user, and made steady along the motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mattekit.checks import InputError, WeightsError, check_rank
from mattekit.models import check_weights
from mattekit.models.person import deeplab
from mattekit.models.person.segmenter import FAMILY as SEGMENTER
from mattekit.models.person.segmenter import load_segmenter
from mattekit.ops.flow import find_flow
from mattekit.ops.resize import resize, size_within
from mattekit.ops.smooth_maps import LEAST, WEIGHTS, belief, fetched
from mattekit.types import Matter, State
from mattekit.weights.contents import read_family

WORKING_SIZE = 520
"""Px of the long side at which people are looked for and motion is found; smaller frames are taken as they are."""

REACH = len(WEIGHTS)
"""Frames to each side that a map is steadied by."""


class Segmented:
    """Maps by a network that looks at each frame by itself. A `mattekit.types.Matter` whose alpha is the map.

    Args:
        segment: Takes frames (N, 3, h, w) in [0, 1], no side above `WORKING_SIZE`, and returns maps (N, 1, h, w).
    """

    needs_trimap = False
    context = 0

    def __init__(self, segment: Callable[[Tensor], Tensor]) -> None:
        self._segment = segment

    @torch.inference_mode()
    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, None, State]:
        """Return the maps (T, 1, H, W) in [0, 1] of frames (T, 3, H, W); nothing is remembered."""
        check_rank("frames", frames, "T 3 H W")
        if len(frames) == 0:
            return frames[:, :1], None, None
        size = (frames.shape[-2], frames.shape[-1])
        maps = self._segment(resize(frames, size_within(size, WORKING_SIZE)))
        return resize(maps, size, mode="bilinear").clamp(0, 1), None, None


class Given:
    """Maps that the user has, asked for by the number of their frame. A `mattekit.types.Matter` whose alpha is the map.

    Args:
        map_at: Returns the map (1, H, W) in [0, 1] of a frame; called once for each, in increasing order.
    """

    needs_trimap = False
    context = 0

    def __init__(self, map_at: Callable[[int], Tensor]) -> None:
        self._map_at = map_at

    def begin(self, number: int) -> int:
        """Return the state before the frame of a number."""
        return number

    def step(self, frames: Tensor, trimap: Tensor | None, state: int | None) -> tuple[Tensor, None, State]:
        """Return the maps (T, 1, H, W) of the next frames (T, 3, H, W), and the number of the frame after them.

        Raises:
            InputError: A map has another size than its frame.
        """
        check_rank("frames", frames, "T 3 H W")
        if len(frames) == 0:
            return frames[:, :1], None, None
        first = state or 0
        maps = torch.stack([self._map_at(number).to(frames) for number in range(first, first + len(frames))])
        if maps.shape[-2:] != frames.shape[-2:]:
            sizes = f"{tuple(frames.shape[-2:])}; got {tuple(maps.shape[-2:])}"
            raise InputError(f"maps of people must have the clip's size (height, width) {sizes}: resize them")
        return maps, None, first + len(frames)


@dataclass(frozen=True)
class Place:
    """A frame that others are still to be compared with.

    Attributes:
        frame: (3, h, w) in [0, 1], at the working size.
        map: (1, h, w) in [0, 1], as it came.
        total: (1, h, w), the weighted sum of its own map and those fetched so far.
        weight: (1, h, w), the sum of the weights.
        begins: Whether it begins a scene, so that no frame after it is compared with one before it.
    """

    frame: Tensor
    map: Tensor
    total: Tensor
    weight: Tensor
    begins: bool


@dataclass(frozen=True)
class Held:
    """The state of one clip.

    Attributes:
        size: (height, width) of its frames.
        source: The state of what makes the maps.
        places: The last frames, `REACH` at most.
    """

    size: tuple[int, int]
    source: State
    places: tuple[Place, ...]


class Smoothed:
    """Maps of another source, made steady along the motion. A `mattekit.types.Matter` whose alpha is the map.

    ``A_t = (P_t + sum_j w_j c_j W(P_j)) / (1 + sum_j w_j c_j)`` over up to `REACH` frames to each side, in which W
    fetches along the motion and c is how far that is believed, pixel by pixel. Nothing comes from another scene: the
    caller begins anew at the cuts that it knows of, and a frame whose motion is hardly believed anywhere begins one.

    Args:
        source: Makes the maps, without delay.
        causal: Whether frames to come are left out; maps then come at once.
        method: How motion is found, as for `mattekit.ops.flow.find_flow`.
    """

    needs_trimap = False

    def __init__(self, source: Matter, *, causal: bool = False, method: str = "dis") -> None:
        if source.context:
            raise InputError(f"what is steadied must come without delay; got a source {source.context} frames late")
        self.context = 0 if causal else REACH
        self._source, self._causal, self._method = source, causal, method

    def begin(self, number: int) -> Held | None:
        """Return the state before the frame of a number, for sources that are asked by number."""
        begin = getattr(self._source, "begin", None)
        return None if begin is None else Held((0, 0), begin(number), ())

    @torch.inference_mode()
    def step(self, frames: Tensor, trimap: Tensor | None, state: Held | None) -> tuple[Tensor, None, Held | None]:
        """Take the next frames and return the maps that are ready.

        Args:
            frames: (T, 3, H, W) in [0, 1]; T = 0 ends the clip and brings the last ``context`` maps.
            trimap: Not looked at.
            state: What the last call returned; None begins a clip.

        Returns:
            Maps (S, 1, H, W) in [0, 1] of the next S frames in order, None, and the new state.

        Raises:
            InputError: Another shape than before.
        """
        check_rank("frames", frames, "T 3 H W")
        size = (frames.shape[-2], frames.shape[-1])
        places = () if state is None else state.places
        if state is not None and places and state.size != size:
            raise InputError(f"all frames of a clip must have one size; got {size} after {state.size}")
        if len(frames) == 0:
            return self._maps(() if self._causal else places, frames), None, None
        within = size_within(size, WORKING_SIZE)
        found, _, source = self._source.step(frames, None, None if state is None else state.source)
        small, maps = resize(frames, within), resize(found, within)
        ready: list[Place] = []
        for frame, map_ in zip(small, maps, strict=True):
            places, done = self._take(places, frame, map_)
            ready += done
        return self._maps(ready, frames), None, Held(size, source, places)

    def _take(
        self, places: tuple[Place, ...], frame: Tensor, map_: Tensor
    ) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Return the last places once another frame came, and those that are ready."""
        new = Place(frame, map_, map_, torch.ones_like(map_), not places)
        earlier = list(places)
        for away, weight in enumerate(WEIGHTS, start=1):
            if away > len(earlier) or new.begins or any(place.begins for place in earlier[len(earlier) - away + 1 :]):
                break
            old = earlier[-away]
            frames = torch.stack((old.frame, frame))
            flows = find_flow(old.frame, frame, method=self._method)
            believed = belief(frames, flows)
            if away == 1 and float(believed.mean()) < LEAST:
                new = replace(new, begins=True)
                break
            share = weight * believed
            brought = share * fetched(torch.stack((old.map, map_)), flows)
            earlier[-away] = replace(old, total=old.total + brought[0], weight=old.weight + share[0])
            new = replace(new, total=new.total + brought[1], weight=new.weight + share[1])
        all_places = (*earlier, new)
        over = max(0, len(all_places) - REACH)
        return all_places[over:], (new,) if self._causal else all_places[:over]

    def _maps(self, places: Sequence[Place], like: Tensor) -> Tensor:
        """Return the maps (S, 1, H, W) of places that are ready, at the size of frames."""
        if not places:
            return like.new_zeros(0, 1, *like.shape[-2:])
        maps = torch.stack([place.total / place.weight for place in places])
        return resize(maps, (like.shape[-2], like.shape[-1]), mode="bilinear").clamp(0, 1)


def load_prior(weights: Path | None = None, *, device: torch.device | str = "cpu") -> Segmented:
    """Return what makes maps of people of single frames.

    Args:
        weights: A safetensors file of the small segmenter or of DeepLabV3, as its metadata say; None takes the small
            segmenter that the package carries.
        device: Where the network runs.

    Raises:
        WeightsError: The file is of another family, or not exactly what the network needs, or none is carried.
    """
    check_weights("prior", weights)
    family = SEGMENTER if weights is None else read_family(weights)
    if family == deeplab.FAMILY and weights is not None:
        return Segmented(deeplab.load_deeplab(weights, device))
    if family != SEGMENTER:
        known = f"{SEGMENTER} or {deeplab.FAMILY}"
        raise WeightsError(f"weights that find people must be of family {known}; {weights} names {family!r}")
    network = load_segmenter(weights, device)
    return Segmented(lambda frames: network(frames).sigmoid())
