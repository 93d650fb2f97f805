"""Composites written to disk: lossless, whole or not at all, and not twice."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.faked import AnyScene, FakedScene, open_scene
from mattekit.data.figure import Placed
from mattekit.data.manifest import Entry, read_manifest, write_manifest
from mattekit.data.plan import STREAMS, TRIMAP, Composite, Order, Rules, read_plan, rules_of, write_plan
from mattekit.data.scene import one_thread
from mattekit.media import Style, Writer, open_writer, show_path
from mattekit.ops.trimap import trimap_from_alpha_iterated
from mattekit.types import ClipInfo

PLAN, SOURCES, RECORD = "plan.jsonl", "sources.csv", "sample.json"
FORMAT = "mattekit sample 1"
MARKED = 4096
"""Bytes at the beginning and at the end of a source's files by which it is known again."""


def arguments_of(order: Order, composite: Composite, sources: Mapping[str, Entry], rules: Rules) -> dict[str, object]:
    """Return what `make` needs, as plain values that any machine can be sent: names and paths, no frames."""
    return {
        "folder": str(order.folder.absolute()),
        "form": order.form,
        "streams": list(order.streams),
        "composite": asdict(composite),
        "foreground": _plain(sources[composite.foreground]),
        "background": _plain(sources[composite.background]),
        "rules": asdict(rules),
    }


