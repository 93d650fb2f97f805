"""What procedural foregrounds are painted with: exact coverage, strands, noise, motion, weaves and lenses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import grow, sway, tapered
from mattekit.data.procedural.lens import focus
from mattekit.data.procedural.motion import Motion
from mattekit.data.procedural.noise import PERIOD, Noise, places_of
from mattekit.data.procedural.outline import ellipse, tube
from mattekit.data.procedural.raster import polygon_cover
from mattekit.data.procedural.skin import PATTERNED, Skin
from mattekit.data.procedural.strands import SURFACES, Strands, lanes_of, paint_strands, surface
from mattekit.data.procedural.weave import KINDS, Weave, periodic_cover


def strand(
    start: tuple[float, float], end: tuple[float, float], width: float, *, parts: int = 1, side: int = 20
) -> Fibres:
    """One straight strand in px of a square picture."""
    share = np.linspace(0, 1, parts + 1)[:, None]
    line = np.array(start) + (np.array(end) - np.array(start)) * share
    points = ((line - side / 2) / side)[None]
    return Fibres(points, np.full((1, parts + 1), width / side), np.full((1, parts, 3), 0.5), np.zeros((1, parts)))


def drawn(*fibres: Fibres, side: int = 20) -> Canvas:
    canvas = Canvas((side, side))
    for one in fibres:
        draw_fibres(canvas, one)
    return canvas


def test_a_polygon_over_half_a_pixel_covers_a_half() -> None:
    cover = polygon_cover([np.array([(0, 0), (1.5, 0), (1.5, 1), (0, 1)])], (2, 3))
    assert cover.tolist() == [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]
    triangle = polygon_cover([np.array([(0, 0), (2, 2), (0, 2)])], (2, 2))
    assert triangle.tolist() == [[0.5, 0.0], [1.0, 0.5]]


def test_the_area_of_a_disc_a_ring_and_a_disc_beyond_the_border_is_right() -> None:
    disc = ellipse(np.array((20.3, 19.6)), np.array((10.0, 10.0)), points=720)
    assert float(polygon_cover([disc], (40, 40)).sum()) == pytest.approx(100 * np.pi, rel=1e-4)
    hole = ellipse(np.array((20.3, 19.6)), np.array((6.0, 6.0)), points=720)[::-1]
    assert float(polygon_cover([disc, hole], (40, 40)).sum()) == pytest.approx(64 * np.pi, rel=1e-4)
    half = ellipse(np.array((0.0, 19.6)), np.array((10.0, 10.0)), points=720)
    assert float(polygon_cover([half], (40, 40)).sum()) == pytest.approx(50 * np.pi, rel=1e-4)
    assert polygon_cover([], (3, 4)).shape == (3, 4)


def test_polygons_at_twice_the_size_average_to_themselves_exactly() -> None:
    star = np.random.default_rng(0).uniform(2, 14, (3, 2))
    coarse, fine = polygon_cover([star], (16, 16)), polygon_cover([2 * star], (32, 32))
    np.testing.assert_allclose(fine.reshape(16, 2, 16, 2).mean(axis=(1, 3)), coarse, atol=1e-6)


def test_a_strand_half_a_pixel_wide_covers_a_half_and_a_tenth_covers_a_tenth() -> None:
    for width in (0.5, 0.1, 0.01):
        alpha = drawn(strand((3, 10.5), (17, 10.5), width)).alpha
        assert alpha[10, 5:15].tolist() == pytest.approx([width] * 10, rel=1e-3)
        assert float(alpha[9].max()) == 0 and float(alpha[11].max()) == 0
    between = drawn(strand((3, 10), (17, 10), 1.0)).alpha
    assert between[9:11, 8].tolist() == pytest.approx([0.5, 0.5], abs=1e-3)


@pytest.mark.parametrize("angle", [0.0, 0.2, 0.785, 1.3, 2.5])
def test_a_thin_strand_covers_its_length_times_its_width_at_any_angle(angle: float) -> None:
    ahead = 7 * np.array((np.cos(angle), np.sin(angle)))
    alpha = drawn(strand(tuple(10 - ahead), tuple(10 + ahead), 0.2)).alpha
    assert float(alpha.sum()) == pytest.approx(14 * 0.2, rel=0.02)


@pytest.mark.parametrize("width", [0.3, 1.0, 3.0])
def test_a_strand_cut_into_segments_shows_no_joint(width: float) -> None:
    whole, cut = (drawn(strand((3, 4.2), (16.5, 15), width, parts=parts)).alpha for parts in (1, 9))
    np.testing.assert_allclose(cut, whole, atol=2e-3)


def test_two_strands_that_cross_cover_what_chance_gives() -> None:
    alpha = drawn(strand((3, 10.5), (17, 10.5), 0.5), strand((10.5, 3), (10.5, 17), 0.5)).alpha
    assert float(alpha[10, 10]) == pytest.approx(0.75, abs=1e-3)


def test_the_nearer_strand_hides_the_farther_one() -> None:
    flat = strand((3, 10.5), (17, 10.5), 1.0)
    both = Fibres(
        *(np.concatenate((part, part)) for part in (flat.points, flat.widths)),
        np.array([[[1.0, 0, 0]], [[0, 1.0, 0]]]),
        np.array([[2.0], [1.0]]),
    )
    canvas = Canvas((20, 20))
    draw_fibres(canvas, both, layers=2)
    assert canvas.colour[:, 10, 10].tolist() == pytest.approx([1, 0, 0], abs=1e-2)


def test_colour_of_a_thin_strand_is_its_own_and_goes_on_beyond_it() -> None:
    layer = finish([drawn(strand((3, 10.5), (17, 10.5), 0.05))])
    torch.testing.assert_close(layer.colour, torch.full_like(layer.colour, 0.5), atol=1e-3, rtol=0)


def test_strands_painted_inside_leave_alpha_alone() -> None:
    canvas = drawn(strand((3, 10.5), (17, 10.5), 0.5))
    bright = strand((3, 10.5), (17, 10.5), 1.0)
    draw_fibres(canvas, Fibres(bright.points, bright.widths, np.ones((1, 1, 3)), bright.depth), inside=True)
    assert float(canvas.alpha[10, 10]) == pytest.approx(0.5, abs=1e-3)
    assert canvas.colour[:, 10, 10].tolist() == pytest.approx([0.5] * 3, abs=1e-3)


def test_strands_outside_and_strands_without_length_leave_nothing() -> None:
    canvas = drawn(strand((-90, -50), (-30, -50), 2.0), strand((5, 5), (5, 5), 2.0))
    assert float(canvas.alpha.max()) == 0
    assert float(finish([canvas]).alpha.max()) == 0


def test_painting_half_over_white_gives_the_mean_and_straight_colour_back() -> None:
    canvas = Canvas((1, 1))
    canvas.over(np.ones((3, 1, 1), np.float32), np.array([[0.5]], np.float32))
    canvas.over(np.zeros((3, 1, 1), np.float32), np.array([[0.5]], np.float32))
    assert canvas.alpha.item() == 0.75 and canvas.colour[0, 0, 0] == 0.25
    assert float(finish([canvas]).colour[0, 0]) == pytest.approx(1 / 3, abs=1e-6)


def test_tips_sway_more_than_middles_and_roots_stay() -> None:
    random = np.random.default_rng(1)
    strands = grow(
        np.zeros((50, 2)), random.normal(0, 1, (50, 2)), np.ones(50), steps=8, pull=np.array((0, 1.0)), bend=1
    )
    moments = [sway(strands, np.zeros(50), time=time, amount=0.2) - strands for time in np.linspace(0, 6, 60)]
    moved = np.linalg.norm(np.stack(moments), axis=3).mean(axis=(0, 1))
    assert moved[0] == 0 and bool((np.diff(moved) > 0).all())
    assert tapered(np.ones(1), 4, tip=0.1, swell=1)[0].tolist() == pytest.approx([1, 0.775, 0.55, 0.325, 0.1])


def test_the_way_back_of_a_motion_undoes_the_way_there() -> None:
    motion = Motion(np.random.default_rng(0), swing=0.2, wave=0.05, spin=1.0)
    places = np.random.default_rng(1).uniform(-0.5, 0.5, (200, 2))
    np.testing.assert_allclose(motion.rest(motion.place(places, 0.7), 0.7), places, atol=1e-4)


def test_flow_of_a_turn_is_the_turn() -> None:
    motion = Motion(np.random.default_rng(0), swing=0.0, spin=24 * np.pi / 2)
    flow, valid = motion.flow(torch.ones(2, 1, 8, 8), [0.0, 1 / 24])
    assert flow[0, :, 0, 0].tolist() == pytest.approx([7, 0], abs=1e-4)  # a quarter turn leads corner to corner
    assert float(valid.min()) == 1
    assert motion.flow(torch.ones(1, 1, 8, 8), [0.0])[0].shape == (0, 2, 8, 8)


def test_noise_repeats_at_its_period_is_even_and_its_slopes_are_those_of_the_field() -> None:
    noise = Noise(np.random.default_rng(3), scale=0.5, slope=3, pace=1.0)
    places = np.random.default_rng(1).uniform(-1, 1, (20000, 2)).astype(np.float32)
    field = noise.at(places)
    assert abs(float(field.mean())) < 0.1 and float(field.std()) == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(noise.at(places + np.float32(PERIOD)), field, atol=1e-2)
    step = np.array((0.02, 0), np.float32)
    rise = (noise.at(places + step) - noise.at(places - step)) / 0.04
    assert float(np.abs(rise - noise.slopes(places)[:, 0]).mean()) < 0.1 * float(np.abs(rise).mean())
    assert 0 < float(np.abs(noise.at(places, 0.05) - field).mean()) < 0.5


def test_half_a_stripe_over_a_pixel_is_a_half_and_fine_stripes_are_their_mean() -> None:
    ramp = np.tile(np.arange(8.0), (4, 1)) / 4  # a period every four px, stripes two px wide about px 0 and 4
    cover = periodic_cover(ramp, 0.5)[1]
    assert cover[4] == pytest.approx(1) and cover[5] == pytest.approx(0.5) and cover[2] == pytest.approx(0)
    fine = periodic_cover(np.tile(np.arange(8.0), (4, 1)) * 1000.37, 0.2)
    np.testing.assert_allclose(fine, 0.2, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_weave_has_thread_and_holes(kind: str) -> None:
    seeds = (Weave(np.random.default_rng(seed)) for seed in range(60))
    weave = next(one for one in seeds if one.kind == kind)
    cover = weave.cover(places_of((160, 160)))
    assert 0 <= float(cover.min()) < 0.5 < float(cover.max()) <= 1


def test_a_lens_keeps_the_sum_of_alpha_and_one_colour_one_colour() -> None:
    alpha = torch.zeros(1, 1, 21, 21)
    alpha[..., 8:13, 8:13] = 1
    colour = torch.tensor((0.8, 0.2, 0.1)).view(1, 3, 1, 1).expand(1, 3, 21, 21)
    blurred = focus(Layer(colour, alpha), 1.3)
    assert float(blurred.alpha.sum()) == pytest.approx(25, rel=1e-5) and float(blurred.alpha[0, 0, 7, 10]) < 0.6
    torch.testing.assert_close(blurred.colour, colour, atol=1e-5, rtol=0)
    sharp = Layer(colour, alpha)
    assert focus(sharp, 0.0) is sharp


@pytest.mark.parametrize("kind", PATTERNED)
def test_patterns_show_more_than_one_colour(kind: str) -> None:
    skin = Skin(np.random.default_rng(0), kinds=(kind,), palette=np.array([(0.0, 0, 0), (1, 1, 1)]))
    planes = skin.planes(places_of((64, 64)))
    assert planes.shape == (3, 64, 64) and float(planes.std()) > 0.1
    assert float(planes.min()) >= 0 and float(planes.max()) <= 1


def test_a_tube_is_as_wide_as_it_says() -> None:
    line = np.array(((-0.3, 0.0), (0.3, 0.0)))
    canvas = Canvas((20, 20))
    canvas.polygon(tube(line, np.array((0.2, 0.2))), np.ones(3))
    assert canvas.alpha[:, 10].tolist() == pytest.approx([0] * 8 + [1] * 4 + [0] * 8, abs=1e-6)


def rope(kind: str, width: float, *, side: int = 40, steps: int = 60) -> Strands:
    """One white rope, unlit, of a width in px down the middle of a square picture."""
    line = np.stack((np.zeros(steps + 1), np.linspace(-0.4, 0.4, steps + 1)), axis=1)[None]
    across, white = lanes_of(width / side), np.ones((1, steps, 3))
    turns = 0.8 * side / width * np.linspace(0, 1, steps + 1)[None]
    bulge, colours = surface(np.random.default_rng(0), kind, turns=turns, across=across, colours=white, others=white)
    return Strands(line, width / side * bulge, colours, np.zeros(1, dtype=int), round=0.0, gloss=0.0)


def test_a_thick_strand_is_opaque_inside_half_at_a_half_covered_rim_and_white_all_over() -> None:
    canvas, strands = Canvas((40, 40)), rope("plain", 5.0)
    paint_strands(canvas, strands, strands.lines, light=np.array((0.0, 0.0, 1.0)), extra=None)
    assert canvas.alpha[20, 16:24].tolist() == pytest.approx([0, 0.5, 1, 1, 1, 1, 0.5, 0], abs=1e-6)
    assert float(finish([canvas]).colour.min()) > 0.999


@pytest.mark.parametrize("kind", SURFACES)
def test_every_surface_leaves_no_hole_inside_a_strand(kind: str) -> None:
    canvas, strands = Canvas((40, 40)), rope(kind, 10.0)
    paint_strands(canvas, strands, strands.lines, light=np.array((0.0, 0.0, 1.0)), extra=None)
    inner = canvas.alpha[6:34, 19:21]
    assert float(inner.min()) == pytest.approx(1, abs=1e-6) and float(canvas.alpha.sum()) > 150
    assert kind == "plain" or kind == "bands" or float(canvas.colour[:, 6:34, 16:24].std()) > 0.02


def test_a_texture_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"texture must have shape \(3, H, W\); got \(1, 4, 4\)"):
        Skin(np.random.default_rng(0), texture=torch.zeros(1, 4, 4))
