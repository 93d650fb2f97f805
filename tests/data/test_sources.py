"""Sources read as tensors, from every form that colour and alpha come in."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from mattekit.checks import InputError, MediaError
from mattekit.data.manifest import Entry
from mattekit.data.sources import person_masks, read_background, read_foreground, source_info

SIZE = (24, 33)


def shades(count: int, channels: int) -> np.ndarray:
    """Pictures (T, H, W, C) of one shade each: red 10 + index, green 40, blue 200, alpha 7 times index."""
    shade = np.array([[10 + index, 40, 200, 7 * index] for index in range(count)], np.uint8)[:, None, None, :channels]
    return np.broadcast_to(shade, (count, *SIZE, channels)).copy()


def write_folder(folder: Path, pictures: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture.squeeze()).save(folder / f"{index:04d}.png")
    return folder


def write_clip(path: Path, pictures: np.ndarray, *, codec: str = "ffv1", layout: str = "bgr0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    form = {1: "gray", 3: "rgb24", 4: "rgba"}[pictures.shape[-1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(24))
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], layout
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture.squeeze() if form == "gray" else picture, format=form)
            container.mux(stream.encode(frame.reformat(format=layout)))
        container.mux(stream.encode(None))
    return path


def entry(path: Path, alpha: Path | None = None, *, role: str = "foreground", still: bool = False) -> Entry:
    return Entry("thing", role, path, alpha, still)


@pytest.fixture
def forms(tmp_path: Path) -> dict[str, Entry]:
    """One clip of six frames in each form."""
    four, three, one = shades(6, 4), shades(6, 3), shades(6, 4)[..., 3:]
    colour = write_folder(tmp_path / "colour", three)
    return {
        "folder and folder": entry(colour, write_folder(tmp_path / "alpha", one)),
        "folder and video": entry(colour, write_clip(tmp_path / "alpha.mkv", one, layout="gray")),
        "video and folder": entry(write_clip(tmp_path / "colour.mkv", three), tmp_path / "alpha"),
        "folder of cut-outs": entry(write_folder(tmp_path / "rgba", four)),
        "video with alpha": entry(write_clip(tmp_path / "rgba.mkv", four, layout="bgra")),
        "folder and cut-outs": entry(colour, tmp_path / "rgba"),
    }


def test_every_form_gives_the_same_bytes(forms: dict[str, Entry]) -> None:
    expected = torch.from_numpy(shades(6, 4)).permute(0, 3, 1, 2)
    for form, one in forms.items():
        read = read_foreground(one)
        assert read.dtype == torch.uint8 and torch.equal(read, expected), form
        assert (source_info(one).size, source_info(one).frames) == (SIZE, 6)


def test_a_window_is_the_same_frames_as_in_the_whole(forms: dict[str, Entry]) -> None:
    for form, one in forms.items():
        whole = read_foreground(one)
        assert torch.equal(read_foreground(one, start=1, count=2, step=3), whole[[1, 4]]), form
        assert torch.equal(read_foreground(one, step=2), whole[::2]), form
        assert torch.equal(read_background(replace(one, role="background", alpha=None), start=5), whole[5:, :3]), form


def test_a_still_has_one_frame_and_sixteen_bits_are_rounded(tmp_path: Path) -> None:
    Image.fromarray(shades(1, 3)[0]).save(tmp_path / "colour.png")
    deep = np.full(SIZE, 257 * 100, np.uint16)
    deep[0, :3] = (257 * 100 + 128, 257 * 100 + 129, 65535)
    Image.fromarray(deep).save(tmp_path / "alpha.png")
    read = read_foreground(entry(tmp_path / "colour.png", tmp_path / "alpha.png", still=True))
    assert read.shape == (1, 4, *SIZE) and read[0, 3, 0, :4].tolist() == [100, 101, 255, 100]


def test_memory_is_that_of_the_window(tmp_path: Path) -> None:
    long = entry(write_clip(tmp_path / "long.mkv", np.zeros((200, 96, 128, 3), np.uint8)), role="background")
    source_info(long)
    tracemalloc.start()
    assert len(read_background(long, start=190, count=2)) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 96 * 128 * 3


def test_an_opaque_grey_mask_with_an_alpha_channel_counts_by_its_grey(tmp_path: Path) -> None:
    Image.fromarray(shades(1, 3)[0]).save(tmp_path / "colour.png")
    grey = np.full((*SIZE, 4), 90, np.uint8)
    grey[..., 3] = 255
    Image.fromarray(grey).save(tmp_path / "alpha.png")
    one = entry(tmp_path / "colour.png", tmp_path / "alpha.png", still=True)
    assert read_foreground(one)[:, 3].unique().tolist() == [90]
    grey[..., 0] = 250
    Image.fromarray(grey).save(tmp_path / "alpha.png")
    assert read_foreground(one)[:, 3].unique().tolist() == [255]


def test_what_does_not_fit_is_refused_by_the_entrys_name(forms: dict[str, Entry], tmp_path: Path) -> None:
    colour = forms["folder and folder"].path
    short = write_clip(tmp_path / "short.mkv", shades(5, 4)[..., 3:], layout="gray")
    small = write_clip(tmp_path / "small.mkv", np.zeros((6, 24, 32, 1), np.uint8), layout="gray")
    for wrong, message in (
        (entry(colour, short), "thing: alpha must have the colour's 6 frames; got 5"),
        (
            entry(colour, small),
            r"thing: alpha must have the colour's size \(height, width\) \(24, 33\); got \(24, 32\)",
        ),
        (entry(colour, tmp_path / "none"), "thing: .*none must be there; No such file"),
        (entry(colour, still=True), "thing: a still must have one frame; .* has 6"),
        (entry(colour), "thing: frame 0 of .*colour must carry alpha; it has none"),
        (entry(colour, colour), "thing: alpha must be grey; frame 0 of .* has colours"),
        (entry(colour, role="background"), "thing: it must be a foreground; it is listed as background"),
    ):
        with pytest.raises(InputError, match=message):
            read_foreground(wrong)


def test_a_window_outside_the_clip_is_refused(forms: dict[str, Entry]) -> None:
    one = forms["folder and folder"]
    for start, count, step in ((0, 7, 1), (6, None, 1), (-1, 2, 1), (0, 0, 1), (2, 3, 2)):
        with pytest.raises(InputError, match=rf"thing: frames must be chosen from its 6, .* got start {start}, count"):
            read_foreground(one, start=start, count=count, step=step)
    with pytest.raises(InputError, match="step must be 1 or more; got 0"):
        read_foreground(one, step=0)


def test_a_clip_cut_short_and_a_file_replaced_are_noticed(forms: dict[str, Entry], tmp_path: Path) -> None:
    one = forms["video with alpha"]
    assert source_info(one).frames == 6
    one.path.write_bytes(one.path.read_bytes()[:-300])
    with pytest.raises(MediaError, match="thing: .*rgba.mkv must be whole"):
        read_foreground(one)
    folder = forms["folder of cut-outs"]
    (folder.path / "0003.png").write_bytes((folder.path / "0003.png").read_bytes()[:60])
    with pytest.raises(MediaError, match="thing: .*0003.png must be a whole image"):
        read_foreground(folder)


def test_masks_of_people_come_from_pictures_run_lengths_and_segments(tmp_path: Path) -> None:
    Image.fromarray(shades(1, 3)[0]).save(tmp_path / "crowd.png")
    mask = np.zeros(SIZE, np.uint8)
    mask[3:9, 4:20] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    drawn = person_masks(entry(tmp_path / "crowd.png", tmp_path / "mask.png", role="segmentation", still=True))
    assert torch.equal(drawn[0, 0], torch.from_numpy(mask) * 255)

    changes = np.flatnonzero(np.diff(mask.flatten(order="F"), prepend=0, append=0))
    counts = np.diff(np.concatenate(([0], changes, [mask.size]))).tolist()
    picture = {"id": 5, "file_name": "crowd.png", "height": SIZE[0], "width": SIZE[1]}
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    shape = {"image_id": 5, "category_id": 1, "segmentation": {"size": list(SIZE), "counts": counts}}
    content = {"images": [picture], "annotations": [shape], "categories": categories}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    one = entry(tmp_path / "crowd.png", tmp_path / "instances.json", role="segmentation", still=True)
    assert torch.equal(person_masks(one), drawn)

    codes = np.zeros((*SIZE, 3), np.uint8)
    codes[..., 1] = mask * 3
    codes[0, 0] = (9, 0, 0)
    (tmp_path / "panoptic").mkdir()
    Image.fromarray(codes).save(tmp_path / "panoptic/crowd.png")
    segments = [{"id": 768, "category_id": 1}, {"id": 9, "category_id": 2}]
    shape = {"image_id": 5, "file_name": "crowd.png", "segments_info": segments}
    (tmp_path / "panoptic.json").write_text(json.dumps(content | {"annotations": [shape]}))
    assert torch.equal(person_masks(replace(one, alpha=tmp_path / "panoptic.json")), drawn)


def test_outlines_of_people_are_filled_and_an_unknown_picture_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="outlines are drawn by pycocotools, an extra")
    Image.fromarray(shades(1, 3)[0]).save(tmp_path / "crowd.png")
    picture = {"id": 5, "file_name": "crowd.png", "height": SIZE[0], "width": SIZE[1]}
    square = {"image_id": 5, "category_id": 1, "segmentation": [[4, 3, 20, 3, 20, 9, 4, 9]]}
    content = {"images": [picture], "annotations": [square], "categories": [{"id": 1, "name": "person"}]}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    one = entry(tmp_path / "crowd.png", tmp_path / "instances.json", role="segmentation", still=True)
    filled = person_masks(one)[0, 0] == 255
    assert filled[3:9, 4:20].all() and filled.sum() == 6 * 16
    Image.fromarray(shades(1, 3)[0]).save(tmp_path / "other.png")
    with pytest.raises(InputError, match=r"thing: .*instances.json must say where people are in other.png"):
        person_masks(replace(one, path=tmp_path / "other.png"))


def test_frames_of_an_annotated_clip_need_not_be_numbered_without_gaps(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", shades(2, 3))
    (folder / "0001.png").rename(folder / "0005.png")
    (folder / "0003.png").write_bytes((folder / "0000.png").read_bytes())
    clip = {"id": 1, "height": SIZE[0], "width": SIZE[1], "file_names": ["clip/0000.png", "clip/0005.png"]}
    whole = {"size": list(SIZE), "counts": [0, SIZE[0] * SIZE[1]]}
    track = {"video_id": 1, "category_id": 26, "segmentations": [None, whole]}
    content = {"videos": [clip], "annotations": [track], "categories": [{"id": 26, "name": "person"}]}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    one = entry(folder, tmp_path / "instances.json", role="segmentation")
    assert person_masks(one).amax(dim=(1, 2, 3)).tolist() == [0, 255]
    assert read_background(one)[:, 0, 0, 0].tolist() == [10, 11]
