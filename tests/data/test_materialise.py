from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mattekit.checks import InputError, MattekitError
from mattekit.data.loader import ComposedClips
from mattekit.data.materialise import arguments_of, checksums, make
from mattekit.data.plan import Composite, Order, Rules, draw_plan
from mattekit.data.scene import Scene
from mattekit.media import probe, read
from sources import write_background, write_foreground, write_set

RULES = Rules(still_frames=5)


@pytest.fixture
def material(tmp_path: Path) -> tuple[dict[str, object], list[Composite]]:
    entries = write_set(tmp_path / "sources")
    return {entry.name: entry for entry in entries}, draw_plan(entries, split="train", each=1)


def _levels(path: Path) -> Tensor:
    """Return (T, C, H, W) in levels of a stream."""
    if path.is_dir():
        pictures = [np.asarray(Image.open(file)) for file in sorted(path.iterdir())]
        stack = torch.from_numpy(np.stack(pictures))
        return (stack[..., None] if stack.ndim == 3 else stack).permute(0, 3, 1, 2).double()
    return torch.cat([chunk.frames for chunk in read(probe(path))]).double().mul(255).round()


@pytest.mark.parametrize("form", ["clips", "tree"])
def test_stored_composites_are_alpha_f_plus_the_rest_b_to_rounding(tmp_path: Path, material, form: str) -> None:
    sources, plan = material
    order = Order(tmp_path / "out", form)
    for composite in plan:
        record = make(arguments_of(order, composite, sources, RULES))
        home, suffix = order.home(composite), "" if form == "tree" else ".mkv"
        names = ("composite", "alpha", "foreground", "background")
        frames, alpha, foreground, background = (_levels(home / f"{name}{suffix}") for name in names)
        assert frames.shape == foreground.shape == (record["frames"], 3, *record["size"])
        cover = alpha[:, :1] / 255
        assert ((cover * foreground + (1 - cover) * background) - frames).abs().max() <= 0.5 + 1e-4
        assert alpha.max() == 255 and ((alpha > 0) & (alpha < 255)).any()


def test_what_is_stored_is_what_is_drawn_in_memory(tmp_path: Path, material) -> None:
    sources, plan = material
    for composite in plan:
        record = make(arguments_of(Order(tmp_path / "out"), composite, sources, RULES))
        scene = Scene(composite, sources[composite.foreground], sources[composite.background], RULES)
        assert checksums(scene.draw()) == record["checksums"]


def test_making_twice_gives_the_same_bytes_and_a_second_time_does_nothing(tmp_path: Path, material) -> None:
    sources, plan = material
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        record = make(arguments_of(Order(folder), plan[0], sources, RULES))
        assert record["made"]
        home = folder / plan[0].name
        contents.append({path.name: path.read_bytes() for path in sorted(home.iterdir())})
    assert contents[0] == contents[1] and len(contents[0]) == 5
    times = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    assert not make(arguments_of(Order(tmp_path / "two"), plan[0], sources, RULES))["made"]
    assert times == {path: path.stat().st_mtime_ns for path in home.iterdir()}


def test_other_streams_of_a_composite_are_added_to_those_that_are_there(tmp_path: Path, material) -> None:
    sources, plan = material
    make(arguments_of(Order(tmp_path, streams=("alpha", "composite")), plan[0], sources, RULES))
    home = tmp_path / plan[0].name
    alpha = (home / "alpha.mkv").read_bytes()
    record = make(arguments_of(Order(tmp_path, streams=("trimap",)), plan[0], sources, RULES))
    assert record["made"] and set(record["checksums"]) == {"alpha", "composite", "trimap"}
    assert sorted(path.name for path in home.iterdir()) == ["alpha.mkv", "composite.mkv", "sample.json", "trimap.mkv"]
    assert (home / "alpha.mkv").read_bytes() == alpha
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_is_no_composite_is_never_replaced(tmp_path: Path, material) -> None:
    sources, plan = material
    home = tmp_path / plan[0].name
    home.mkdir()
    (home / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="must be a composite or not be there; it holds none"):
        make(arguments_of(Order(tmp_path), plan[0], sources, RULES))
    assert (home / "notes.txt").read_text() == "mine" and list(tmp_path.glob(".*")) == []


def test_a_stream_cut_short_or_a_source_replaced_is_made_again(tmp_path: Path, material) -> None:
    sources, plan = material
    order = Order(tmp_path / "out")
    first = make(arguments_of(order, plan[0], sources, RULES))
    alpha = order.home(plan[0]) / "alpha.mkv"
    alpha.write_bytes(alpha.read_bytes()[:200])
    assert make(arguments_of(order, plan[0], sources, RULES))["made"]
    picture = sources[plan[0].background].path
    picture = sorted(picture.iterdir())[0] if picture.is_dir() else picture
    Image.fromarray(255 - np.asarray(Image.open(picture))).save(picture)
    again = make(arguments_of(order, plan[0], sources, RULES))
    assert again["made"] and again["checksums"]["alpha"] == first["checksums"]["alpha"]
    assert again["checksums"]["background"] != first["checksums"]["background"]


