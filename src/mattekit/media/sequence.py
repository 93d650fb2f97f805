"""Writes a clip as numbered pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import MediaError
from mattekit.media.coders import Coder, JpegCoder, PngCoder
from mattekit.media.exr import ExrCoder
from mattekit.media.paths import show_path
from mattekit.media.publish import Publication, publish_file, publish_files, publish_folder
from mattekit.media.verify import remove, sync

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mattekit.media.outputs import Plan
    from mattekit.types import ClipInfo

CODERS: dict[str, type[PngCoder] | type[ExrCoder] | type[JpegCoder]] = {
    "png": PngCoder,
    "exr": ExrCoder,
    "jpg": JpegCoder,
}
"""What makes the files of each format of pictures."""


class ImageSequence:
    """Pictures that are being written to a temporary folder; the number in a name is the frame's in the clip.

    Args:
        temporary: The folder.
        plan: What is written, and where it goes.
        clip: What it is made of.
        start: Frame number of the first frame; of a damaged clip, its place among the kept ones.
    """

    def __init__(self, temporary: Path, plan: Plan, *, clip: ClipInfo, start: int) -> None:
        self.temporary = temporary
        self._temporary, self._plan = temporary, plan
        self._next, self._kept = start, clip.kept
        self._files: list[tuple[str, int]] = []
        self._coder: Coder = CODERS[plan.stills](plan, clip)
        self.notes = self._coder.notes
        if clip.has_audio:
            self.notes.append("sound left out: pictures carry none")
        temporary.mkdir()

    def add(self, image: NDArray[np.float32] | NDArray[np.uint8], pts: int) -> None:
        """Encode one frame (C, H, W); a sequence keeps no times."""
        self._store(self._coder.add(image, pts))

    def close(self) -> None:
        """Write what is left."""
        self._store(self._coder.finish())

    def verify(self) -> None:
        """Raise unless every file is there and whole."""
        for name, length in self._files:
            file = self._temporary / name
            if file.stat().st_size != length:
                raise MediaError(
                    f"{show_path(self._plan.path)} must hold what was written; {name} is not a whole picture; "
                    "check the disk and try again"
                )
            self._coder.verify(file)
        sync(self._temporary)

    def publish(self, *, overwrite: bool) -> Publication:
        """Give the files their names."""
        if self._plan.kind == "folder":
            return publish_folder(self._temporary, self._plan.path)
        if self._plan.kind == "pattern":
            return publish_files(self._temporary, self._plan, overwrite=overwrite)
        picture = self._temporary / self._files[0][0]
        return publish_file(picture, self._plan.path, overwrite=overwrite, left=self._temporary)

    def discard(self) -> None:
        """Take the files away."""
        remove(self._temporary)

    def _store(self, files: list[bytes]) -> None:
        """Write whole files under their frames' names."""
        for content in files:
            name = self._plan.name(self._next if self._kept is None else self._kept.numbers[self._next])
            with (self._temporary / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._files.append((name, len(content)))
            self._next += 1