def make(arguments: Mapping[str, object]) -> dict[str, object]:
    """Write one composite, or find it written; the work of one task.

    Args:
        arguments: From `arguments_of`.

    Returns:
        Its record: name, frames, size, checksums of the streams, and whether it was made now.

    Raises:
        InputError: A source is bad; the message begins with its name. Nothing of the composite is left.
        MediaError: A source is damaged, or the composite cannot be written.
    """
    told = json.loads(json.dumps(arguments))
    composite, rules = Composite(**told["composite"]), rules_of(told["rules"])
    order = Order(Path(told["folder"]), told["form"], tuple(told["streams"]))
    foreground, background = entries = _entry(told["foreground"]), _entry(told["background"])
    stored = stored_record(order, composite, rules)
    if stored is not None and stored["sources"] == _marks(entries):
        return {**stored, "made": False}
    scene = open_scene(composite, foreground, background, rules)
    home, order = order.home(composite), _with_stored(order, composite, rules)
    if home.exists() and not (home / RECORD).exists():
        raise InputError(f"{show_path(home)} must be a composite or not be there; it holds none; choose another folder")
    part, old = home.with_name(f".{home.name}.part"), home.with_name(f".{home.name}.old")
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with one_thread():  # several composites at a time use the other cores better
            sums = _write_streams(part, order, scene)
        record = _record(order, scene, sums) | {
            "bytes": {stream: _size(part / _file_name(order, stream)) for stream in order.streams},
            "sources": _marks(entries),
        }
        (part / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        if home.exists():
            home.rename(old)
        part.rename(home)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return {**record, "made": True}


def stored_record(order: Order, composite: Composite, rules: Rules) -> dict[str, object] | None:
    """Return the record of a composite that is already written as ordered, each stream of its full size, else None."""
    home = order.home(composite)
    try:
        record: dict[str, object] = json.loads((home / RECORD).read_text(encoding="utf-8"))
        sums, sizes = record["checksums"], record["bytes"]
        same = (
            record["format"] == FORMAT
            and record["composite"] == asdict(composite)
            and record["rules"] == asdict(rules)
            and isinstance(sums, dict)
            and isinstance(sizes, dict)
            and isinstance(record["sources"], dict)
            and set(order.streams) <= set(sums)
            and all(_size(home / _file_name(order, stream)) == sizes[stream] for stream in order.streams)
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if same else None


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def _marks(entries: Sequence[Entry]) -> dict[str, str]:
    """Return a mark for each source's name, which changes with its files: their names, sizes, beginnings and ends."""
    return {entry.name: f"{_mark(entry.path, entry.alpha):08x}" for entry in entries}


def _mark(*paths: Path | None) -> int:
    mark = 0
    for path in paths:
        files = [] if path is None else sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            mark = zlib.crc32(f"{os.fsencode(file.name)!r} {file.stat().st_size}".encode(), mark)
            with file.open("rb") as stream:
                mark = zlib.crc32(stream.read(MARKED), mark)
                stream.seek(max(0, file.stat().st_size - MARKED))
                mark = zlib.crc32(stream.read(), mark)
    return mark


def _with_stored(order: Order, composite: Composite, rules: Rules) -> Order:
    """Return an order with the streams that are written already too, so that making others loses none."""
    names = (*STREAMS, TRIMAP)
    kept = [name for name in names if stored_record(replace(order, streams=(name,)), composite, rules) is not None]
    return replace(order, streams=tuple(dict.fromkeys((*kept, *order.streams))))


def write_lists(folder: Path, plan: Sequence[Composite], sources: Mapping[str, Entry], rules: Rules) -> None:
    """Write the lists of a set, plan.jsonl and sources.csv, together with what is listed there already.

    Raises:
        InputError: Another set is there, or one whose sources of these names are other files; or it cannot be written.
    """
    merged, known = {each.name: each for each in plan}, dict(sources)
    if (folder / PLAN).exists():
        before, others = read_plan(folder / PLAN)
        if others != rules or any(merged.get(each.name, each) != each for each in before):
            raise InputError(
                f"{show_path(folder)} must be empty or hold this very set; it holds one of other rules or seeds; "
                "choose another folder"
            )
        listed = {entry.name: entry for entry in read_manifest(folder / SOURCES)}
        for name, entry in listed.items():
            if _files(known.get(name, entry)) != _files(entry):
                raise InputError(
                    f"{name}: it must be the source of {show_path(folder / SOURCES)}, {show_path(entry.path)}; got "
                    f"{show_path(known[name].path)}; choose another folder, or mend that list if the files only moved"
                )
        merged, known = {each.name: each for each in before} | merged, listed | known
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{show_path(folder)} must be a folder that can be written to; {error.strerror}") from error
    write_manifest(folder / SOURCES, known.values())
    write_plan(folder / PLAN, list(merged.values()), rules)


def _files(entry: Entry) -> tuple[str, str, bool]:
    return os.path.abspath(entry.path), os.path.abspath(entry.alpha) if entry.alpha else "", entry.still


def checksums(pictures: Iterator[Placed], streams: Sequence[str] = tuple(STREAMS)) -> dict[str, str]:
    """Return the CRC-32 of all pixels of each stream of a composite, to hold one making of it against another."""
    sums = dict.fromkeys(streams, 0)
    for placed in pictures:
        for stream in streams:
            sums[stream] = zlib.crc32(_picture(placed, stream).numpy().data, sums[stream])
    return {stream: f"{value:08x}" for stream, value in sums.items()}


def _write_streams(part: Path, order: Order, scene: AnyScene) -> dict[str, str]:
    """Write all streams of a scene to a folder and return their checksums."""
    clip = ClipInfo(part, "video", scene.size, scene.frames, Fraction(25), Fraction(1, 25))
    sums = dict.fromkeys(order.streams, 0)
    with ExitStack() as stack:
        writers: dict[str, Writer] = {}
        for stream in order.streams:
            path = part / _file_name(order, stream)
            content = STREAMS.get(stream, "alpha")
            writers[stream] = stack.enter_context(open_writer(path, clip, content=content, style=Style(bits=8)))
        seen = False
        for index, placed in enumerate(scene.draw()):
            seen = seen or bool(placed.alpha.any())
            for stream, writer in writers.items():
                picture = _picture(placed, stream)
                sums[stream] = zlib.crc32(picture.numpy().data, sums[stream])
                writer.write(picture, index)
        if not seen:
            name = scene.composite.foreground
            raise InputError(f"{name}: alpha must not be 0 in all frames; it is, in {scene.frames}; replace the source")
    return {stream: f"{value:08x}" for stream, value in sums.items()}


def _picture(placed: Placed, stream: str) -> Tensor:
    """Return one stream's picture, (C, H, W) uint8 and contiguous."""
    if stream == TRIMAP:
        alpha = placed.alpha.float() / 255
        trimap = trimap_from_alpha_iterated(alpha[None], side=3, iterations=5)[0]
        return (trimap * 255).round().to(torch.uint8).contiguous()
    picture: Tensor = getattr(placed, "frame" if stream == "composite" else stream)
    return picture.contiguous()


def _record(order: Order, scene: AnyScene, sums: dict[str, str]) -> dict[str, object]:
    places = scene.places
    return {
        "format": FORMAT,
        "composite": asdict(scene.composite),
        "rules": asdict(scene.rules),
        "form": order.form,
        "frames": scene.frames,
        "size": list(scene.size),
        "still": scene.still,
        "checksums": sums,
        "places": None if places is None else places.tolist(),
        "motion": scene.motion if isinstance(scene, FakedScene) else None,
    }


def _file_name(order: Order, stream: str) -> str:
    return f"{stream}.mkv" if order.form == "clips" else stream


def _plain(entry: Entry) -> dict[str, object]:
    cells = asdict(entry)
    return {**cells, "path": str(entry.path.absolute()), "alpha": entry.alpha and str(entry.alpha.absolute())}


def _entry(cells: Mapping[str, object]) -> Entry:
    told = dict(cells)
    told["path"], told["alpha"] = Path(str(told["path"])), Path(str(told["alpha"])) if told["alpha"] else None
    return Entry(**told)  # type: ignore[arg-type]
