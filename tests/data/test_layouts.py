"""Every layout on a tiny tree of its kind, made on the spot and read to the last pixel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mattekit.checks import InputError
from mattekit.data.check import check_entries
from mattekit.data.layouts import LAYOUTS, Pair, detect, list_folder, match_pairs, read_pairs, read_sources
from mattekit.data.layouts.videomatting108 import read_frame_pairs
from mattekit.data.manifest import Entry, write_manifest
from mattekit.data.sources import person_masks

SIZE = (16, 24)
SHADES = iter(range(10_000))


def draw(root: Path, *names: str, mode: str = "RGB") -> None:
    """Write pictures, each of bytes of its own; of mode L and RGBA the alpha is a ramp."""
    for name in names:
        shade = next(SHADES)
        pixels = np.full((*SIZE, 4), 60 + shade % 190, np.uint8)
        pixels[0, 0, :3] = (shade % 256, shade // 256, 77)
        pixels[..., 3] = np.linspace(0, 255, SIZE[1])
        kept = {"L": pixels[..., 3], "RGB": pixels[..., :3], "RGBA": pixels}[mode]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(kept).save(root / name)


def film(root: Path, *names: str, grey: bool = False) -> None:
    """Write videos of two frames, each of bytes of its own."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(root / name), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(24))
            stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
            ramp = np.broadcast_to(np.linspace(0, 255, SIZE[1]).astype(np.uint8)[None, :, None], (*SIZE, 3))
            picture = ramp if grey else np.full((*SIZE, 3), 60 + 17 * next(SHADES) % 190, np.uint8)
            for _ in range(2):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
            container.mux(stream.encode(None))


def told(entries: Sequence[Entry], root: Path) -> dict[str, tuple[str, str | None, bool, str]]:
    """Return the colour, the alpha, whether it is a still, and the split of every entry by name."""
    return {
        entry.name: (
            entry.path.relative_to(root).as_posix(),
            entry.alpha and entry.alpha.relative_to(root).as_posix(),
            entry.still,
            entry.split,
        )
        for entry in entries
    }


def found(root: Path, layout: str) -> dict[str, tuple[str, str | None, bool, str]]:
    """Return what a tree's own layout lists, after every source was decoded and nothing was found to be wrong."""
    assert detect(root) == layout
    entries = list_folder(root)
    assert [problem.message for problem in check_entries(entries) if problem.kind != "licence"] == []
    assert {entry.use for entry in entries} == {"research"}
    return told(entries, root)


def dvm_tree(root: Path) -> None:
    draw(root, "fg/image/train/fg/cat.png", "fg/image/test/fg/old dog (1).png")
    draw(root, "fg/image/train/alpha/cat.png", "fg/image/test/alpha/old dog (1).png", mode="L")
    draw(root, "fg/image/test/trimap/old dog (1).png", mode="L")
    film(root, "fg/video/train/0000/f.mp4", "fg/video/test/fg/0000.mp4", "bg/train/0000.mp4", "bg/test/0105.mp4")
    film(root, "fg/video/train/0000/a.mp4", "fg/video/test/alpha/0000.mp4", grey=True)
    draw(root, "bg/test/0106/1.jpg", "bg/test/0106/2.jpg")


