"""Finishing along a clip: the order of its steps, what it leaves alone, and what is measured of the result."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import scenes
from mattekit.checks import InputError
from mattekit.engine.finish import finish, repair, shape
from mattekit.engine.finish_settings import Finish
from mattekit.engine.recomposition import EVERY, Recomposition
from mattekit.ops.components import fill_holes
from mattekit.ops.finish import feather, sharpen, soften, stretch
from mattekit.ops.morphology import choke
from mattekit.types import Chunk, Matte

ALL = Finish(
    stabilise=0.7,
    ahead=2,
    black=0.05,
    white=0.9,
    gamma=1.2,
    fill_holes=9,
    drop_islands=9,
    choke=0.7,
    softness=1.5,
    feather=2.0,
    despill=0.5,
)


def mattes(scene: scenes.Scene, *, length: int = 2, alpha: Tensor | None = None) -> Iterator[Matte]:
    alpha = scene.alpha if alpha is None else alpha
    for first in range(0, len(alpha), length):
        part = slice(first, first + length)
        yield Matte(Chunk(first, torch.arange(len(alpha))[part], scene.frames[part]), alpha[part])


def test_the_defaults_pass_mattes_on_untouched() -> None:
    given = list(mattes(scenes.soft_disc(3)))
    pairs = zip(finish(given, Finish(), foreground=False), given, strict=True)
    assert all(found is own for found, own in pairs)
    assert not Finish(ahead=5, despill=1.0).changes_alpha and Finish(choke=0.1).changes_alpha


def test_levels_come_before_holes_and_choke_before_softness_before_feather() -> None:
    alpha = scenes.soft_disc(2).alpha * 0.9
    alpha[..., 20:22, 24:26] = 0.0
    repaired = repair(alpha, Finish(white=0.85, fill_holes=4))
    assert torch.equal(repaired, fill_holes(stretch(alpha, white=0.85), 4))
    assert float(repaired[..., 20:22, 24:26].min()) == 1
    wanted = feather(soften(choke(alpha, 1.5), 2.0), 3.0)
    assert torch.equal(shape(alpha, Finish(choke=1.5, softness=2.0, feather=3.0)), wanted)
    assert torch.equal(shape(alpha, Finish(softness=-0.5)), sharpen(alpha, 0.5))


def test_a_filled_hole_shows_the_frame_and_a_grown_edge_the_subjects_colour() -> None:
    scene = scenes.soft_disc(1)
    pierced = scene.alpha.clone()
    pierced[..., 20:22, 24:26] = 0.0
    (found,) = finish(mattes(scene, alpha=pierced), Finish(fill_holes=4, choke=-3.0), foreground=True)
    assert found.foreground is not None
    assert torch.equal(found.foreground[..., 20:22, 24:26], scene.frames[..., 20:22, 24:26])
    grown = ((scene.alpha < 0.02) & (found.alpha > 0.3)).expand_as(found.foreground)
    assert bool(grown.any())
    assert float((found.foreground - scene.foreground).abs()[grown].mean()) < 0.1
    assert float((found.foreground - scene.foreground).abs()[grown].mean()) < 0.4 * float(
        (scene.frames - scene.foreground).abs()[grown].mean()
    )


@pytest.mark.parametrize("length", [1, 5])
def test_the_length_of_a_chunk_changes_nothing(length: int) -> None:
    pytest.importorskip("cv2", reason="OpenCV, which the stabiliser finds motion with, is not installed")
    scene = scenes.soft_disc(5)
    one, other = (list(finish(mattes(scene, length=each), ALL, foreground=True)) for each in (length, 2))
    assert torch.equal(torch.cat([each.alpha for each in one]), torch.cat([each.alpha for each in other]))
    assert torch.equal(_colours(one), _colours(other))


def _colours(found: list[Matte]) -> Tensor:
    return torch.cat([each.foreground for each in found if each.foreground is not None])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"black": 0.6, "white": 0.4}, r"black must be below white, both in 0 to 1; got 0\.6 and 0\.4"),
        ({"choke": 65.0}, "choke must be -64 to 64; got 65"),
        ({"softness": -1.5}, r"softness must be -1 to 64; got -1\.5"),
        ({"stabilise": 2.0}, "stabilise must be 0 to 1; got 2"),
        ({"ahead": 0}, "ahead must be 1 to 32; got 0"),
        ({"fill_holes": -1}, "fill_holes must be an area of 0 px or more; got -1"),
        ({"gamma": 0.0}, r"gamma must be 0\.1 to 10; got 0"),
        ({"feather": float("nan")}, "feather must be 0 to 64; got nan"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Finish(**settings)  # type: ignore[arg-type]


def test_true_layers_give_the_frame_again_and_a_choked_edge_does_not() -> None:
    scene = scenes.soft_disc(3)
    true, choked, bare = Recomposition(), Recomposition(), Recomposition()
    for matte in finish(mattes(scene), Finish(), foreground=True):
        true.write(matte)
    for matte in finish(mattes(scene), Finish(choke=3.0), foreground=True):
        choked.write(matte)
    for matte in mattes(scene):
        bare.write(matte)
    mean, worst = true.measured().values()
    assert mean is not None and worst is not None
    assert 0 <= mean < 0.004 and mean <= worst < 0.05
    assert choked.measured()["recomposition_mean"] > 3 * mean  # type: ignore[operator]
    assert bare.measured() == {}


def test_one_frame_of_so_many_is_looked_at_whatever_the_chunks() -> None:
    scene = scenes.soft_disc(EVERY + 2, (16, 20))
    wrong = torch.zeros_like(scene.frames)
    figures = []
    for length in (1, 5):
        measured = Recomposition()
        for first in range(0, len(wrong), length):
            part = slice(first, first + length)
            chunk = Chunk(first, torch.arange(len(wrong))[part], scene.frames[part])
            colour = wrong[part].clone()
            for index in range(len(colour)):  # right where it is looked at, wrong elsewhere
                if (first + index) % EVERY == 0:
                    colour[index] = scene.foreground[first + index]
            measured.write(Matte(chunk, scene.alpha[part], colour))
        figures.append(measured.measured())
    assert figures[0] == figures[1] and figures[0]["recomposition_max"] < 0.2  # type: ignore[operator]