def test_the_number_of_threads_changes_no_pixel(tmp_path: Path) -> None:
    disc = write_foreground(tmp_path, "disc", size=(700, 720))
    road = write_background(tmp_path, "road", size=(500, 300))
    scenes = Scene(Composite("one", "train", "disc", "road", 5), disc, road, Rules(still_frames=2))
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            scene = Scene(scenes.composite, disc, road, scenes.rules)
            found.append(checksums(scene.draw()))
        finally:
            torch.set_num_threads(1)
    assert found[0] == found[1]


def test_a_composite_of_other_rules_or_with_a_stream_missing_is_made_again(tmp_path: Path, material) -> None:
    sources, plan = material
    order = Order(tmp_path / "out")
    make(arguments_of(order, plan[0], sources, RULES))
    assert make(arguments_of(order, plan[0], sources, Rules(still_frames=2, clip_frames=2)))["made"]
    (order.home(plan[0]) / "alpha.mkv").unlink()
    assert make(arguments_of(order, plan[0], sources, Rules(still_frames=2, clip_frames=2)))["made"]


def test_what_an_interrupted_making_left_is_taken_away(tmp_path: Path, material) -> None:
    sources, plan = material
    order = Order(tmp_path / "out")
    part = order.home(plan[0]).with_name(f".{plan[0].name}.part")
    part.mkdir(parents=True)
    (part / "alpha.mkv").write_bytes(b"half")
    make(arguments_of(order, plan[0], sources, RULES))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [plan[0].name]


def test_a_bad_source_is_named_and_nothing_of_its_composite_is_left(tmp_path: Path, material) -> None:
    sources, plan = material
    told = arguments_of(Order(tmp_path / "out"), plan[0], sources, RULES)
    sources[plan[0].foreground].alpha.rename(tmp_path / "gone")
    with pytest.raises(MattekitError, match=f"^{plan[0].foreground}: "):
        make(told)
    assert not (tmp_path / "out").exists()


def test_a_clip_that_breaks_off_leaves_nothing(tmp_path: Path, material) -> None:
    sources, plan = material
    composite = next(each for each in plan if each.foreground == "ball")
    picture = sources["ball"].path / "004.png"
    picture.write_bytes(picture.read_bytes()[:70])
    with pytest.raises(MattekitError, match="^ball: "):
        make(arguments_of(Order(tmp_path / "out"), composite, sources, RULES))
    assert list((tmp_path / "out").rglob("*")) == []


def test_arguments_are_plain_and_small(tmp_path: Path, material) -> None:
    sources, plan = material
    text = json.dumps(arguments_of(Order(tmp_path), plan[0], sources, RULES))
    assert len(text) < 4000


def test_the_record_holds_where_a_still_was_in_every_frame(tmp_path: Path, material) -> None:
    sources, plan = material
    record = make(arguments_of(Order(tmp_path), next(c for c in plan if c.foreground == "disc"), sources, RULES))
    assert torch.tensor(record["places"]).shape == (record["frames"], 2, 3)


def test_a_trimap_can_be_written_beside(tmp_path: Path, material) -> None:
    sources, plan = material
    order = Order(tmp_path, streams=("alpha", "trimap"))
    make(arguments_of(order, plan[0], sources, RULES))
    alpha, trimap = (_levels(order.home(plan[0]) / f"{name}.mkv")[:, :1] for name in ("alpha", "trimap"))
    assert set(trimap.unique().tolist()) <= {0, 128, 255}
    assert (trimap[(alpha > 0) & (alpha < 255)] == 128).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"form": "zip"}, "form must be"), ({"streams": ("depth",)}, "stream must be"), ({"streams": ()}, "at least one")],
)
def test_orders_that_cannot_be_filled_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Order(tmp_path, **change)


def test_the_loader_draws_what_would_be_stored(tmp_path: Path, material) -> None:
    sources, plan = material
    clips = ComposedClips(plan, list(sources.values()), rules=RULES, length=3, windows=2)
    assert len(clips) == 2 * len(plan)
    place = next(i for i, each in enumerate(plan) if each.foreground == "disc")
    sample = clips[2 * place + 1]
    record = make(arguments_of(Order(tmp_path / "out"), plan[place], sources, RULES))
    stored = _levels(tmp_path / "out" / plan[place].name / "composite.mkv")
    assert record["frames"] == 5  # two windows of 3 begin at frames 0 and 2
    assert torch.equal(sample.frames[0].double().mul(255).round(), stored[2:5])
    assert sample.flow_true is not None and sample.flow_true.shape == (1, 2, 2, *record["size"])
    assert torch.equal(clips[2 * place + 1].frames, sample.frames)


def test_the_loader_gives_the_same_in_two_workers(material) -> None:
    from torch.utils.data import DataLoader

    sources, plan = material
    clips = ComposedClips(plan, list(sources.values()), rules=RULES, length=3)
    alone = [sample.frames for sample in DataLoader(clips, batch_size=None)]
    both = [sample.frames for sample in DataLoader(clips, batch_size=None, num_workers=2)]
    assert all(torch.equal(one, two) for one, two in zip(alone, both, strict=True))


def test_a_loader_of_a_source_that_is_not_listed_is_refused(material) -> None:
    sources, plan = material
    with pytest.raises(InputError, match="every source of a plan must be listed; 'disc' is not"):
        ComposedClips([each for each in plan if each.foreground == "disc"], [sources["wall"], sources["park"]])
    with pytest.raises(InputError, match="a composite must have 50 frames or more; none of 3 has"):
        ComposedClips(plan, list(sources.values()), rules=RULES, length=50)
