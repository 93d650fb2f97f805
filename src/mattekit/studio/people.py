"""Trimaps of people, made as `mattekit matte --model auto` makes them, for one frame that the user names."""

from __future__ import annotations

import torch

from mattekit.checks import InputError, WeightsError
from mattekit.engine import stream
from mattekit.models import check_weights
from mattekit.models.person import carried_prior
from mattekit.models.person.prior import WORKING_SIZE
from mattekit.ops.graph_cut import cut_map
from mattekit.ops.people import judge_map, trimap_from_map
from mattekit.ops.resize import resize, size_within
from mattekit.studio.board import Board
from mattekit.studio.near import NearFrames
from mattekit.studio.pictures import Packed, pack
from mattekit.types import Chunk, Matter


class PeopleFinder:
    """Finds people in frames of a clip; its network is loaded when the first is asked for.

    Args:
        frames: The clip's.
        board: Knows its cuts.
        device: Where the network runs.
    """

    def __init__(self, frames: NearFrames, board: Board, device: torch.device) -> None:
        self._frames, self._board, self._device = frames, board, device
        self._prior: Matter | None = None

    @property
    def is_there(self) -> bool:
        """Whether the package carries the network."""
        try:
            check_weights("prior", None)
        except WeightsError:
            return False
        return True

    def trimap(self, number: int) -> Packed:
        """Return the trimap of the people in a frame, of 0, 128 and 255, from the frame and those around it.

        Raises:
            InputError: Nobody is there.
            WeightsError: The package carries no network that finds people.
        """
        self._prior = self._prior or carried_prior(self._device)
        first, end = self._board.scene(number)
        near = range(max(first, number - self._prior.context), min(end, number + self._prior.context + 1))
        size = size_within(self._board.size, WORKING_SIZE)
        small = torch.stack([resize(self._frames.tensor(frame), size) for frame in near])
        mattes = stream.predict([Chunk(near.start, torch.tensor(list(near)), small)], self._prior)
        place = number - near.start
        found = torch.cat([matte.alpha for matte in mattes])[place].cpu()
        if judge_map(found).is_empty:
            raise InputError("a person must be in the frame; none was found: draw a box around the subject")
        trimap = trimap_from_map(found, self._board.size, mask=cut_map(small[place].cpu(), found))
        return pack((trimap[0] * 255).round().to(torch.uint8).numpy())
