"""What light, lens, sensor and codec do: what changes the truth with the picture, and what the picture alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.blur import defocus, motion_blur
from mattekit.data.codec import encode, step_of
from mattekit.data.degrade import (
    block_compress,
    degrade,
    degrade_layer,
    expose,
    harmonise,
    jitter_colour,
    spill,
)
from mattekit.data.layer import Layer, over
from mattekit.data.sensor import Noise, add_noise, blur_colours, drifting_gain, random_noise, reduce_levels, vignette
from mattekit.ops.warp import pixel_grid


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(frames: int = 3, size: tuple[int, int] = (48, 61), speed: float = 4.0) -> Layer:
    """Return a red disc with a soft edge that moves to the right."""
    x, y = pixel_grid(size, like=torch.zeros(1))[0]
    alpha = torch.stack([((14 - torch.hypot(x - 22 - speed * t, y - 24)) / 3).clamp(0, 1)[None] for t in range(frames)])
    colour = torch.tensor([0.8, 0.3, 0.2])[:, None, None].expand(frames, 3, *size).contiguous()
    flow = torch.zeros(frames - 1, 2, *size)
    flow[:, 0] = speed
    return Layer(colour, alpha, flow, (alpha[:-1] > 0).float())


def plate(frames: int = 3, size: tuple[int, int] = (48, 61)) -> Tensor:
    return torch.rand(frames, 3, 1, 1, generator=generator(9)).expand(frames, 3, *size).contiguous()


# what changes the truth


def test_a_point_out_of_focus_keeps_its_light_and_spreads_as_far_as_asked() -> None:
    alpha = torch.zeros(1, 1, 41, 41)
    alpha[..., 20, 20] = 1
    for sigma in (1.0, 1.7, 3.0):
        blurred = defocus(Layer(torch.full((1, 3, 41, 41), 0.6), alpha), sigma=sigma)
        assert abs(float(blurred.alpha.sum()) - 1) < 1e-5
        across = blurred.alpha[0, 0].sum(dim=0)
        places = torch.arange(41.0) - 20
        assert abs(float((across * places).sum())) < 1e-5
        assert abs(float((across * places**2).sum()) ** 0.5 - sigma) < 0.2
        torch.testing.assert_close(blurred.colour, torch.full_like(blurred.colour, 0.6))


def test_blur_acts_on_premultiplied_colour_so_that_no_colour_from_where_alpha_is_0_enters() -> None:
    layer = disc()
    dirty = Layer(torch.where(layer.alpha > 0, layer.colour, 1.0), layer.alpha, layer.flow, layer.valid)
    for blurred in (defocus(dirty, sigma=2), motion_blur(dirty, shutter=1)):
        seen = (blurred.alpha > 2e-3).expand_as(blurred.colour)
        torch.testing.assert_close(blurred.colour[seen], layer.colour[seen], atol=1e-3, rtol=0)


def test_a_moving_edge_is_blurred_along_the_motion_as_far_as_the_shutter_is_open() -> None:
    x, _ = pixel_grid((9, 60), like=torch.zeros(1))[0]
    alpha = (x > 29.5).float()[None].expand(2, 1, 9, 60).contiguous()
    flow = torch.zeros(1, 2, 9, 60)
    flow[:, 0] = 12
    blurred = motion_blur(Layer(torch.ones(2, 3, 9, 60), alpha, flow, torch.ones(1, 1, 9, 60)), shutter=0.5)
    soft = ((blurred.alpha > 0) & (blurred.alpha < 1)).float()
    assert soft.sum(dim=-1).flatten().tolist() == pytest.approx([5] * 18, abs=1)
    assert bool((blurred.alpha[..., 0, :] == blurred.alpha[..., 5, :]).all())
    assert abs(float(blurred.alpha.mean() - alpha.mean())) < 0.01


def test_an_uneven_flow_blurs_each_part_by_its_own_motion() -> None:
    alpha = torch.zeros(2, 1, 40, 60)
    alpha[..., 20:40] = 1
    flow = torch.zeros(1, 2, 40, 60)
    flow[:, 0, 20:] = 12
    blurred = motion_blur(Layer(torch.ones(2, 3, 40, 60), alpha, flow, torch.ones(1, 1, 40, 60)), shutter=1)
    soft = ((blurred.alpha > 0.01) & (blurred.alpha < 0.99)).float().sum(dim=-1)[0, 0]
    assert float(soft[:18].max()) == 0 and float(soft[22:].min()) > 14


def test_what_stands_still_or_has_no_flow_is_not_blurred_by_motion() -> None:
    still, bare = disc(speed=0.0), Layer(torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8))
    assert motion_blur(still, shutter=1) is still and motion_blur(bare, shutter=1) is bare


def test_harmonised_colour_has_the_backgrounds_mean_and_keeps_its_own_at_share_0() -> None:
    layer, behind = disc(), plate()
    colour = layer.colour + 0.02 * torch.rand(layer.colour.shape, generator=generator())
    torch.testing.assert_close(harmonise(colour, layer.alpha, behind, share=0.0), colour)
    full = harmonise(colour, layer.alpha, behind, share=1.0)
    weight = layer.alpha / layer.alpha.sum()
    torch.testing.assert_close((full * weight).sum((0, 2, 3)), behind.mean((0, 2, 3)), atol=0.02, rtol=0)


def test_spill_colours_the_edge_and_leaves_the_inside() -> None:
    alpha = torch.zeros(1, 1, 64, 64)
    alpha[..., 8:56, 8:56] = 1
    green = torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand(1, 3, 64, 64)
    spilt = spill(torch.full((1, 3, 64, 64), 0.5), alpha, green, amount=0.4)
    torch.testing.assert_close(spilt[..., 32, 32], torch.full((1, 3), 0.5))
    assert float(spilt[0, 1, 32, 9]) > 0.53 and float(spilt[0, 0, 32, 9]) < 0.47


def test_layers_keep_size_length_flow_and_range_whatever_is_drawn() -> None:
    layer, behind = disc(), plate()
    changed = 0
    for seed in range(40):
        result = degrade_layer(layer, behind, generator(seed))
        assert result.colour.shape == layer.colour.shape and result.flow is layer.flow
        for picture in (result.colour, result.alpha):
            assert float(picture.min()) >= 0 and float(picture.max()) <= 1
        changed += not torch.equal(over(result, behind), over(layer, behind))
    assert 15 < changed < 38
    assert torch.equal(layer.colour, disc().colour) and torch.equal(layer.alpha, disc().alpha)


def test_strength_0_changes_nothing() -> None:
    layer, behind = disc(), plate()
    picture = reduce_levels(over(layer, behind), 255)
    for seed in range(30):
        same = degrade_layer(layer, behind, generator(seed), strength=0.0)
        torch.testing.assert_close(same.colour, layer.colour)
        torch.testing.assert_close(same.alpha, layer.alpha)
        torch.testing.assert_close(degrade(picture, generator(seed), strength=0.0), picture)


def test_exposing_layer_and_background_alike_is_exposing_their_composite() -> None:
    layer, behind = disc(), 0.6 * plate()
    dim = Layer(0.6 * layer.colour, layer.alpha)
    for seed in range(30):
        lit, back = expose(dim, behind, generator(seed))
        gain = back / behind
        torch.testing.assert_close(over(lit, back), over(dim, behind) * gain, atol=1e-5, rtol=1e-4)


# what the composite alone sees


def test_noise_has_the_spread_of_its_sensor_in_linear_light_and_no_bias() -> None:
    grey = torch.full((4, 3, 150, 170), 0.5)
    for grain in (0.0, 1.0):
        noisy = add_noise(grey, Noise(0.0016, 0.0001, grain, 0.3, (1.5, 1, 1)), generator())
        light = noisy.square()
        assert abs(float(light.mean()) - 0.25) < 1e-3
        spread = light.std(dim=(0, 2, 3))
        torch.testing.assert_close(
            spread, torch.tensor([1.5, 1, 1]) * (0.25 * 0.0016 + 0.0001) ** 0.5, rtol=0.06, atol=0
        )


def test_noise_grows_with_light_and_changes_from_frame_to_frame_unless_fixed() -> None:
    noise = Noise(0.002, 0.0)
    levels = torch.tensor([0.1, 0.4, 0.8]).view(1, 1, 3, 1).expand(2, 3, 3, 400)
    noisy = add_noise(levels, noise, generator())
    spread = noisy.square().std(dim=(0, 1, 3))
    assert float(spread[0]) < float(spread[1]) < float(spread[2])
    assert not torch.equal(noisy[0], noisy[1])
    fixed = add_noise(levels, noise, generator(), fixed=True)
    assert torch.equal(fixed[0], fixed[1])


def test_grain_makes_neighbours_alike() -> None:
    grey = torch.full((1, 3, 120, 120), 0.5)
    likeness = []
    for grain in (0.0, 1.0):
        noise = (add_noise(grey, Noise(0.001, 0.0, grain), generator()) - 0.5).flatten(0, 1)
        likeness.append(float((noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()))
    assert abs(likeness[0]) < 0.05 and likeness[1] > 0.5


def test_drawn_sensors_keep_to_the_stated_range() -> None:
    spreads = sorted(
        (one.shot * 0.25 + one.read) ** 0.5 for one in (random_noise(generator(seed)) for seed in range(200))
    )
    assert spreads[0] > 5e-4 and spreads[-1] < 0.065 and spreads[100] < 0.01


def test_a_flat_picture_passes_the_codec_and_finer_steps_lose_less() -> None:
    flat = torch.full((2, 3, 33, 47), 0.4)
    assert float((encode(flat, step=step_of(20)) - flat).abs().max()) < 0.02
    picture = torch.rand(3, 3, 32, 48, generator=generator()).cumsum(-1) / 60
    losses = [float((encode(picture, step=step_of(quality)) - picture).abs().mean()) for quality in (10, 24, 36)]
    assert losses == sorted(losses) and losses[0] < 0.02


def test_what_hardly_changes_stands_still_in_a_coded_clip() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=generator())
    clip = picture + 0.002 * torch.randn(4, 3, 32, 32, generator=generator(1))
    coded = encode(clip, step=step_of(30))
    assert torch.equal(coded[1], coded[0]) and torch.equal(coded[3], coded[0])
    assert not torch.equal(encode(clip, step=step_of(2))[1], encode(clip, step=step_of(2))[0])


def test_a_change_of_scene_is_coded_afresh() -> None:
    scenes = torch.rand(2, 3, 1, 1, generator=generator()).expand(2, 3, 32, 32).clone()
    scenes[1, :, :, 16:] = 0.9
    coded = encode(scenes, step=step_of(24))
    assert float((coded - scenes).abs().mean()) < 0.02


@pytest.mark.parametrize("size", [(1, 1), (7, 19), (16, 16)])
@pytest.mark.parametrize("side", [4, 8])
def test_any_size_and_one_frame_pass_the_codec(size: tuple[int, int], side: int) -> None:
    picture = torch.rand(1, 3, *size, generator=generator())
    assert encode(picture, step=1e-5, side=side, subsample=False).shape == picture.shape
    assert float((encode(picture, step=1e-5, side=side, subsample=False, predict=False) - picture).abs().max()) < 1e-3


def test_blocks_of_another_side_are_refused() -> None:
    with pytest.raises(InputError, match="must be 4 or 8 px; got 16"):
        encode(torch.zeros(1, 3, 8, 8), step=0.1, side=16)


def test_lens_colours_blur_red_and_blue_alone_and_keep_their_mean() -> None:
    picture = torch.rand(1, 3, 20, 20, generator=generator())
    blurred = blur_colours(picture, amount=0.2)
    assert torch.equal(blurred[:, 1], picture[:, 1])
    torch.testing.assert_close(blurred.mean((0, 2, 3)), picture.mean((0, 2, 3)))
    assert float(blurred[:, 0].std()) < 0.8 * float(picture[:, 0].std())


def test_gain_drifts_smoothly_and_vignetting_is_1_in_the_middle() -> None:
    gain = drifting_gain(30, generator(), depth=0.3, tint=0.1)[:, :, 0, 0]
    assert (
        gain.shape == (30, 3) and float(gain.log2().abs().max()) <= 0.4001 and float(gain.diff(dim=0).abs().max()) < 0.2
    )
    shade = vignette((21, 31), depth=0.4)
    assert float(shade[0, 0, 10, 15]) == 1 and float(shade[0, 0, 0, 0]) == pytest.approx(0.6)


def test_composites_are_rounded_to_8_bits_and_repeat_by_seed() -> None:
    picture = torch.rand(2, 3, 37, 50, generator=generator())
    for seed in range(20):
        one, same = (degrade(picture, generator(seed)) for _ in range(2))
        assert torch.equal(one, same) and float((one * 255 - (one * 255).round()).abs().max()) < 1e-3
        assert float(one.min()) >= 0 and float(one.max()) <= 1


def test_jitter_and_block_compression_keep_their_range_and_shape() -> None:
    picture = torch.rand(2, 3, 19, 30, generator=generator())
    toned = jitter_colour(picture, generator(4), tint=True)
    assert toned.shape == picture.shape and float(toned.min()) >= 0 and float(toned.max()) <= 1
    assert float((block_compress(picture, strength=1e-4) - picture).abs().mean()) < 2e-3
