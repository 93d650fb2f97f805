"""The page's own files: found once, by name, each with a fixed type; no name from a request ever reaches the disk."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from mattekit.studio.answers import refusal

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Pages:
    """The files of a folder that a page may be made of.

    Args:
        folder: It and its folders are looked through once.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        found = (
            path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file() and not path.is_symlink()
        )
        self._files = {path.relative_to(folder).as_posix(): path for path in found}

    def answer(self, name: str) -> Response:
        """Return a file, or that there is none of that name; browsers ask anew each time."""
        path = self._files.get(name)
        if path is None or not path.is_file():
            return refusal(404, "there is no such file of the page; reload the page")
        return Response(path.read_bytes(), 200, {"cache-control": "no-cache"}, TYPES[path.suffix])
