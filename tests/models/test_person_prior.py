"""Maps of people made steady: less noise, no lag, no leak over a cut, streaming; and maps that the user gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import narrow
import walkers
from mattekit.checks import InputError, WeightsError
from mattekit.models.person import prior
from mattekit.models.person.prior import Given, Segmented, Smoothed, load_prior
from mattekit.types import Matter, State


class Listed:
    """Gives maps by the order of the frames, whatever these show."""

    needs_trimap = False
    context = 0

    def __init__(self, maps: Tensor) -> None:
        self._maps = maps

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, None, State]:
        first = state or 0
        return self._maps[first : first + len(frames)], None, first + len(frames)


def run(source: Matter, frames: Tensor, chunk: int = 1) -> Tensor:
    state, found = None, []
    for piece in frames.split(chunk):
        maps, _, state = source.step(piece, None, state)
        found.append(maps)
    return torch.cat([*found, source.step(frames[:0], None, state)[0]])


@pytest.fixture(scope="module")
def walk() -> tuple[Tensor, Tensor]:
    """Frames of a textured disc that walks, and its true map."""
    frames, alpha, _ = walkers.walking_disc(12)
    return frames, alpha


def noisy(alpha: Tensor) -> Tensor:
    """Return maps that each err by themselves, far enough from 0 and 1 that errors are not cut off there."""
    return alpha + 0.1 * torch.randn(alpha.shape, generator=torch.Generator().manual_seed(3)).clamp(-2, 2)


def test_maps_that_err_each_by_themselves_come_nearer_to_the_truth_and_flicker_less(
    walk: tuple[Tensor, Tensor],
) -> None:
    frames, alpha = walk[0], 0.3 + 0.4 * walk[1]
    maps = noisy(alpha)
    raw = float((maps - alpha).abs().mean())
    for options in ({}, {"causal": True}, {"method": "farneback"}):
        found = run(Smoothed(Listed(maps), **options), frames)
        assert float((found - alpha).abs().mean()) < 0.8 * raw
        assert float(found.diff(dim=0).abs().mean()) < 0.75 * float(maps.diff(dim=0).abs().mean())


def test_true_maps_of_a_moving_subject_stay_and_do_not_lag(walk: tuple[Tensor, Tensor]) -> None:
    frames, alpha = walk
    found = run(Smoothed(Listed(alpha)), frames)
    assert float((found - alpha).abs().mean()) < 0.01
    assert float((found - alpha).abs().mean()) < 0.3 * float((alpha[1:] - alpha[:-1]).abs().mean())


def test_the_mean_of_frames_that_stand_still_is_weighted_as_said() -> None:
    frames = torch.full((5, 3, 20, 20), 0.5)
    maps = torch.zeros(5, 1, 20, 20)
    maps[2] = 1
    found = run(Smoothed(Listed(maps)), frames)[:, 0, 10, 10]
    torch.testing.assert_close(found, torch.tensor([0.25 / 1.75, 0.5 / 2.25, 1 / 2.5, 0.5 / 2.25, 0.25 / 1.75]))
    causal = run(Smoothed(Listed(maps), causal=True), frames)[:, 0, 10, 10]
    torch.testing.assert_close(causal, torch.tensor([0, 0, 1 / 1.75, 0.5 / 1.75, 0.25 / 1.75]))


def test_nothing_comes_over_a_cut_even_one_that_nobody_told_of(walk: tuple[Tensor, Tensor]) -> None:
    frames, alpha = walk
    cut = torch.cat((frames[:4], 1 - frames[4:].flip(-1).flip(-2)))
    maps = torch.cat((torch.zeros_like(alpha[:4]), torch.ones_like(alpha[4:])))
    found = run(Smoothed(Listed(maps)), cut)
    assert float(found[:4].max()) == 0 and float(found[4:].min()) > 1 - 1e-6


@pytest.mark.parametrize("causal", [False, True])
def test_chunks_of_1_3_and_8_give_the_same_maps_and_come_as_late_as_said(
    walk: tuple[Tensor, Tensor], causal: bool
) -> None:
    frames, alpha = walk
    source = Smoothed(Listed(noisy(alpha)), causal=causal)
    one, three, eight = (run(source, frames, chunk) for chunk in (1, 3, 8))
    assert len(one) == len(frames) and bool((one == three).all()) and bool((one == eight).all())
    assert len(source.step(frames[:7], None, None)[0]) == 7 - source.context == (7 if causal else 5)


def test_what_is_remembered_has_a_fixed_size(walk: tuple[Tensor, Tensor]) -> None:
    frames, alpha = walk
    source, state, sizes = Smoothed(Listed(alpha)), None, []
    for frame in frames.split(1):
        _, _, state = source.step(frame, None, state)
        assert state is not None
        sizes.append(sum(each.numel() for place in state.places for each in (place.frame, place.map, place.total)))
    assert len(set(sizes[2:])) == 1


def test_large_frames_are_looked_at_small_and_maps_have_the_size_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior, "WORKING_SIZE", 32)
    seen: list[tuple[int, ...]] = []

    def segment(frames: Tensor) -> Tensor:
        seen.append(tuple(frames.shape))
        return frames[:, :1]

    frames = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    for source in (Segmented(segment), Smoothed(Segmented(segment))):
        assert run(source, frames, 2).shape == (2, 1, 48, 64)
    assert seen == [(2, 3, 24, 32)] * 2


def test_given_maps_are_asked_for_by_the_number_of_their_frame() -> None:
    asked: list[int] = []

    def map_at(number: int) -> Tensor:
        asked.append(number)
        return torch.full((1, 4, 6), number / 100)

    source, frames = Given(map_at), torch.zeros(3, 3, 4, 6)
    maps, _, state = source.step(frames, None, source.begin(40))
    assert maps[:, 0, 0, 0].tolist() == pytest.approx([0.4, 0.41, 0.42]) and state == 43
    steadied = Smoothed(source)
    state = steadied.step(frames, None, steadied.begin(50))[2]
    assert len(steadied.step(frames[:0], None, state)[0]) == 2
    assert asked == [40, 41, 42, 50, 51, 52]
    with pytest.raises(InputError, match=r"must have the clip's size \(height, width\) \(4, 7\); got \(4, 6\)"):
        source.step(torch.zeros(1, 3, 4, 7), None, 0)


def test_a_size_that_changes_mid_clip_and_a_late_source_are_refused(walk: tuple[Tensor, Tensor]) -> None:
    frames, alpha = walk
    source = Smoothed(Listed(alpha))
    _, _, state = source.step(frames[:1], None, None)
    with pytest.raises(InputError, match="one size"):
        source.step(frames[:1, :, :16], None, state)
    with pytest.raises(InputError, match="without delay; got a source 2 frames late"):
        Smoothed(source)


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    path = narrow.write_release(tmp_path / "dvm.safetensors")
    with pytest.raises(WeightsError, match="family person-segmenter or deeplabv3-resnet101; .* names 'dvm-release'"):
        load_prior(path)
