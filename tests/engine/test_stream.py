"""The main job as generators: order, count, lag, the choice of the key frame, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest
import torch
from torch import Tensor

import scenes
from mattekit.checks import InputError, MattekitError
from mattekit.engine.keyframes import keyframes_around
from mattekit.engine.stream import complete, move, predict, propagate, write
from mattekit.types import Chunk, Matte, Propagated, State

SIZE = (4, 6)


def numbered(count: int, *, length: int = 3, start: int = 0, trimap: float | None = None) -> Iterator[Chunk]:
    """Yield chunks of frames whose every value is the frame's number / 100."""
    for first in range(start, start + count, length):
        numbers = torch.arange(first, min(first + length, start + count))
        frames = (numbers / 100).view(-1, 1, 1, 1).expand(-1, 3, *SIZE)
        known = None if trimap is None else torch.full((len(numbers), 1, *SIZE), trimap)
        yield Chunk(first, numbers * 7, frames, known)


class LateMatter:
    """Returns the mean of a frame and its neighbours as alpha, two frames late."""

    needs_trimap = True
    context = 2

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        means = frames.mean(dim=1, keepdim=True)
        seen, done = (means[:0], 0) if state is None else state
        seen = torch.cat((seen, means))
        ready = len(seen) if len(frames) == 0 else max(len(seen) - self.context, done)
        alphas = [seen[max(index - 2, 0) : index + 3].mean(dim=0) for index in range(done, ready)]
        return torch.stack(alphas) if alphas else means[:0], None, (seen, ready)


class FixedMatter:
    """Returns what it is told to, one for each frame, at once."""

    needs_trimap = False
    context = 0

    def __init__(self, value: float, *, extra: int = 0) -> None:
        self.value, self.extra = value, extra

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        count = max(len(frames) + self.extra, 0) if len(frames) else 0
        return torch.full((count, 1, *SIZE), self.value), None, None


class ToyPropagator:
    """Writes down what it is asked; the trimap of a frame is all 1 from an even key frame, all 0 from an odd one."""

    def __init__(self) -> None:
        self.encoded: list[int] = []
        self.used: list[tuple[int, list[int]]] = []
        self.states: list[tuple[int, int | None]] = []

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        self.encoded.append(number_of(frame))
        return self.encoded[-1]

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        number = number_of(frame)
        self.used.append((number, list(references)))
        self.states.append((number, state))
        return Propagated(torch.full((1, *SIZE), float(references[0] % 2 == 0)), number / 100, number)


def number_of(frame: Tensor) -> int:
    return round(float(frame.mean()) * 100)


class Keys:
    """Gives trimaps and pictures of key frames and writes down which were asked for."""

    def __init__(self) -> None:
        self.trimaps: list[int] = []
        self.frames: list[int] = []

    def trimap_at(self, index: int) -> Tensor:
        self.trimaps.append(index)
        return torch.full((1, *SIZE), 0.5)

    def frame_at(self, index: int) -> Tensor:
        self.frames.append(index)
        return torch.full((3, *SIZE), index / 100)


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.mattes: list[Matte] = []

    def write(self, matte: Matte) -> None:
        self.mattes.append(matte)


def run_propagate(
    count: int, indices: list[int], *, length: int = 3, start: int = 0, cuts: Sequence[int] = ()
) -> tuple[ToyPropagator, Keys]:
    propagator, keys = ToyPropagator(), Keys()
    chunks = numbered(count, length=length, start=start)
    given = propagate(chunks, propagator, indices=indices, trimap_at=keys.trimap_at, frame_at=keys.frame_at, cuts=cuts)
    starts = [chunk.start for chunk in given]
    assert starts == list(range(start, start + count, length))
    return propagator, keys


def alphas(count: int, length: int) -> Tensor:
    return torch.cat([matte.alpha for matte in predict(numbered(count, length=length, trimap=0.5), LateMatter())])


# propagate


def test_the_key_frames_around_a_frame_are_used_the_nearest_first_and_no_far_one() -> None:
    propagator, _ = run_propagate(11, [10, 0])
    near, both = [(n, [0]) for n in (1, 2)], [(n, [0, 10]) for n in (3, 4, 5)]
    assert propagator.used == [*near, *both, (6, [10, 0]), (7, [10, 0]), (8, [10]), (9, [10])]
    around = [keyframes_around([3, 8], frame) for frame in (0, 3, 5, 6, 99)]
    assert around == [[3], [3], [3, 8], [8, 3], [8]]


def test_the_state_goes_from_frame_to_frame_and_begins_anew_after_a_key_frame() -> None:
    propagator, _ = run_propagate(9, [0, 4])
    assert propagator.states == [(1, None), (2, 1), (3, 2), (5, None), (6, 5), (7, 6), (8, 7)]


def test_before_the_first_key_frame_every_frame_is_on_its_own() -> None:
    propagator, _ = run_propagate(4, [3])
    assert propagator.states == [(0, None), (1, None), (2, None)]


