"""The keyer: alpha, straight colour, and what a user may turn."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.key_settings import KeySettings, finish
from mattekit.data.keyer import Keyer, key_frame
from mattekit.data.screen import GREEN, find_screen, follow_screen
from mattekit.data.unmix import Mixtures, despilled, estimate_alpha, estimate_colour, explained
from mattekit.ops import composite
from mattekit.ops.finish import stretch
from mattekit.ops.morphology import choke

SCREENS = {"green": torch.tensor([0.0, 0.7, 0.25]), "blue": torch.tensor([0.05, 0.3, 0.75])}
SKIN = torch.tensor([0.8, 0.55, 0.45])
CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "train" / "fgv"


def screen_picture(size: tuple[int, int] = (96, 128), name: str = "green") -> Tensor:
    return SCREENS[name].view(3, 1, 1).expand(3, *size).clone()


def shot(alpha: Tensor, colour: Tensor = SKIN, name: str = "green") -> Tensor:
    """Return an alpha (1, H, W) in one colour before a flat screen, in 8-bit steps."""
    frame = composite(colour.view(3, 1, 1), alpha, screen_picture((alpha.shape[-2], alpha.shape[-1]), name))
    return (frame * 255).round() / 255


def disc(size: tuple[int, int] = (96, 128), softness: float = 8.0) -> Tensor:
    y, x = torch.meshgrid(torch.arange(float(size[0])), torch.arange(float(size[1])), indexing="ij")
    distance = ((y - size[0] / 2) ** 2 + (x - size[1] / 2) ** 2).sqrt()
    return ((30 - distance) / softness + 0.5).clamp(0, 1)[None]


def key(frame: Tensor, name: str = "green", **turned: float) -> tuple[Tensor, Tensor]:
    alpha, foreground = key_frame(frame, find_screen(frame[None], name), KeySettings(**turned))
    assert foreground is not None
    return alpha, foreground


def test_half_of_grey_over_the_screen_has_alpha_a_half() -> None:
    alpha = torch.zeros(1, 64, 96)
    alpha[..., 40:48], alpha[..., 48:] = 0.5, 1
    found, _ = key(shot(alpha, torch.tensor([0.5, 0.5, 0.5])), black=0, white=1)
    assert float((found - alpha).abs().max()) < 0.02


@pytest.mark.parametrize("name", ["green", "blue"])
@pytest.mark.parametrize("colour", [SKIN, torch.tensor([0.9, 0.85, 0.2]), torch.tensor([0.05, 0.04, 0.04])])
def test_a_soft_edge_keeps_its_alpha_and_loses_the_screens_colour(name: str, colour: Tensor) -> None:
    alpha = disc()
    found, foreground = key(shot(alpha, colour, name), name)
    soft = (alpha > 0.1) & (alpha < 1)
    assert float((found - alpha).abs().mean()) < 0.006
    assert float((found - alpha)[soft].abs().mean()) < 0.06
    assert float((foreground - colour.view(3, 1, 1)).abs()[soft.expand_as(foreground)].mean()) < 0.06


def test_a_hair_one_pixel_wide_survives_grain_that_the_screen_loses() -> None:
    alpha = disc(softness=1.0)
    alpha[:, :30, 64] = 0.5
    generator = torch.Generator().manual_seed(0)
    grain = 0.012 * torch.randn(3, 96, 128, generator=generator)
    found, _ = key((shot(alpha) + grain).clamp(0, 1))
    empty = torch.nn.functional.max_pool2d(alpha, 7, 1, 3) == 0
    assert float(found[:, 2:28, 64].mean()) > 0.35
    assert float((found[empty] > 0).float().mean()) < 0.01


def test_light_that_falls_off_makes_no_haze() -> None:
    y, x = torch.linspace(-1, 1, 96).view(-1, 1), torch.linspace(-1, 1, 128).view(1, -1)
    lit = screen_picture() * (1 - 0.25 * x**2 - 0.1 * y)
    alpha = disc()
    found, _ = key(composite(SKIN.view(3, 1, 1), alpha, lit))
    assert float(found[:, :10].max()) == 0
    assert float((found - alpha).abs().mean()) < 0.005


def test_a_greenish_patch_inside_the_subject_is_no_hole() -> None:
    alpha = torch.zeros(1, 176, 208)
    alpha[..., 60:] = 1
    frame = shot(alpha)
    frame[:, 80:96, 130:146] = torch.tensor([0.45, 0.52, 0.3]).view(3, 1, 1)
    assert float(key(frame)[0][..., 64:].min()) == 1


def test_a_picture_turned_left_to_right_is_keyed_alike() -> None:
    alpha = disc(softness=8.0).roll(9, -1)
    straight, mirrored = key(shot(alpha))[0], key(shot(alpha).flip(-1))[0].flip(-1)
    assert float((straight - mirrored).abs().max()) < 0.02


def test_chunks_change_nothing() -> None:
    frames = torch.stack([shot(disc().roll(2 * index, -1)) * (1 - 0.01 * index) for index in range(5)])
    keyer = Keyer(find_screen(frames[:1], "green"), KeySettings())
    at_once, colour, _ = keyer.step(frames)
    state, single = None, []
    for frame in frames:
        alpha, _, state = keyer.step(frame[None], None, state)
        single.append(alpha)
    assert torch.equal(at_once, torch.cat(single))
    assert colour is not None and colour.shape == frames.shape
    assert keyer.step(frames[:0], None, state)[0].shape == (0, 1, 96, 128)


def test_alpha_alone_is_the_same_alpha() -> None:
    frames = shot(disc())[None]
    screen = find_screen(frames, "green")
    alone, nothing, _ = Keyer(screen, KeySettings(), colour=False).step(frames)
    assert nothing is None
    assert torch.equal(alone, Keyer(screen, KeySettings()).step(frames)[0])


def test_a_screen_that_dims_stays_clear_to_the_end() -> None:
    keyer = Keyer(find_screen(shot(disc())[None], "green"), KeySettings())
    frames = torch.stack([shot(disc()) * 0.985**index for index in range(20)])
    alpha, _, _ = keyer.step(frames)
    assert float((alpha - disc()).abs().mean(dim=(1, 2, 3)).max()) < 0.01


@pytest.mark.parametrize("size", [(47, 61), (48, 64), (33, 200)])
def test_a_screen_with_nothing_before_it_is_clear_at_any_size(size: tuple[int, int]) -> None:
    found, foreground = key(screen_picture(size))
    assert found.shape == (1, *size) and float(found.max()) == 0
    assert foreground.shape == (3, *size) and bool(foreground.isfinite().all())


def test_colour_where_nothing_is_continues_the_subjects() -> None:
    _, foreground = key(shot(disc(softness=2.0)))
    outside = foreground[:, 48, 100]
    assert float((outside - SKIN).abs().max()) < 0.1


def test_garbage_is_never_subject_and_core_always() -> None:
    frame, full = shot(disc(softness=1.0)), torch.zeros(1, 96, 128)
    left, right = full.clone(), full.clone()
    left[..., :64], right[..., 64:] = 1, 1
    found, _ = key_frame(frame, find_screen(frame[None], "green"), garbage=left, core=right)
    assert float(found[..., :64].max()) == 0 and float(found[..., 64:].min()) == 1


def test_black_and_white_stretch_alpha_between_them() -> None:
    alpha = torch.zeros(1, 64, 96)
    alpha[..., 40:48], alpha[..., 48:] = 0.5, 1
    found, _ = key(shot(alpha, torch.tensor([0.5, 0.5, 0.5])), black=0.3, white=0.8)
    assert float(found[..., 42:46].mean()) == pytest.approx((0.5 - 0.3) / 0.5, abs=0.04)


def test_levels_and_choke_are_those_of_every_matte() -> None:
    alpha = torch.rand(1, 20, 24, generator=torch.Generator().manual_seed(0))
    found = finish(alpha, KeySettings(black=0.1, white=0.8, choke=1.5))
    assert torch.equal(found, choke(stretch(alpha, black=0.1, white=0.8), 1.5))


@pytest.mark.parametrize("colour", [(0.8, 0.55, 0.45), (0.9, 0.85, 0.2), (1.0, 1.0, 1.0), (0.3, 0.3, 0.3)])
def test_despill_leaves_skin_yellow_white_and_grey_alone(colour: tuple[float, float, float]) -> None:
    pixel = torch.tensor(colour).view(3, 1, 1)
    assert torch.equal(despilled(pixel, GREEN, 1.0), pixel[GREEN : GREEN + 1])


@pytest.mark.parametrize(("amount", "green"), [(0.0, 0.8), (0.5, 0.7), (1.0, 0.6)])
def test_despill_lowers_green_towards_the_larger_of_the_others(amount: float, green: float) -> None:
    found = despilled(torch.tensor([0.6, 0.8, 0.4]).view(3, 1, 1), GREEN, amount)
    assert found.item() == pytest.approx(green)


def test_a_mixture_of_known_colours_is_taken_apart_exactly() -> None:
    alpha = torch.tensor([[0.0, 0.25, 0.5, 1.0]])
    screen, subject = (colour.view(3, 1).expand(3, 4) for colour in (SCREENS["green"], SKIN))
    mixtures = Mixtures(torch.lerp(screen, subject, alpha), screen, subject, torch.ones(1, 4))
    found, noise = estimate_alpha(mixtures, 0.01)
    assert torch.allclose(found, alpha, atol=1e-5)
    assert bool((noise > 0).all())
    assert torch.allclose(estimate_colour(mixtures, alpha, 0.0), subject, atol=1e-5)


def test_a_subject_lighter_or_darker_than_expected_hardly_changes_alpha() -> None:
    screen, subject = SCREENS["green"].view(3, 1), torch.tensor([0.5, 0.5, 0.5]).view(3, 1)
    for light in (0.6, 1.6):
        mixtures = Mixtures(torch.lerp(screen, light * subject, 0.5), screen, subject, torch.ones(1, 1))
        assert estimate_alpha(mixtures, 0.0)[0].item() == pytest.approx(0.5, abs=0.02)


def test_a_colour_of_its_own_is_not_explained_as_a_mixture() -> None:
    screen, subject = SCREENS["green"].view(3, 1), SKIN.view(3, 1)
    colours = (torch.lerp(screen, subject, 0.7), torch.tensor([[0.2], [0.2], [0.7]]))
    for colour, wanted in zip(colours, (1.0, 0.0), strict=True):
        mixtures = Mixtures(colour, screen, subject, torch.ones(1, 1))
        found = explained(mixtures, estimate_alpha(mixtures, 0.0)[0], 0.0)
        assert found.item() == pytest.approx(wanted, abs=1e-3)


def test_a_flat_alpha_of_nothing_known_is_taken_for_grey() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 128), indexing="ij")
    smoke = (0.6 * torch.exp(-(x**2 + y**2) / 0.08))[None]
    found, _ = key(shot(smoke, torch.tensor([0.9, 0.9, 0.9])), black=0, white=1)
    assert float((found - smoke).abs().mean()) < 0.01


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"black": 0.9, "white": 0.2}, "black must be below white"),
        ({"choke": 100.0}, "choke must be -64 to 64"),
        ({"despill": 1.5}, "despill must be 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        KeySettings(**settings)


def test_a_mask_of_another_size_is_refused() -> None:
    frame = screen_picture()
    with pytest.raises(InputError, match="frame and garbage must have one size"):
        key_frame(frame, find_screen(frame[None], "green"), garbage=torch.zeros(1, 10, 10))


def test_every_operation_runs_on_every_device(device: torch.device) -> None:
    frame = shot(disc())
    screen = follow_screen(find_screen(frame[None].to(device), "green"), frame.to(device))
    found, foreground = key_frame(frame.to(device), screen)
    assert torch.allclose(found.cpu(), key_frame(frame, follow_screen(find_screen(frame[None]), frame))[0], atol=0.01)
    assert foreground is not None and foreground.device.type == device.type


@pytest.mark.skipif(not CLIPS.is_dir(), reason="needs the foreground clips in ../shared/data/train")
@pytest.mark.parametrize("name", ["anatomy_cg", "lion_b"])
@pytest.mark.parametrize("screen", ["green", "blue"])
def test_keyed_clips_over_a_flat_screen_err_by_far_less_than_two_per_cent(name: str, screen: str) -> None:
    colour, alpha = (first_frames(CLIPS / f"{name}_{part}") for part in ("fg.mp4", "alpha.mkv"))
    alpha = alpha[:, :1]
    frames = (composite(colour, alpha, SCREENS[screen].view(3, 1, 1)) * 255).round() / 255
    found, _, _ = Keyer(find_screen(frames, screen), KeySettings()).step(frames)
    assert float((found - alpha).abs().mean()) < 0.003


def first_frames(path: Path, count: int = 2) -> Tensor:
    with av.open(str(path)) as container:
        pictures = [
            frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(video=0), range(count), strict=False)
        ]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
