"""Training clips by the paper's rules, and the sources that are held out of them."""

from __future__ import annotations

import pytest
import torch

from mattekit.data.compose_paper import SIDES, PaperComposer, jitter_frames
from mattekit.data.holdout import hold_out, is_held_out
from mattekit.data.pack import Source
from mattekit.data.procedural import procedural_sources
from mattekit.types import Stage

STAGE = Stage("test", steps=1, batch=1, length=5, size=(64, 64), rate=(1e-3, 1e-4))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ground(level: int = 0) -> Source:
    return Source("b", "background", torch.full((1, 3, 60, 80), level, dtype=torch.uint8))


def disc(name: str, level: int, radius: int = 20) -> Source:
    """Return a grey disc on a canvas of 120 px with a soft rim 2 px wide."""
    across = torch.arange(120.0) - 59.5
    distance = (across[:, None] ** 2 + across**2).sqrt()
    pixels = torch.full((1, 4, 120, 120), level, dtype=torch.uint8)
    pixels[0, 3] = ((radius + 1 - distance) / 2).clamp(0, 1).mul(255).byte()
    return Source(name, "procedural", pixels)


def test_each_foreground_comes_once_an_epoch_in_another_order_the_next() -> None:
    sources = [disc(str(index), 20 + 30 * index) for index in range(7)]
    composer = PaperComposer(sources, [ground()])
    seen = [composer._choose(generator(), number).name for number in range(21)]
    epochs = [seen[first : first + 7] for first in (0, 7, 14)]
    assert all(sorted(epoch) == [str(index) for index in range(7)] for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_batch_takes_successive_foregrounds() -> None:
    names: list[str] = []

    class Noting(PaperComposer):
        def _choose(self, generator: torch.Generator, number: int) -> Source:
            source = super()._choose(generator, number)
            names.append(source.name)
            return source

    stage = Stage("test", steps=1, batch=4, length=1, size=(64, 64), rate=(1e-3, 1e-4))
    Noting([disc("a", 60), disc("b", 200)], [ground()]).sample(stage, generator(), 2)
    assert len(names) == 4 and sorted(names[:2]) == sorted(names[2:]) == ["a", "b"]


def test_the_crop_is_centred_on_a_soft_pixel_of_the_middle_frame() -> None:
    composer = PaperComposer([disc("a", 200)], [ground()])
    for seed in range(8):
        sample = composer.sample(STAGE, generator(seed))
        near = sample.alpha_true[0, 2, 0, 29:35, 29:35]
        assert bool(((near > 0.02) & (near < 0.98)).any())
        assert bool((sample.trimap[0, 2, 0, 31:33, 31:33] == 0.5).all())


def test_foregrounds_are_seen_at_the_scales_of_the_three_crops() -> None:
    composer = PaperComposer([disc("a", 200, radius=30)], [ground()])
    still = Stage("test", steps=1, batch=1, length=1, size=(160, 160), rate=(1e-3, 1e-4))
    found = {round(float(composer.sample(still, generator(seed)).alpha_true.sum()), -1) for seed in range(12)}
    areas = [3.14159 * 30**2 * (SIDES[0] / side) ** 2 for side in SIDES]
    assert all(min(abs(area / expected - 1) for expected in areas) < 0.1 for area in found)
    assert len({min(range(3), key=lambda index: abs(areas[index] - area)) for area in found}) == 3


def test_composites_are_clean_up_to_8_bits_and_repeat_by_seed() -> None:
    composer = PaperComposer(list(procedural_sources(count=3, seed=0, side=64)), [ground(120)])
    sample = composer.sample(STAGE, generator(3), 1)
    composite = sample.alpha_true * sample.foreground_true + (1 - sample.alpha_true) * sample.background_true
    torch.testing.assert_close(composite, sample.frames, rtol=0, atol=0.501 / 255)
    assert torch.equal(sample.frames, composer.sample(STAGE, generator(3), 1).frames)
    assert not torch.equal(sample.frames, composer.sample(STAGE, generator(4), 1).frames)


def test_jitter_changes_each_frame_by_itself_and_grey_stays_grey() -> None:
    composer = PaperComposer([disc("a", 200)], [ground(90)], jitter=True)
    sample = composer.sample(STAGE, generator())
    assert float((sample.frames[0, 0] - sample.frames[0, 1]).abs().mean()) > 1e-3
    frames = torch.full((6, 3, 4, 4), 0.5)
    grey = jitter_frames(frames, generator())
    torch.testing.assert_close(grey, grey[:, :1].expand_as(grey))
    levels = grey.mean(dim=(1, 2, 3))
    assert bool(((levels >= 0.4 - 1e-6) & (levels <= 0.6 + 1e-6)).all()) and len(levels.unique()) == 6
    coloured = torch.tensor([0.6, 0.4, 0.4])[:, None, None].expand(6, 3, 4, 4)
    chroma = jitter_frames(coloured, generator())
    assert float((chroma[:, 1] - chroma[:, 2]).abs().max()) > 1e-3  # the hue has turned


def test_held_out_sources_hang_on_their_names_alone() -> None:
    sources = [disc(f"source {index}", 0) for index in range(60)]
    training, held = hold_out(sources)
    assert len(training) + len(held) == 60 and 1 <= len(held) <= 12
    more, also = hold_out([*sources[::-1], disc("another", 0)])
    assert {source.name for source in held} <= {source.name for source in also}
    assert {source.name for source in training} <= {source.name for source in more}
    assert all(is_held_out(source.name) for source in held)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_sources_leave_one_to_train_on_and_one_to_hold_out(count: int) -> None:
    sources = [disc(f"a{index}", 0) for index in range(count)]
    for share in (0.0, 0.08, 1.0):
        training, held = hold_out(sources, share=share)
        assert {source.name for source in training + held} == {source.name for source in sources}
        assert (len(training) > 0) is (count > 0) and (len(held) > 0) is (count > 1)