def test_nothing_is_carried_over_a_cut() -> None:
    propagator, _ = run_propagate(10, [0, 7], cuts=[5])
    assert propagator.used == [(n, [0]) for n in (1, 2, 3, 4)] + [(n, [7]) for n in (5, 6, 8, 9)]
    assert propagator.states == [(1, None), (2, 1), (3, 2), (4, 3), (5, None), (6, None), (8, None), (9, 8)]


def test_a_scene_without_key_frame_is_refused_by_its_frames() -> None:
    for cuts, message in (([4], "from frame 4 to the end"), ([4, 8], "from frame 4 to 7")):
        with pytest.raises(InputError, match=message):
            run_propagate(10, [0, 9] if len(cuts) > 1 else [0], cuts=cuts)


def test_the_confidence_of_every_carried_trimap_is_told() -> None:
    told: list[tuple[int, float]] = []
    keys = Keys()
    given = propagate(
        numbered(4),
        ToyPropagator(),
        indices=[1],
        trimap_at=keys.trimap_at,
        frame_at=keys.frame_at,
        watch=lambda number, confidence: told.append((number, confidence)),
    )
    assert len(list(given)) > 0
    assert told == [(0, 0.0), (2, 0.02), (3, 0.03)]


def test_key_frames_keep_the_users_trimap_untouched_and_others_get_the_propagators() -> None:
    keys = Keys()
    given = propagate(numbered(4), ToyPropagator(), indices=[2], trimap_at=keys.trimap_at, frame_at=keys.frame_at)
    trimap = torch.cat([chunk.trimap for chunk in given if chunk.trimap is not None])
    assert trimap[:, 0, 0, 0].tolist() == [1.0, 1.0, 0.5, 1.0]


def test_references_are_encoded_once_each_and_only_when_needed() -> None:
    propagator, keys = run_propagate(12, [0, 4, 5, 6, 11])
    assert propagator.encoded == [0, 4, 6, 11]
    assert keys.trimaps == [0, 4, 5, 6, 11]


def test_only_pictures_of_key_frames_still_to_come_are_asked_for() -> None:
    _, keys = run_propagate(12, [0, 4, 11])
    assert keys.frames == [4, 11]


def test_key_frames_too_far_outside_the_range_are_never_touched() -> None:
    _, keys = run_propagate(5, [0, 50, 103, 400], start=100)
    assert (keys.trimaps, keys.frames) == ([103], [103])


def test_full_trimaps_need_no_propagator_and_no_picture() -> None:
    keys = Keys()
    given = propagate(numbered(7), None, indices=list(range(7)), trimap_at=keys.trimap_at, frame_at=keys.frame_at)
    assert sum(len(chunk) for chunk in given) == 7
    assert (keys.trimaps, keys.frames) == (list(range(7)), [])


@pytest.mark.parametrize("length", [1, 2, 5, 100])
def test_the_length_of_a_chunk_changes_no_choice_of_key_frame(length: int) -> None:
    assert run_propagate(12, [2, 7], length=length)[0].used == run_propagate(12, [2, 7])[0].used


def test_a_frame_without_trimap_and_without_propagator_is_refused_by_its_number() -> None:
    keys = Keys()
    given = propagate(numbered(3), None, indices=[0], trimap_at=keys.trimap_at, frame_at=keys.frame_at)
    with pytest.raises(InputError, match="frame 1 has none"):
        list(given)


def test_no_key_frame_at_all_is_refused() -> None:
    keys = Keys()
    with pytest.raises(InputError, match="at least one key frame"):
        list(propagate(numbered(3), ToyPropagator(), indices=[], trimap_at=keys.trimap_at, frame_at=keys.frame_at))


@pytest.mark.parametrize(
    ("trimap", "message"), [(torch.zeros(1, 4, 5), "one size"), (torch.full((1, *SIZE), 0.3), "0, 0.5 and 1")]
)
def test_a_trimap_of_another_size_or_with_other_values_is_refused(trimap: Tensor, message: str) -> None:
    given = propagate(
        numbered(3), ToyPropagator(), indices=[0], trimap_at=lambda index: trimap, frame_at=Keys().frame_at
    )
    with pytest.raises(InputError, match=message):
        list(given)


# predict


def test_late_results_are_paired_with_the_frames_they_belong_to() -> None:
    for matte in predict(numbered(9, length=4, trimap=0.5), LateMatter()):
        for offset, (frame, pts) in enumerate(zip(matte.chunk.frames, matte.chunk.pts, strict=True)):
            assert number_of(frame) == matte.chunk.start + offset
            assert int(pts) == 7 * (matte.chunk.start + offset)
    interior = alphas(9, 4)[2:7, 0, 0, 0]
    assert torch.allclose(interior, torch.arange(2, 7) / 100)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 17])
@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_every_frame_gets_one_matte_in_order_whatever_the_chunk_and_clip_length(count: int, length: int) -> None:
    starts = []
    for matte in predict(numbered(count, length=length, trimap=0.5), LateMatter()):
        starts += range(matte.chunk.start, matte.chunk.start + len(matte.chunk))
    assert starts == list(range(count))
    assert torch.equal(alphas(count, length), alphas(count, 1))