def test_the_dvm_tree_with_either_form_of_clips(tmp_path: Path) -> None:
    dvm_tree(tmp_path)
    assert found(tmp_path, "dvm") == {
        "image/train/cat": ("fg/image/train/fg/cat.png", "fg/image/train/alpha/cat.png", True, "train"),
        "image/test/old dog (1)": (
            *("fg/image/test/fg/old dog (1).png", "fg/image/test/alpha/old dog (1).png"),
            *(True, "test"),
        ),
        "video/train/0000": ("fg/video/train/0000/f.mp4", "fg/video/train/0000/a.mp4", False, "train"),
        "video/test/0000": ("fg/video/test/fg/0000.mp4", "fg/video/test/alpha/0000.mp4", False, "test"),
        "bg/train/0000": ("bg/train/0000.mp4", None, False, "train"),
        "bg/test/0105": ("bg/test/0105.mp4", None, False, "test"),
        "bg/test/0106": ("bg/test/0106", None, False, "test"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "image+old dog (1).png+0105.mp4\nvideo+0000+0106\n",
        "# test\nimage\told dog (1)\t0105\r\n\nVideo\t0000.mp4\t0106\n",
        "image old dog (1).png 0105.mp4\nvideo  0000  0106.mp4",
        "image + old dog (1) + 0105\nvideo + 0000 + bg/0106.mp4\n",
    ],
    ids=["as published", "tabs", "spaces", "plus signs with spaces"],
)
def test_a_list_of_pairs_in_any_form_finds_its_sources(tmp_path: Path, text: str) -> None:
    dvm_tree(tmp_path)
    (tmp_path / "pairs.txt").write_text(text, newline="")
    pairs = match_pairs(read_pairs(tmp_path / "pairs.txt"), list_folder(tmp_path))
    assert [(one.name, other.name) for one, other in pairs] == [
        ("image/test/old dog (1)", "bg/test/0105"),
        ("video/test/0000", "bg/test/0106"),
    ]


