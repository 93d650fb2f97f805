"""First trimaps: from a box and from rough strokes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mattekit.checks import InputError
from mattekit.studio.guess import default_band, from_box, from_rough, trimap_of_mask
from scenes import soft_disc

SIZE = (120, 160)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Return a frame (H, W, 3) with a disc of two colours before a ground of many, and the disc's alpha."""
    draw = np.random.default_rng(5)
    ground = cv2.resize(draw.uniform(0, 120, (8, 10, 3)), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    disc = cv2.resize(draw.uniform(150, 250, (3, 3, 3)), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    alpha = soft_disc(1, SIZE, softness=3.0).alpha[0, 0].numpy()
    frame = alpha[..., None] * disc + (1 - alpha[..., None]) * ground + draw.normal(0, 3, (*SIZE, 3))
    return frame.round().clip(0, 255).astype(np.uint8), alpha


def check(trimap: np.ndarray, alpha: np.ndarray) -> None:
    """Raise unless what a trimap calls known is so but for a few pixels, and no more than a band is unknown."""
    assert np.unique(trimap).tolist() == [0, 128, 255]
    assert (alpha[trimap == 0] > 0.5).mean() < 1e-3 and (alpha[trimap == 255] < 0.5).mean() < 1e-2
    assert (trimap == 128).mean() < 0.15


def test_what_stands_in_a_box_is_found() -> None:
    frame, alpha = scene()
    check(from_box(frame, (20, 10, 110, 100), band=3), alpha)


def test_a_line_through_the_subject_is_enough_and_stays_foreground() -> None:
    frame, alpha = scene()
    rough = np.zeros(SIZE, dtype=np.uint8)
    rough[50:58, 50:80] = 255
    found = from_rough(frame, rough, band=3)
    check(found, alpha)
    assert (found[rough == 255] == 255).all()


def test_a_guess_is_the_same_every_time_and_at_a_larger_size_too() -> None:
    frame, alpha = scene()
    large, whole = (np.kron(part, np.ones((8, 8, 1) if part.ndim == 3 else (8, 8))) for part in (frame, alpha))
    found = [from_box(large.astype(np.uint8), (160, 80, 880, 800), band=12) for _ in range(2)]
    assert np.array_equal(*found)
    check(found[0], whole)


def test_the_band_reaches_so_many_pixels_to_both_sides_of_an_edge() -> None:
    mask = np.zeros((1, 8), dtype=bool)
    mask[:, 4:] = True
    assert trimap_of_mask(mask, band=2)[0].tolist() == [0, 0, 128, 128, 128, 128, 255, 255]
    assert trimap_of_mask(mask, band=0)[0].tolist() == [0, 0, 0, 0, 255, 255, 255, 255]
    assert (trimap_of_mask(np.ones((3, 3), dtype=bool), band=2) == 255).all()
    assert default_band((360, 640)) == 13


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda frame: from_box(frame, (5, 5, 5, 9), band=2), "the box must hold a part of the frame"),
        (lambda frame: from_box(frame, (500, 5, 600, 9), band=2), "the box must hold a part of the frame"),
        (lambda frame: from_box(frame, (0, 0, 160, 120), band=2), "background must be left around the subject"),
        (lambda frame: from_rough(frame, np.zeros(SIZE, np.uint8), band=2), "must mark some foreground"),
    ],
)
def test_what_cannot_be_guessed_from_is_refused(call, said: str) -> None:
    with pytest.raises(InputError, match=said):
        call(scene()[0])
