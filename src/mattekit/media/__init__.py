"""Bytes to frames and back: reading and writing of clips, pictures and trimaps, without networks."""

from mattekit.media.outputs import check_distinct, check_output
from mattekit.media.paths import show_path
from mattekit.media.probe import probe
from mattekit.media.reader import frames_at, read, read_alpha, read_planes
from mattekit.media.stills import read_still
from mattekit.media.style import Style
from mattekit.media.trimaps import find_trimaps, read_mask, read_trimap
from mattekit.media.writer import Writer, open_writer

__all__ = [
    "Style",
    "Writer",
    "check_distinct",
    "check_output",
    "find_trimaps",
    "frames_at",
    "open_writer",
    "probe",
    "read",
    "read_alpha",
    "read_mask",
    "read_planes",
    "read_still",
    "read_trimap",
    "show_path",
]
