"""Every kind of procedural foreground: exact, straight, the same by seed, the same at any size, and moving."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from mattekit.checks import InputError
from mattekit.data.layer import Layer, over
from mattekit.data.procedural import KINDS, SHARES, procedural_clips, procedural_sources, render
from mattekit.data.procedural.limbs import SHUTTER, expose
from mattekit.data.procedural.mixed import stack
from mattekit.ops import gaussian_blur, warp

TOLERANCES = {"fringe": 0.03}  # so small, its strands are thinner than a pixel and cross on many levels
MOVING_AS_ONE = ("patterned", "polygons", "words", "wires")


def rendered(
    kind: str, *, seed: int = 2, side: int = 64, frames: int = 1, texture: torch.Tensor | None = None
) -> Layer:
    return render(kind, np.random.default_rng(seed), size=(side, side * 5 // 4), frames=frames, texture=texture)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_moving_layer_that_composites_and_repeats_by_seed(kind: str) -> None:
    layer = rendered(kind, frames=3)
    assert layer.colour.shape == (3, 3, 64, 80) and layer.alpha.shape == (3, 1, 64, 80)
    for part in (layer.colour, layer.alpha):
        assert bool(part.isfinite().all()) and float(part.min()) >= 0 and float(part.max()) <= 1
    soft = ((layer.alpha > 0.02) & (layer.alpha < 0.98)).float().mean()
    assert float(soft) > 0.005 and float(layer.alpha.max()) > 0.1
    background = torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0))
    by_equation = layer.alpha * layer.colour + (1 - layer.alpha) * background
    torch.testing.assert_close(over(layer, background), by_equation, atol=1e-6, rtol=0)
    assert bool((layer.alpha[0] != layer.alpha[1]).any()) and bool((layer.alpha[1] != layer.alpha[2]).any())
    same, other = rendered(kind, frames=3), rendered(kind, seed=3, frames=3)
    assert bool((same.colour == layer.colour).all()) and bool((same.alpha == layer.alpha).all())
    assert bool((other.alpha != layer.alpha).any())


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_size_averaged_is_the_picture_itself(kind: str) -> None:
    small, large = rendered(kind, side=80).alpha, rendered(kind, side=160).alpha
    averaged = functional.avg_pool2d(large, 2)
    assert float((small - averaged).abs().mean()) < TOLERANCES.get(kind, 0.02)
    assert float(small.sum()) == pytest.approx(float(averaged.sum()), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_colour_does_not_darken_where_alpha_is_low(kind: str) -> None:
    layer = rendered(kind, side=96, texture=torch.ones(3, 8, 8))
    light = layer.colour.mean(dim=1, keepdim=True)
    dense, thin = layer.alpha > 0.5 * layer.alpha.max(), (layer.alpha > 0.01) & (layer.alpha < 0.25 * layer.alpha.max())
    assert bool(dense.any()) and bool(thin.any())
    assert float(light[thin].median()) > 0.5 * float(light[dense].median())


@pytest.mark.parametrize("kind", MOVING_AS_ONE)
def test_flow_leads_to_the_same_place_of_the_thing_in_the_next_frame(kind: str) -> None:
    layer = rendered(kind, frames=2, side=128)
    assert layer.flow is not None and layer.valid is not None
    smooth = gaussian_blur(layer.alpha, 2.5)  # so that resampling thin lines does not count
    there, inside = warp(smooth[1:], layer.flow)
    sure = (layer.valid * inside) > 0
    moved, unmoved = ((part - smooth[:1])[sure].abs().mean() for part in (there, smooth[1:]))
    assert float(layer.flow.abs().max()) > 0.2 and float(moved) < 0.4 * float(unmoved)


def test_a_texture_changes_colours_and_no_alpha() -> None:
    red = torch.tensor((1.0, 0.0, 0.0)).view(3, 1, 1).expand(3, 8, 8)
    plain, painted = rendered("patterned"), rendered("patterned", texture=red)
    assert bool((plain.alpha == painted.alpha).all())
    inside = painted.alpha[0, 0] > 0.9
    assert float(painted.colour[0, 0][inside].mean()) > 0.3 and float(painted.colour[0, 1:][:, inside].max()) < 0.06


def test_an_open_shutter_averages_composites() -> None:
    def paint(canvas, time):  # a bar that moves by one px from moment to moment
        left = round(time * 24 * SHUTTER - 0.5)
        canvas.over(np.full((3, 1, 1), 0.25, np.float32), np.ones((4, 2), np.float32), corner=(0, left))

    canvas = expose(paint, (4, 12), 0.0, shutter=1.0)
    assert canvas.alpha[0].tolist() == pytest.approx([1 / 8, *[2 / 8] * 7, 1 / 8, 0, 0, 0])
    assert float((canvas.colour[0] / np.maximum(canvas.alpha, 1e-6))[0, 4]) == pytest.approx(0.25)


def test_a_stack_of_layers_composites_as_one_after_the_other() -> None:
    layers = [rendered("fur"), rendered("veil"), rendered("hair")]
    background = torch.full((1, 3, 64, 80), 0.4)
    one_by_one = background
    for layer in layers:
        one_by_one = over(layer, one_by_one)
    torch.testing.assert_close(over(stack(layers), background), one_by_one, atol=4e-3, rtol=0)


def test_a_clip_does_not_depend_on_how_many_follow_and_stills_are_clips_of_one_frame() -> None:
    long = list(procedural_clips(count=3, seed=4, side=40, frames=2))
    short = list(procedural_clips(count=1, seed=4, side=40, frames=2))
    assert short[0].name == long[0].name and bool((short[0].pixels == long[0].pixels).all())
    assert long[2].pixels.shape == (2, 4, 40, 40) and long[2].pixels.dtype == torch.uint8
    assert [source.kind for source in procedural_sources(count=2, seed=4, side=40)] == ["procedural"] * 2
    assert next(procedural_sources(count=1, seed=4, side=40)).pixels.shape[0] == 1


def test_clips_take_their_colours_from_textures_at_times() -> None:
    green = torch.tensor((0.0, 1.0, 0.0)).view(3, 1, 1).expand(3, 8, 8)
    plain = procedural_clips(count=8, seed=1, side=32, frames=1)
    painted = procedural_clips(count=8, seed=1, side=32, frames=1, textures=[green])
    same = [bool((one.pixels == other.pixels).all()) for one, other in zip(plain, painted, strict=True)]
    assert 1 <= same.count(False) < 8


def test_every_kind_has_a_share_and_odd_sizes_work() -> None:
    assert set(SHARES) == set(KINDS) and min(SHARES.values()) > 0
    assert render("lace", np.random.default_rng(0), size=(33, 47), frames=1).size == (33, 47)
    assert render("smoke", np.random.default_rng(0), size=(21, 13), frames=2).size == (21, 13)


def test_unknown_kinds_and_empty_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="kind must be one of hair, fur, .*got 'cat'"):
        render("cat", np.random.default_rng(0), size=(8, 8), frames=1)
    with pytest.raises(InputError, match="at least 1; got 8x0 and 1 frames"):
        render("hair", np.random.default_rng(0), size=(8, 0), frames=1)
