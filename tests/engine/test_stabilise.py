"""The stabiliser: what flickers goes, what moves stays, and nothing depends on how a clip is cut up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.engine.stabilise import stabilise
from mattekit.ops import gaussian_blur
from mattekit.types import Chunk, Matte

LENGTH, HEIGHT, WIDTH = 9, 96, 128


def _smooth(generator: torch.Generator, size: tuple[int, int], sigma: float) -> Tensor:
    noise = gaussian_blur(torch.randn(1, 3, *size, generator=generator), sigma)[0]
    return ((noise - noise.mean()) / noise.std() * 0.2 + 0.5).clamp(0, 1)


@pytest.fixture(scope="module")
def moving() -> tuple[Tensor, Tensor]:
    """Frames (T, 3, H, W) and true alpha (T, 1, H, W) of a textured disc that moves 2 px a frame over still ground."""
    generator = torch.Generator().manual_seed(5)
    ground, surface = (_smooth(generator, (HEIGHT, WIDTH), 2.0) for _ in range(2))
    y = torch.arange(HEIGHT).view(-1, 1).float()
    x = torch.arange(WIDTH).view(1, -1).float()
    frames, alphas = [], []
    for time in range(LENGTH):
        distance = ((x - 46 - 2 * time).square() + (y - 48).square()).sqrt()
        alpha = ((32 - distance) / 8).clamp(0, 1)[None]
        frames.append(alpha * surface.roll(2 * time, dims=2) + (1 - alpha) * ground)
        alphas.append(alpha)
    return torch.stack(frames), torch.stack(alphas)


def _noisy(alpha: Tensor, amount: float = 0.2) -> Tensor:
    noise = torch.randn(alpha.shape, generator=torch.Generator().manual_seed(1)) * amount
    return torch.where((alpha > 0) & (alpha < 1), (alpha + noise).clamp(0, 1), alpha)


def _run(
    frames: Tensor, alpha: Tensor, *, chunk: int = LENGTH, trimap: Tensor | None = None, **settings: object
) -> Tensor:
    mattes = [
        Matte(
            Chunk(
                start,
                torch.arange(start, min(start + chunk, len(alpha))),
                frames[start : start + chunk],
                None if trimap is None else trimap[start : start + chunk],
            ),
            alpha[start : start + chunk],
            None,
        )
        for start in range(0, len(alpha), chunk)
    ]
    done = list(stabilise(mattes, **settings))  # type: ignore[arg-type]
    assert [matte.chunk.start for matte in done] == list(range(len(alpha)))
    return torch.cat([matte.alpha for matte in done])


def test_what_flickers_on_a_moving_subject_is_outvoted(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    noisy = _noisy(true)
    steady = _run(frames, noisy)
    soft = (true > 0) & (true < 1)
    before, after = ((alpha - true).abs()[soft].mean() for alpha in (noisy, steady))
    assert after < 0.6 * before
    change = [(alpha[1:] - alpha[:-1] - true[1:] + true[:-1]).square().mean() for alpha in (noisy, steady)]
    assert change[1] < 0.3 * change[0]


def test_a_true_matte_that_moves_is_left_as_it_is(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    assert (_run(frames, true) - true).abs().mean() < 5e-4


def test_a_subject_without_texture_is_not_trusted(moving: tuple[Tensor, Tensor]) -> None:
    _, true = moving
    noisy = _noisy(true)
    assert torch.equal(_run(torch.zeros(LENGTH, 3, HEIGHT, WIDTH), noisy), noisy)


def test_how_a_clip_is_cut_into_chunks_changes_nothing(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    noisy = _noisy(true)
    assert torch.equal(_run(frames, noisy, chunk=1), _run(frames, noisy, chunk=4))


def test_no_scene_is_seen_in_another(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    noisy = _noisy(true)
    apart = torch.cat((_run(frames[:4], noisy[:4]), _run(frames[4:], noisy[4:])))
    assert torch.equal(_run(frames, noisy, cuts=[4]), apart)
    assert not torch.equal(_run(frames, noisy), apart)


def test_frames_beyond_the_reach_have_no_say(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    noisy = _noisy(true)
    whole, part = _run(frames, noisy, reach=1), _run(frames[:4], noisy[:4], reach=1)
    assert torch.equal(whole[:3], part[:3])


def test_known_pixels_stay_known(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    trimap = torch.full_like(true, 0.5)
    trimap[:, :, :, :40], trimap[:, :, 40:56, 56:70] = 0, 1
    steady = _run(frames, _noisy(true), trimap=trimap)
    assert torch.equal(steady[trimap != 0.5], trimap[trimap != 0.5])


def test_half_the_strength_goes_half_the_way(moving: tuple[Tensor, Tensor]) -> None:
    frames, true = moving
    noisy = _noisy(true)
    none, half, full = (_run(frames, noisy, strength=strength) for strength in (0.0, 0.5, 1.0))
    assert torch.equal(none, noisy)
    assert torch.allclose(half, (noisy + full) / 2, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (17, 13), (1, 200)])
def test_any_size_and_a_single_frame_pass(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    frames, alpha = (torch.rand(3, planes, *size, generator=generator) for planes in (3, 1))
    steady = _run(frames, alpha, chunk=2)
    assert steady.shape == alpha.shape and steady.min() >= 0 and steady.max() <= 1
    assert torch.equal(_run(frames[:1], alpha[:1]), alpha[:1])


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"strength must be 0 to 1; got 2"):
        next(stabilise([], strength=2))
    with pytest.raises(InputError, match="reach must be 1 frame or more; got 0"):
        next(stabilise([], reach=0))