def test_an_empty_clip_makes_nothing() -> None:
    assert list(predict(iter(()), LateMatter())) == []


@pytest.mark.parametrize("known", [0.0, 1.0])
def test_known_pixels_of_the_trimap_are_exact_in_the_alpha(known: float) -> None:
    (matte,) = predict(numbered(2, trimap=known), FixedMatter(0.4))
    assert torch.equal(matte.alpha, torch.full_like(matte.alpha, known))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.01, 1.01])
def test_values_that_are_not_alpha_never_get_through(value: float) -> None:
    with pytest.raises(MattekitError, match=r"alpha must be in \[0, 1\]") as caught:
        list(predict(numbered(2), FixedMatter(value)))
    assert not isinstance(caught.value, InputError)


@pytest.mark.parametrize(("extra", "message"), [(-1, "the last 1 are missing"), (1, "1 too many")])
def test_a_model_that_loses_or_invents_frames_is_stopped(extra: int, message: str) -> None:
    with pytest.raises(MattekitError, match=message):
        list(predict(numbered(3), FixedMatter(0.5, extra=extra)))


def test_a_chunk_without_the_trimap_that_the_model_needs_is_refused() -> None:
    with pytest.raises(InputError, match="propagate first"):
        list(predict(numbered(3), LateMatter()))


# complete, write, move


def test_the_foreground_is_the_frame_where_alpha_is_1_and_nearer_the_truth_elsewhere() -> None:
    scene = scenes.soft_disc(2)
    chunk = Chunk(0, torch.arange(2), scene.frames)
    (matte,) = complete([Matte(chunk, scene.alpha)], foreground=True)
    assert matte.foreground is not None
    solid = (scene.alpha == 1).expand_as(scene.frames)
    assert torch.equal(matte.foreground[solid], scene.frames[solid])
    seen = (scene.alpha > 0.2).expand_as(scene.frames)
    error, untouched = ((colour - scene.foreground)[seen].abs().mean() for colour in (matte.foreground, scene.frames))
    assert error < untouched / 2


def test_no_foreground_is_estimated_where_none_is_wanted_or_the_model_gave_one() -> None:
    (chunk,) = numbered(2)
    bare = Matte(chunk, torch.zeros(2, 1, *SIZE))
    own = Matte(chunk, torch.zeros(2, 1, *SIZE), torch.full((2, 3, *SIZE), 0.25))
    assert next(complete([bare], foreground=False)) is bare
    assert next(complete([own], foreground=True)) is own


def test_every_sink_gets_every_matte_and_progress_counts_frames() -> None:
    sinks, seen = (Kept(), Kept()), list[int]()
    mattes = predict(numbered(5, length=2), FixedMatter(0.5))
    assert write(mattes, sinks, progress=seen.append) == 5
    assert seen == [2, 4, 5]
    for sink in sinks:
        assert [matte.chunk.start for matte in sink.mattes] == [0, 2, 4]


def test_moving_chunks_keeps_everything_but_the_place() -> None:
    (chunk,) = numbered(2, trimap=0.5)
    (moved,) = move([chunk], "meta")
    assert moved.frames.device.type == "meta"
    assert moved.trimap is not None
    assert moved.trimap.device.type == "meta"
    assert (moved.start, moved.pts.tolist()) == (0, [0, 7])


def test_scenes_move_by_their_flow_and_survive_a_file(tmp_path) -> None:
    scene = scenes.soft_disc(3)
    right, down = (int(value) for value in scene.flow[0, :, 0, 0])
    shifted = torch.roll(scene.alpha[0], (down, right), dims=(1, 2))
    assert torch.equal(shifted[:, 8:-8, 8:-8], scene.alpha[1][:, 8:-8, 8:-8])
    import av

    with av.open(str(scenes.write_video(tmp_path / "clip.mkv", scene.frames, rate=Fraction(24)))) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert (scenes.to_bytes(scene.frames) == pictures).all()


@pytest.mark.parametrize("length", [1, 3, 4, 20])
def test_at_a_cut_the_matter_begins_anew(length: int) -> None:
    whole = numbered(9, length=length, trimap=0.5)
    cut = torch.cat([matte.alpha for matte in predict(whole, LateMatter(), cuts=[4])])
    first = torch.cat([matte.alpha for matte in predict(numbered(4, trimap=0.5), LateMatter())])
    second = torch.cat([matte.alpha for matte in predict(numbered(5, start=4, trimap=0.5), LateMatter())])
    assert bool((cut == torch.cat((first, second))).all())


def test_mattes_over_a_cut_keep_their_frames() -> None:
    mattes = list(predict(numbered(9, length=4, trimap=0.5), LateMatter(), cuts=[0, 4, 6]))
    starts = torch.cat([torch.arange(len(matte.chunk)) + matte.chunk.start for matte in mattes])
    assert starts.tolist() == list(range(9))
