"""The report of an evaluation: a page with curves over time and the worst frames, CSV tables and JSON."""

from __future__ import annotations

import csv
import html
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mattekit.checks import InputError, MediaError
from mattekit.media import show_path
from mattekit.media.paths import cannot_write
from mattekit.media.verify import remove, sync

PAGE, SCORES, PICTURES = "index.html", "scores.json", "pictures"
WIDTH, HEIGHT = 640, 120
"""Size of a curve in px."""
CURVES = ("SAD", "MAD", "SSDA", "dtSSD", "MESSDdt")
"""Metrics that are drawn over time, where the convention has them."""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
:root { color-scheme: light dark }
table { border-collapse: collapse }
th, td { padding: .2rem .7rem; text-align: right }
th:first-child, td:first-child { text-align: left }
tr + tr { border-top: 1px solid #8884 }
img { max-width: 100%; display: block }
figure { margin: .5rem 0 1.5rem }
svg { background: #8881 }
polyline { fill: none; stroke: #27c; stroke-width: 1.5 }
text { fill: currentColor; font-size: 11px }
"""


def check_place(folder: Path) -> None:
    """Raise unless a report can be put there.

    Raises:
        InputError: Something stands there, or the folder around it is missing.
    """
    if os.path.lexists(folder):
        raise InputError(f"{show_path(folder)} must not exist yet; it does: name a new folder for the report")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"{show_path(folder)} must lie in a folder that exists; make {show_path(folder.parent)}")


@contextmanager
def growing(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside a report's place; it gets that name when the block ends, and is gone when it fails.

    Raises:
        MediaError: It cannot be written, does not hold what was written, or something stands there by now.
    """
    hidden = folder.absolute().with_name(f".mattekit-{secrets.token_hex(6)}")
    try:
        (hidden / PICTURES).mkdir(parents=True)
        yield hidden
        _check_whole(hidden, folder)
        if os.path.lexists(folder):
            raise MediaError(f"{show_path(folder)} must not exist yet; it appeared meanwhile; choose another name")
        os.rename(hidden, folder.absolute())
    except OSError as error:
        remove(hidden)
        raise cannot_write(folder, error) from error
    except BaseException:
        remove(hidden)
        raise


def _check_whole(hidden: Path, folder: Path) -> None:
    """Raise unless what the page and the scores name is there and can be read again; then have it reach the disk."""
    try:
        told = json.loads((hidden / SCORES).read_text(encoding="utf-8"))
        wanted = {each["picture"] for result in told["clips"].values() for each in result["worst"]}
        pictures = {file.name for file in (hidden / PICTURES).iterdir() if file.stat().st_size}
        is_whole = wanted == pictures and (hidden / PAGE).read_text(encoding="utf-8").endswith("</html>\n")
    except ValueError:
        is_whole = False
    if not is_whole:
        raise MediaError(f"{show_path(folder)} must hold what was written; it does not; check the disk and try again")
    for file in hidden.rglob("*"):
        sync(file)
    sync(hidden)


def write_report(
    folder: Path, convention: str, results: Mapping[str, Mapping[str, Any]], means: Mapping[str, float | None]
) -> None:
    """Write index.html, clips.csv, frames.csv and scores.json into a folder.

    Args:
        folder: Where the pictures of worst frames already lie, in ``pictures``.
        convention: Its name.
        results: By clip: frames, means and worst frames, as `scale.score.score_clip` returns them.
        means: Over the clips.
    """
    names = list(means)
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", *names])
        writer.writerows([clip, *(result["means"].get(name) for name in names)] for clip, result in results.items())
        writer.writerow(["mean", *means.values()])
    with (folder / "frames.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "frame", *names])
        for clip, result in results.items():
            length = max((len(values) for values in result["frames"].values()), default=0)
            for index in range(length):
                writer.writerow([clip, index, *(_at(result["frames"].get(name, []), index) for name in names)])
    told = {"convention": convention, "mean": means, "clips": results}
    (folder / SCORES).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(_page(convention, results, means), encoding="utf-8")


def _page(convention: str, results: Mapping[str, Mapping[str, Any]], means: Mapping[str, float | None]) -> str:
    """Return the whole page."""
    rows = [_row(clip, [result["means"].get(name) for name in means]) for clip, result in results.items()]
    if len(results) > 1:
        rows.append(_row("mean", list(means.values())))
    head = "".join(f"<th scope=col>{html.escape(name)}</th>" for name in means)
    sections = [_section(clip, result) for clip, result in results.items()]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>mattekit: {html.escape(convention)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
        f"<h1>Alpha against the truth</h1><p>Convention {html.escape(convention)}; less is better. "
        "Pairs of frames count by their earlier frame. In an error map red is too much, cyan too little.</p>"
        f"<table><tr><th scope=col>clip</th>{head}</tr>{''.join(rows)}</table>{''.join(sections)}</html>\n"
    )


def _row(clip: str, values: Sequence[float | None]) -> str:
    cells = "".join(f"<td>{'-' if value is None else format(value, '.4g')}</td>" for value in values)
    return f"<tr><td>{html.escape(clip)}</td>{cells}</tr>"


def _section(clip: str, result: Mapping[str, Any]) -> str:
    """Return the curves and the worst frames of one clip."""
    curves = [_curve(name, result["frames"][name]) for name in CURVES if name in result["frames"]]
    pictures = "".join(
        f"<figure><img loading=lazy src='pictures/{html.escape(each['picture'])}' alt='frame {each['frame']}'>"
        f"<figcaption>frame {each['frame']}</figcaption></figure>"
        for each in result["worst"]
    )
    shown = (
        f"<h3>Worst frames</h3><p>Frame where it was given, truth, prediction, error.</p>{pictures}" if pictures else ""
    )
    return f"<h2>{html.escape(clip)}</h2>{''.join(curves)}{shown}"


def _curve(name: str, values: Sequence[float | None]) -> str:
    """Return one metric over time as an SVG picture; a gap is where nothing was scored."""
    highest = max((value for value in values if value is not None), default=0.0) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{index * step:.1f},{HEIGHT - (HEIGHT - 16) * value / highest:.1f}")
    lines = "".join(f"<polyline points='{' '.join(run)}'/>" for run in runs if run)
    return (
        f"<svg width={WIDTH} height={HEIGHT} viewBox='0 0 {WIDTH} {HEIGHT}' role=img "
        f"aria-label='{html.escape(name)} over time'>{lines}<text x=4 y=12>{html.escape(name)}, top {highest:.4g}, "
        f"frames 0 to {len(values) - 1}</text></svg> "
    )


def _at(values: Sequence[float | None], index: int) -> float | None:
    return values[index] if index < len(values) else None
