"""Sources listed in an INDEX.csv."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mattekit.checks import InputError
from mattekit.data.index import index_sources, read_index

HEADER = "path,kind,use,alpha_kind\n"


def picture(path: Path, size: tuple[int, int], mode: str) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)).convert(mode).save(path)


def video(path: Path, frames: int, codec: str, layout: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = 32, 24, layout
        for index in range(frames):
            shade = np.full((24, 32, 3), 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24").reformat(format=layout)))
        container.mux(stream.encode())


def tree(folder: Path) -> None:
    picture(folder / "fg/cat_fg.jpg", (40, 60), "RGB")
    picture(folder / "fg/cat_alpha.png", (40, 60), "L")
    picture(folder / "bg/wood.jpg", (50, 50), "RGB")
    video(folder / "fgv/man_fg.mp4", 9, "libx264", "yuv420p")
    video(folder / "fgv/man_alpha.mkv", 9, "ffv1", "gray")
    video(folder / "bgv/sea.mp4", 9, "libx264", "yuv420p")
    rows = [
        "fg/cat_fg.jpg,fg-image,ship,machine-made",
        "fg/cat_alpha.png,fg-alpha,ship,machine-made",
        "bg/wood.jpg,bg-image,research,",
        "fgv/man_fg.mp4,fg-video,ship,chroma-keyed",
        "fgv/man_alpha.mkv,fg-alpha-video,ship,chroma-keyed",
        "bgv/sea.mp4,bg-video,ship,",
    ]
    (folder / "INDEX.csv").write_text(HEADER + "\n".join(rows) + "\n")


def test_only_rows_that_may_be_shipped_are_read_unless_told(tmp_path: Path) -> None:
    tree(tmp_path)
    assert [row["path"] for row in read_index(tmp_path)][-1] == "bgv/sea.mp4"
    assert len(read_index(tmp_path)) == 5 and len(read_index(tmp_path, use="all")) == 6


def test_every_kind_of_source_is_read_and_shrunk(tmp_path: Path) -> None:
    tree(tmp_path)
    found = {source.name: source for source in index_sources(tmp_path, read_index(tmp_path, use="all"), longest=30)}
    assert found["fg/cat_fg"].pixels.shape == (1, 4, 20, 30) and found["fg/cat_fg"].kind == "photo"
    assert found["bg/wood"].pixels.shape == (1, 3, 50, 50) and found["bg/wood"].kind == "background"
    assert found["fgv/man_fg"].pixels.shape == (2, 4, 22, 30)
    assert found["bgv/sea"].pixels.shape == (7, 3, 24, 32)


def test_a_missing_index_a_missing_column_and_an_alpha_of_another_size_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must hold INDEX\.csv"):
        read_index(tmp_path)
    (tmp_path / "INDEX.csv").write_text("path,kind,use\na,b,ship\n")
    with pytest.raises(InputError, match=r"missing: \['alpha_kind'\]"):
        read_index(tmp_path)
    tree(tmp_path)
    picture(tmp_path / "fg/cat_alpha.png", (41, 60), "L")
    with pytest.raises(InputError, match=r"must have one size; got \(60, 40\) and \(60, 41\)"):
        list(index_sources(tmp_path, read_index(tmp_path)))
