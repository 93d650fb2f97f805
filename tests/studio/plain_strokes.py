"""Strokes painted as their definitions say, pixel after pixel and slowly; writes tests/studio/strokes.json.

`python tests/studio/plain_strokes.py` writes the file anew: frames before and after some strokes, from which the page's
own painting is tested too.
"""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

VECTORS = Path(__file__).with_name("strokes.json")
LETTERS = {".": 0, "?": 128, "#": 255}
NAMES = {value: letter for letter, value in LETTERS.items()}

Rows = list[list[int]]


def read_rows(lines: list[str]) -> Rows:
    return [[LETTERS[letter] for letter in line] for line in lines]


def write_rows(rows: Rows) -> list[str]:
    return ["".join(NAMES[value] for value in row) for row in rows]


def line(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    (x, y), (to_x, to_y) = start, end
    dx, dy = abs(to_x - x), abs(to_y - y)
    sx, sy = (1 if x < to_x else -1), (1 if y < to_y else -1)
    error, found = dx - dy, []
    while True:
        found.append((x, y))
        if (x, y) == (to_x, to_y):
            return found
        twice = 2 * error
        if twice > -dy:
            error, x = error - dy, x + sx
        if twice < dx:
            error, y = error + dx, y + sy


def in_disc(x: int, y: int, centre: tuple[int, int], diameter: int) -> bool:
    odd = 0 if diameter % 2 else 1
    return (2 * (x - centre[0]) + odd) ** 2 + (2 * (y - centre[1]) + odd) ** 2 <= diameter**2


def inside(x: int, y: int, points: list[tuple[int, int]]) -> bool:
    crossed = 0
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        if ay <= y < by and (y - ay) * (bx - ax) > (x - ax) * (by - ay):
            crossed += 1
    return crossed % 2 == 1


def region(rows: Rows, point: tuple[int, int]) -> set[tuple[int, int]]:
    height, width = len(rows), len(rows[0])
    if not (0 <= point[0] < width and 0 <= point[1] < height):
        return set()
    value, found, open_ = rows[point[1]][point[0]], {point}, [point]
    while open_:
        x, y = open_.pop()
        for column, row in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            new = 0 <= column < width and 0 <= row < height and (column, row) not in found
            if new and rows[row][column] == value:
                found.add((column, row))
                open_.append((column, row))
    return found


def nearest(rows: Rows, x: int, y: int, value: int) -> int:
    """Return the squared distance to the nearest pixel of a value."""
    places = ((column, row) for row, cells in enumerate(rows) for column, cell in enumerate(cells) if cell == value)
    return min(((x - column) ** 2 + (y - row) ** 2 for column, row in places), default=1 << 40)


def paint(rows: Rows, stroke: dict) -> tuple[Rows, list[int] | None]:
    """Return the rows with a stroke painted, and the box of what it covers."""
    height, width = len(rows), len(rows[0])
    points = [tuple(point) for point in stroke.get("points", [])]
    after, covered = [list(row) for row in rows], set()
    way = {pixel for start, end in zip(points, points[1:] or points, strict=False) for pixel in line(start, end)}
    around = {pixel for start, end in zip(points, points[1:] + points[:1], strict=True) for pixel in line(start, end)}
    same = region(rows, points[0]) if stroke["tool"] == "fill" else set()
    for y in range(height):
        for x in range(width):
            value = stroke.get("value", 128)
            tool, grow = stroke["tool"], stroke.get("grow", 0)
            if tool == "brush":
                hit = any(in_disc(x, y, centre, stroke["size"]) for centre in way)
            elif tool == "box":
                (ax, ay), (bx, by) = points
                hit = min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by)
            elif tool == "polygon":
                hit = inside(x, y, points) or (x, y) in around
            elif tool == "fill":
                hit = (x, y) in same
            elif tool == "edge":
                other = {0: 255, 255: 0}.get(rows[y][x])
                hit, value = other is not None and nearest(rows, x, y, other) <= grow**2, 128
            elif grow > 0:
                hit, value = rows[y][x] != 128 and nearest(rows, x, y, 128) <= grow**2, 128
            else:
                foreground, background = nearest(rows, x, y, 255), nearest(rows, x, y, 0)
                value = 255 if foreground < background else 0
                hit = rows[y][x] == 128 and foreground != background and min(foreground, background) <= grow**2
            if hit:
                covered.add((x, y))
                after[y][x] = value
    if not covered:
        return after, None
    columns, lines = [x for x, _ in covered], [y for _, y in covered]
    return after, [min(columns), min(lines), max(columns) + 1, max(lines) + 1]


def checksum(rows: Rows) -> int:
    return zlib.crc32(bytes(value for row in rows for value in row))


def some_rows(draw: random.Random, width: int, height: int) -> Rows:
    """Return a few boxes of each value."""
    rows = [[0] * width for _ in range(height)]
    for _ in range(4):
        corners = [[draw.randrange(width), draw.randrange(height)] for _ in range(2)]
        rows, _ = paint(rows, {"tool": "box", "value": draw.choice([0, 128, 255]), "points": corners})
    return rows


def some_stroke(draw: random.Random, width: int, height: int) -> dict:
    """Return a stroke of any tool, partly outside of the frame."""
    tool = draw.choice(["brush", "brush", "brush", "box", "polygon", "polygon", "fill", "band", "edge"])
    count = {"box": 2, "fill": 1, "brush": draw.choice([1, 2, 5]), "polygon": draw.choice([1, 2, 3, 6])}.get(tool, 0)
    margin = 0 if tool == "fill" else 8
    points = [[draw.randrange(-margin, width + margin), draw.randrange(-margin, height + margin)] for _ in range(count)]
    stroke = {"tool": tool, "value": draw.choice([0, 128, 255])}
    if points:
        stroke["points"] = points
    if tool == "brush":
        stroke["size"] = draw.choice([1, 2, 3, 4, 5, 8, 9, 16])
    if tool in ("band", "edge"):
        stroke["grow"] = draw.choice([1, 2, 5] if tool == "edge" else [-4, -2, -1, 1, 2, 5])
    return stroke


def cases(count: int = 60) -> list[dict]:
    """Return frames before and after some strokes, the first few by hand, the others drawn."""
    first = [{"tool": "brush", "value": 255, "points": [[8, 8]], "size": size} for size in range(1, 14)]
    first += [
        {"tool": "brush", "value": 128, "points": [[-3, 2], [20, 13], [4, 15]], "size": size} for size in (1, 2, 3, 6)
    ]
    first += [{"tool": "brush", "value": 255, "points": [[40, -30], [-30, 40]], "size": 7}]
    first += [{"tool": "brush", "value": 255, "points": [[200, 200]], "size": 9}]
    first += [{"tool": "polygon", "value": 255, "points": [[2, 1], [14, 3], [3, 12], [13, 14], [8, -4]]}]
    draw, found = random.Random(9), []
    for number in range(count):
        width, height = (17, 16) if number < len(first) else (draw.randrange(5, 29), draw.randrange(5, 23))
        before = [[0] * width for _ in range(height)] if number < len(first) else some_rows(draw, width, height)
        stroke = first[number] if number < len(first) else some_stroke(draw, width, height)
        after, box = paint(before, stroke)
        case = {"width": width, "height": height, "stroke": stroke, "box": box, "crc": checksum(after)}
        found.append(case | {"before": write_rows(before), "after": write_rows(after)})
    return found


if __name__ == "__main__":
    VECTORS.write_text(json.dumps({"letters": LETTERS, "cases": cases()}, indent=1) + "\n", encoding="utf-8")