def test_a_plus_sign_may_be_in_the_name_of_a_foreground(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("image+a+b.png+0001.mp4\n")
    assert read_pairs(tmp_path / "pairs.txt") == [Pair("image", "a+b.png", "0001.mp4", 1)]


def test_every_line_that_fits_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("image+cat.png+0105.mp4\nimage+cat.png\nphoto+cat+1\n")
    with pytest.raises(InputError, match=r"got line 2 'image\+cat.png', line 3 'photo\+cat\+1'; mend them"):
        read_pairs(tmp_path / "pairs.txt")
    with pytest.raises(InputError, match="must be a file that can be read"):
        read_pairs(tmp_path / "none.txt")
    (tmp_path / "pairs.txt").write_text("\n")
    with pytest.raises(InputError, match="got none"):
        read_pairs(tmp_path / "pairs.txt")
    dvm_tree(tmp_path)
    pairs = [Pair("image", "cat.png", "0105", 1), Pair("video", "0000", "0000", 2), Pair("video", "0000", "0105", 3)]
    entries = list_folder(tmp_path)
    message = r"line 1 image foreground 'cat.png' \(0 of that name\), line 2 background '0000' \(0 of that name\); add"
    with pytest.raises(InputError, match=message):
        match_pairs(pairs, entries)
    with pytest.raises(InputError, match=r"line 3 background '0105' \(2 of that name\)"):
        match_pairs(pairs[2:], [*entries, *(entry for entry in entries if entry.name == "bg/test/0105")])


def test_videomatte_with_folders_videos_and_pictures(tmp_path: Path) -> None:
    draw(tmp_path, "train/fgr/0001/0.jpg", "train/fgr/0001/1.jpg", "test/fgr/anna.png")
    draw(tmp_path, "train/pha/0001/0.png", "train/pha/0001/1.png", "test/pha/anna.jpg", mode="L")
    film(tmp_path, "valid/fgr/0002.mp4")
    film(tmp_path, "valid/pha/0002.mp4", grey=True)
    assert found(tmp_path, "videomatte") == {
        "train/0001": ("train/fgr/0001", "train/pha/0001", False, "train"),
        "validation/0002": ("valid/fgr/0002.mp4", "valid/pha/0002.mp4", False, "validation"),
        "test/anna": ("test/fgr/anna.png", "test/pha/anna.jpg", True, "test"),
    }


def test_the_clips_that_rvm_validates_on_are_set_apart_only_where_all_are_there(tmp_path: Path) -> None:
    for name in ("0000", "0001", "0100", "0200"):
        film(tmp_path, f"train/fgr/{name}.mp4", f"train/pha/{name}.mp4")
    assert {entry.split for entry in list_folder(tmp_path)} == {"train"}
    film(tmp_path, "train/fgr/0300.mp4", "train/pha/0300.mp4")
    assert [entry.split for entry in list_folder(tmp_path)] == ["validation", "train", *["validation"] * 3]
    film(tmp_path, "valid/fgr/9.mp4", "valid/pha/9.mp4")
    assert [entry.split for entry in list_folder(tmp_path)] == [*["train"] * 5, "validation"]


def test_adobe_and_distinctions_at_any_of_their_depths(tmp_path: Path) -> None:
    draw(tmp_path, "Training_set/Other/fg/cat.jpg", "Test_set/Other/fg/cat.jpg", "Distinctions/Test/FG/a.b.png")
    draw(tmp_path, "Training_set/Other/alpha/cat.jpg", "Test_set/Other/alpha/cat.jpg", mode="L")
    draw(tmp_path, "Distinctions/Test/GT/a.b.png", mode="L")
    assert found(tmp_path, "adobe") == {
        "Training_set/Other/cat": (
            *("Training_set/Other/fg/cat.jpg", "Training_set/Other/alpha/cat.jpg"),
            *(True, "train"),
        ),
        "Test_set/Other/cat": ("Test_set/Other/fg/cat.jpg", "Test_set/Other/alpha/cat.jpg", True, "test"),
        "Distinctions/Test/a.b": ("Distinctions/Test/FG/a.b.png", "Distinctions/Test/GT/a.b.png", True, "test"),
    }
    assert list_folder(tmp_path / "Test_set/Other")[0].name == "cat"


def test_what_has_no_partner_is_listed_with_the_file_that_is_missing(tmp_path: Path) -> None:
    draw(tmp_path, "fg/cat.png", "alpha/dog.png")
    problems = check_entries(list_folder(tmp_path))
    assert [(problem.kind, problem.message.split("; ")[0]) for problem in problems if problem.is_error] == [
        ("missing", f"cat: {tmp_path}/alpha/cat.png must be there"),
        ("missing", f"dog: {tmp_path}/fg/dog.png must be there"),
    ]
    draw(tmp_path, "fg/cat.jpg")
    with pytest.raises(InputError, match=r"must differ without their suffixes; cat.jpg and cat.png do not; rename one"):
        list_folder(tmp_path)


def test_videomatting108_with_its_lists_and_its_pairing(tmp_path: Path) -> None:
    draw(tmp_path, *(f"FG_done/{clip}/{index:04d}.png" for clip in ("hair", "net") for index in (3, 4)), mode="RGBA")
    draw(tmp_path, *(f"BG_done/{clip}/{index:02d}.png" for clip in ("sea", "town") for index in (1, 2)))
    pairing = {
        f"{clip}/{index + 3:04d}.png": f"{behind}/{index + 1:02d}.png"
        for clip, behind in (("hair", "sea"), ("net", "town"))
        for index in (1, 0)
    }
    (tmp_path / "frame_corr.json").write_text(json.dumps(pairing))
    (tmp_path / "train_videos.txt").write_text("hair\n")
    (tmp_path / "val_videos.txt").write_text("net\n")
    assert found(tmp_path, "videomatting108") == {
        "fg/hair": ("FG_done/hair", None, False, "train"),
        "fg/net": ("FG_done/net", None, False, "validation"),
        "bg/sea": ("BG_done/sea", None, False, "train"),
        "bg/town": ("BG_done/town", None, False, "validation"),
    }
    assert read_frame_pairs(tmp_path)["net"] == [("net/0003.png", "town/01.png"), ("net/0004.png", "town/02.png")]
    (tmp_path / "val_videos.txt").write_text("lace\n")
    with pytest.raises(InputError, match=r"val_videos.txt must name clips of frame_corr.json; lace is none"):
        list_folder(tmp_path)
    (tmp_path / "frame_corr.json").write_text("[]")
    with pytest.raises(InputError, match=r"frame_corr.json must pair frames by name"):
        list_folder(tmp_path)


def test_portraits_as_aisegment_keeps_them_and_side_by_side(tmp_path: Path) -> None:
    draw(tmp_path / "a", "clip_img/18/clip_00/18-01.jpg")
    draw(tmp_path / "a", "matting/18/matting_00/18-01.png", mode="RGBA")
    (tmp_path / "a/matting/18/._matting_00").mkdir()
    assert found(tmp_path / "a", "portraits") == {
        "18/00/18-01": ("clip_img/18/clip_00/18-01.jpg", "matting/18/matting_00/18-01.png", True, "train")
    }
    draw(tmp_path / "b", "train/image/1.jpg", "val/image/1.jpg")
    draw(tmp_path / "b", "train/matte/1.png", "val/matte/1.png", mode="L")
    assert found(tmp_path / "b", "portraits") == {
        "train/1": ("train/image/1.jpg", "train/matte/1.png", True, "train"),
        "validation/1": ("val/image/1.jpg", "val/matte/1.png", True, "validation"),
    }


def test_pictures_with_masks_of_people(tmp_path: Path) -> None:
    draw(tmp_path, "img/ds1_1.jpg")
    draw(tmp_path, "seg/ds1_1.png", mode="L")
    assert found(tmp_path, "people") == {"ds1_1": ("img/ds1_1.jpg", "seg/ds1_1.png", True, "train")}


def test_coco_lists_the_pictures_with_a_person_and_their_licence(tmp_path: Path) -> None:
    draw(tmp_path, "val2017/007.jpg", "val2017/008.jpg", "val2017/009.jpg")
    pictures = [
        {"id": number, "file_name": f"{number:03d}.jpg", "height": 16, "width": 24, "license": 4}
        for number in (7, 8, 9)
    ]
    shape = {"size": list(SIZE), "counts": [0, 16, 368]}
    shapes = [
        {"image_id": 7, "category_id": 1, "segmentation": shape},
        {"image_id": 7, "category_id": 32, "segmentation": {"size": list(SIZE), "counts": [16, 16, 352]}},
        {"image_id": 8, "category_id": 32, "segmentation": shape},
        {"image_id": 9, "category_id": 17, "segmentation": shape},
    ]
    categories = [{"id": 1, "name": "person"}, {"id": 32, "name": "tie"}, {"id": 17, "name": "cat"}]
    content = {
        "images": pictures,
        "annotations": shapes,
        "categories": categories,
        "licenses": [{"id": 4, "name": "Attribution License"}],
    }
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(content))
    place = "annotations/instances_val2017.json"
    assert found(tmp_path, "coco") == {"val2017/007": ("val2017/007.jpg", place, True, "validation")}
    (entry,) = list_folder(tmp_path)
    assert entry.licence == "Attribution License"
    assert (person_masks(entry)[0, 0, 0] == 255).tolist() == [True, True, *[False] * 22]

    segments = [{"id": 5, "category_id": 1}]
    rows = [{"image_id": 8, "file_name": "008.png", "segments_info": segments}]
    (tmp_path / "annotations/panoptic_val2017.json").write_text(json.dumps(content | {"annotations": rows}))
    draw(tmp_path, "panoptic_val2017/008.png")
    assert list(found(tmp_path, "coco")) == ["val2017/008"]


