from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, Rules
from mattekit.data.scene import Geometry, Scene, geometry, paste, shrunk_layer
from sources import write_background, write_foreground


def _scene(foreground: Entry, background: Entry, *, seed: int = 4, rules: Rules | None = None) -> Scene:
    composite = Composite("one", "train", foreground.name, background.name, seed)
    return Scene(composite, foreground, background, rules or Rules())


@pytest.mark.parametrize(
    ("foreground", "background", "expected"),
    [
        # not enlarged; the frame is 1.2 times as long on each side
        ((100, 200), (1080, 1920), Geometry((100, 200), (1080, 1920), (120, 240))),
        # shrunk to 1920; the background grows until it covers, in both directions
        ((1000, 3840), (1080, 1920), Geometry((500, 1920), (1080, 1920), (600, 1920))),
        ((600, 300), (200, 400), Geometry((600, 300), (600, 1200), (600, 360))),
        # never more than the background has
        ((100, 100), (110, 400), Geometry((100, 100), (110, 400), (110, 120))),
    ],
)
def test_sizes_follow_the_published_rules(
    foreground: tuple[int, int], background: tuple[int, int], expected: Geometry
) -> None:
    assert geometry(foreground, background) == expected


def test_lengths_are_the_shorter_of_the_sources_and_the_limit(tmp_path: Path) -> None:
    still, clip = write_foreground(tmp_path, "still"), write_foreground(tmp_path, "clip", frames=6)
    wall, park = write_background(tmp_path, "wall"), write_background(tmp_path, "park", frames=9)
    assert [_scene(still, wall).frames, _scene(still, park).frames] == [60, 9]
    assert [_scene(clip, wall).frames, _scene(clip, park).frames] == [6, 6]
    limits = Rules(still_frames=4, clip_frames=3)
    assert [_scene(still, park, rules=limits).frames, _scene(clip, park, rules=limits).frames] == [4, 3]


def test_frames_from_the_middle_are_those_of_the_whole(tmp_path: Path) -> None:
    for frames in (1, 6):
        scene = _scene(
            write_foreground(tmp_path, f"f{frames}", frames=frames), write_background(tmp_path, "p", frames=9)
        )
        whole, part = list(scene.draw()), list(scene.draw(2, 3))
        assert len(whole) == scene.frames and len(part) == 3
        for one, two in zip(whole[2:5], part, strict=True):
            assert torch.equal(one.frame, two.frame) and torch.equal(one.alpha, two.alpha)


def test_a_clip_stands_in_the_middle_as_it_is(tmp_path: Path) -> None:
    ball = write_foreground(tmp_path, "ball", frames=6, size=(40, 48))
    scene = _scene(ball, write_background(tmp_path, "park", frames=9))
    placed = next(scene.draw())
    assert scene.size == (48, 57) and scene.places is None and scene.flow(placed.alpha[None].float()) is None
    inside = placed.alpha[0, 4:44, 4:52]
    assert (placed.alpha.long().sum() == inside.long().sum()) and inside[20, 24] == 255
    assert torch.equal(placed.frame[:, :4], placed.background[:, :4])


def test_the_exact_flow_of_a_still_holds_only_on_the_figure(tmp_path: Path) -> None:
    scene = _scene(write_foreground(tmp_path, "disc"), write_background(tmp_path, "park", frames=9))
    alpha = torch.stack([placed.alpha for placed in scene.draw(3, 4)]).float() / 255
    found = scene.flow(alpha, 3)
    assert found is not None
    flow, valid = found
    assert flow.shape == (3, 2, *scene.size) and valid.shape == (3, 1, *scene.size)
    assert 0 < valid.mean() < 1 and not valid[alpha[:3] == 0].any()


def test_another_seed_moves_otherwise_and_crops_elsewhere(tmp_path: Path) -> None:
    disc, park = write_foreground(tmp_path, "disc"), write_background(tmp_path, "park", frames=9)
    one, two = (list(_scene(disc, park, seed=seed).draw())[-1] for seed in (1, 2))
    assert not torch.equal(one.alpha, two.alpha) and not torch.equal(one.background, two.background)


def test_blur_softens_the_background_only(tmp_path: Path) -> None:
    disc, park = write_foreground(tmp_path, "disc"), write_background(tmp_path, "park", frames=9)
    sharp, soft = (next(_scene(disc, park, rules=Rules(blur=blur)).draw()) for blur in (False, True))
    assert torch.equal(sharp.alpha, soft.alpha) and torch.equal(sharp.foreground, soft.foreground)
    steps = [placed.background.float().diff(dim=2).abs().max() for placed in (sharp, soft)]
    assert steps[1] < steps[0] / 2


def test_shrinking_draws_no_colour_from_beyond_the_edge() -> None:
    layer = torch.zeros(4, 20, 20, dtype=torch.uint8)
    layer[:, :, 7:] = torch.tensor([200, 80, 40, 255], dtype=torch.uint8)[:, None, None]
    small = shrunk_layer(layer, (10, 10))
    seen = small[3] > 3
    assert seen.any() and (small[0][seen].float() - 200).abs().max() <= 2
    assert shrunk_layer(layer, (20, 20)) is layer


@pytest.mark.parametrize(("side", "seen"), [(3, 9), (8, 36)])
def test_pasting_a_layer_larger_than_the_frame_cuts_it(side: int, seen: int) -> None:
    layer = torch.full((4, side, side), 255, dtype=torch.uint8)
    placed = paste(layer, torch.zeros(3, 6, 6, dtype=torch.uint8))
    assert int((placed.alpha == 255).sum()) == seen == int((placed.frame[0] == 255).sum())


def test_frames_outside_a_scene_are_refused(tmp_path: Path) -> None:
    scene = _scene(write_foreground(tmp_path, "disc"), write_background(tmp_path, "park", frames=9))
    with pytest.raises(InputError, match="frames of one must be chosen from its 9; got 5 to 10"):
        next(scene.draw(5, 5))


def test_an_empty_alpha_is_named(tmp_path: Path) -> None:
    disc = write_foreground(tmp_path, "hole", size=(4, 4))
    with pytest.raises(InputError, match="hole: a foreground's alpha must not be 0 everywhere"):
        next(_scene(disc, write_background(tmp_path, "wall")).draw())
