"""Procedural subjects, packs and composed training clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.compose import Composer
from mattekit.data.degrade import block_compress, degrade
from mattekit.data.motion import random_path, sample_layer
from mattekit.data.pack import Source, read_pack, write_pack
from mattekit.data.procedural import hairy_subject, procedural_sources, render_demo
from mattekit.data.trimaps import random_trimap
from mattekit.types import Stage

STAGE = Stage("test", steps=1, batch=2, length=3, size=(40, 56), rate=(1e-3, 1e-4))


def sources() -> tuple[list[Source], list[Source]]:
    backgrounds = [Source("b", "background", torch.randint(0, 256, (4, 3, 60, 80), dtype=torch.uint8))]
    return list(procedural_sources(count=6, seed=1, side=64)), backgrounds


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_hairy_subject_is_solid_inside_empty_outside_and_soft_between() -> None:
    layer = hairy_subject(np.random.default_rng(0), strands=300).draw((64, 96))
    alpha = layer[3]
    assert layer.shape == (4, 64, 96)
    assert float(alpha[32, 48]) == 1 and float(alpha[0, 0]) == 0
    assert 0.02 < float(((alpha > 0.05) & (alpha < 0.95)).float().mean()) < 0.6


def test_the_demo_composite_is_foreground_over_background_and_repeats_by_seed() -> None:
    frames, alpha, foreground = render_demo(frames=2, size=(48, 64))
    assert frames.shape == foreground.shape == (2, 3, 48, 64) and alpha.shape == (2, 1, 48, 64)
    solid = (alpha == 1).expand_as(frames)
    torch.testing.assert_close(frames[solid], foreground[solid])
    assert bool((render_demo(frames=2, size=(48, 64))[0] == frames).all())
    assert bool((frames[0] != frames[1]).any())


def test_a_batch_obeys_the_compositing_equation_up_to_degradation() -> None:
    sample = Composer(*sources()).sample(STAGE, generator())
    assert sample.frames.shape == (2, 3, 3, 40, 56)
    composite = sample.alpha_true * sample.foreground_true + (1 - sample.alpha_true) * sample.background_true
    assert float((composite - sample.frames).abs().mean()) < 0.05
    assert set(sample.trimap.unique().tolist()) <= {0.0, 0.5, 1.0}
    soft = (sample.alpha_true > 0.01) & (sample.alpha_true < 0.99)
    assert bool((sample.trimap[soft] == 0.5).all())


def test_the_same_seed_gives_the_same_batch_and_another_does_not() -> None:
    composer = Composer(*sources())
    one, same, other = (composer.sample(STAGE, generator(seed)).frames for seed in (3, 3, 4))
    assert bool((one == same).all()) and bool((one != other).any())


def test_known_trimap_pixels_are_right() -> None:
    alpha = torch.zeros(2, 1, 32, 32)
    alpha[..., 8:24, 8:24] = 1
    trimap = random_trimap(alpha, generator(), widest=6)
    known = trimap != 0.5
    assert bool((trimap[known] == alpha[known]).all()) and bool((~known).any())


def test_a_still_path_at_natural_size_copies_the_source() -> None:
    path = random_path(2, generator(), gap=1, zoom=(1, 1), bend=0)
    still = type(path)(torch.zeros(2, 2), torch.zeros(2), torch.ones(2), False, None)
    picture = torch.rand(4, 21, 31)
    layer = sample_layer(picture, still, (21, 31), centre=(15.0, 10.0))
    torch.testing.assert_close(layer[1], picture, atol=1e-5, rtol=0)


def test_alpha_is_zero_beyond_the_source() -> None:
    path = random_path(1, generator(), gap=1, zoom=(1, 1), bend=0)
    away = type(path)(torch.tensor([[500.0, 0.0]]), torch.zeros(1), torch.ones(1), False, None)
    assert float(sample_layer(torch.ones(4, 20, 20), away, (16, 16), centre=(10, 10))[:, 3].max()) == 0


def test_degradation_keeps_the_range_and_stronger_compression_loses_more() -> None:
    frames = torch.rand(2, 3, 19, 30, generator=generator())
    assert degrade(frames, generator(1)).shape == frames.shape
    losses = [
        float((block_compress(frames, strength=strength) - frames).abs().mean()) for strength in (1e-4, 0.02, 0.1)
    ]
    assert losses[0] < 2e-3 and losses == sorted(losses)


def test_a_pack_gives_back_what_was_put_in(tmp_path: Path) -> None:
    foregrounds, backgrounds = sources()
    path = tmp_path / "pack.safetensors"
    assert write_pack(path, iter(foregrounds + backgrounds)) == 7
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    found, behind = read_pack(path)
    assert [source.kind for source in found] == ["procedural"] * 6 and len(behind) == 1
    by_name = {source.name: source.pixels for source in found}
    assert all(bool((by_name[source.name] == source.pixels).all()) for source in foregrounds)


def test_bad_packs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one source"):
        write_pack(tmp_path / "p", iter(()))
    with pytest.raises(InputError, match="must exist"):
        read_pack(tmp_path / "missing")
    with pytest.raises(InputError, match="must not be empty; got 0 and 0"):
        Composer([], [])


@pytest.mark.parametrize("kind", ["procedural", "photo"])
def test_a_batch_may_carry_exact_flow_that_holds_on_the_foreground_alone(kind: str) -> None:
    foregrounds, backgrounds = sources()
    photos = [Source(source.name, kind, source.pixels) for source in foregrounds]
    stage = Stage("test", steps=1, batch=3, length=3, size=(40, 56), rate=(1e-3, 1e-4))
    sample = Composer(photos, backgrounds, flow=True, strength=0).sample(stage, generator(5))
    assert sample.flow_true is not None and sample.flow_valid is not None
    assert sample.flow_true.shape == (3, 2, 2, 40, 56) and sample.flow_valid.shape == (3, 2, 1, 40, 56)
    assert bool(sample.flow_valid.any()) and not bool(sample.flow_valid[sample.alpha_true[:, :-1] == 0].any())


def test_a_moving_clip_shows_its_frames_one_after_the_other_and_back() -> None:
    levels = torch.arange(0, 250, 50, dtype=torch.uint8)
    pixels = levels.view(5, 1, 1, 1).expand(5, 4, 30, 30).clone()
    pixels[:, 3] = 255
    clip = Source("clip", "procedural", pixels)
    stage = Stage("test", steps=1, batch=1, length=4, size=(8, 8), rate=(1e-3, 1e-4))
    changing = 0
    for seed in range(6):
        sample = Composer([clip], sources()[1], strength=0).sample(stage, generator(seed))
        steps = sample.foreground_true.mean(dim=(2, 3, 4))[0].diff().abs()
        changing += bool((steps > 0.01).all())
    assert changing >= 3  # the others take their colour from a picture