def test_youtubevis_lists_the_clips_with_a_person(tmp_path: Path) -> None:
    draw(tmp_path, *(f"train/JPEGImages/{clip}/{frame:05d}.jpg" for clip in ("ab", "cd") for frame in (0, 5)))
    clips = [
        {"id": number, "height": 16, "width": 24, "file_names": [f"{clip}/00000.jpg", f"{clip}/00005.jpg"]}
        for number, clip in enumerate(("ab", "cd"))
    ]
    shape = {"size": list(SIZE), "counts": [0, 16, 368]}
    tracks = [
        {"video_id": 1, "category_id": 26, "segmentations": [shape, None]},
        {"video_id": 0, "category_id": 1, "segmentations": [shape, shape]},
    ]
    content = {
        "videos": clips,
        "annotations": tracks,
        "categories": [{"id": 26, "name": "person"}, {"id": 1, "name": "airplane"}],
    }
    (tmp_path / "train/instances.json").write_text(json.dumps(content))
    assert found(tmp_path, "coco") == {"train/cd": ("train/JPEGImages/cd", "train/instances.json", False, "train")}
    (tmp_path / "train/instances.json").write_text('{"videos": []}')
    with pytest.raises(InputError, match=r"must be annotations as COCO or YouTubeVIS has them; KeyError: 'categories'"):
        list_folder(tmp_path)


def index_tree(root: Path) -> None:
    draw(root, "fg/cat_fg.jpg", "bg/wood.jpg")
    draw(root, "fg/cat_alpha.png", mode="L")
    film(root, "fgv/man_fg.mp4", "bgv/sea.mp4", "real/woman.mp4")
    film(root, "fgv/man_alpha.mp4", grey=True)
    rows = [
        "path,kind,use,alpha_kind,licence",
        "fg/cat_fg.jpg,fg-image,ship,machine-made,CC0",
        "fg/cat_alpha.png,fg-alpha,ship,machine-made,CC0",
        "bg/wood.jpg,bg-image,unclear,,",
        "fgv/man_fg.mp4,fg-video,research,chroma-keyed,",
        "fgv/man_alpha.mp4,fg-alpha-video,research,chroma-keyed,",
        "bgv/sea.mp4,bg-video,ship,,CC0",
        "real/woman.mp4,real-video,research,,",
    ]
    (root / "INDEX.csv").write_text("\n".join(rows) + "\n")


def test_an_index_lists_foregrounds_with_their_alpha_and_backgrounds(tmp_path: Path) -> None:
    index_tree(tmp_path)
    entries = read_sources(tmp_path)
    assert entries == read_sources(tmp_path / "INDEX.csv")
    assert told(entries, tmp_path) == {
        "fg/cat": ("fg/cat_fg.jpg", "fg/cat_alpha.png", True, "train"),
        "bg/wood": ("bg/wood.jpg", None, True, "train"),
        "fgv/man": ("fgv/man_fg.mp4", "fgv/man_alpha.mp4", False, "train"),
        "bgv/sea": ("bgv/sea.mp4", None, False, "train"),
    }
    assert [entry.use for entry in entries] == ["ship", "research", "research", "ship"]
    assert [problem for problem in check_entries(entries) if problem.is_error] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,kind,use\n", r"must have the columns .*; missing: alpha_kind"),
        ("path,kind,use,alpha_kind\na.png,fg,ship,\n", r"line 2: column kind must be one of fg-image, .*; got 'fg'"),
        ("path,kind,use,alpha_kind,split\na.png,bg-image,ship,,dev\n", r"line 2: column split must be one of .*'dev'"),
    ],
)
def test_a_wrong_index_is_named_by_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "INDEX.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list_folder(tmp_path)


def test_footage_is_listed_as_backgrounds_only_when_asked(tmp_path: Path) -> None:
    draw(tmp_path, "wood.jpg", "pan/1.png", "pan/2.png")
    film(tmp_path, "sea.mp4")
    with pytest.raises(InputError, match=r"must be laid out in a known way; it fits none of these: index: INDEX.csv; "):
        detect(tmp_path)
    entries = list_folder(tmp_path, layout="backgrounds")
    assert told(entries, tmp_path) == {
        "wood": ("wood.jpg", None, True, "train"),
        "pan": ("pan", None, False, "train"),
        "sea": ("sea.mp4", None, False, "train"),
    }


def test_a_wrong_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder of sources must exist; .*none does not"):
        read_sources(tmp_path / "none")
    with pytest.raises(InputError, match=r"sources must be a list, .csv or .jsonl, or a folder; .*test_layouts.py is "):
        read_sources(Path(__file__))
    with pytest.raises(InputError, match=r"layout must be one of auto, index, .*; got 'other'"):
        list_folder(tmp_path, layout="other")
    with pytest.raises(InputError, match=r"layout must be one of auto, index, .*; got 'other'"):
        read_sources(tmp_path / "list.csv", layout="other")
    with pytest.raises(InputError, match=r"layout dvm must have fg/image or fg/video.*; .* has not"):
        list_folder(tmp_path, layout="dvm")
    (tmp_path / "fgr").mkdir()
    (tmp_path / "pha").mkdir()
    with pytest.raises(InputError, match="must hold sources; it holds none as layout videomatte"):
        read_sources(tmp_path)
    for layout in LAYOUTS.values():
        assert not layout.matches(tmp_path / "none")


def test_a_list_made_from_a_folder_reads_the_same(tmp_path: Path) -> None:
    dvm_tree(tmp_path)
    write_manifest(tmp_path / "list.csv", list_folder(tmp_path))
    assert sorted(read_sources(tmp_path / "list.csv"), key=str) == sorted(list_folder(tmp_path), key=str)
