"""Writes frames as OpenEXR files of half or full floats: light by default, with the channels that compositors look for.

A matte is the one channel Y. Colour is R, G and B; a cut-out has A as well, and its colour is premultiplied, as readers
of OpenEXR take it, unless straight colour was asked for. Layers of a cut-out are foreground.R, .G and .B, straight, and
alpha.A.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import MediaError
from mattekit.media.paths import reason, show_path
from mattekit.media.transfer import DEFAULTS, PQ_WHITE, linearise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mattekit.media.outputs import Plan
    from mattekit.types import ClipInfo

    Levels = NDArray[np.float32] | NDArray[np.uint8]

THREADS = 4
WHITE_D65, WHITE_C = (0.3127, 0.3290), (0.3101, 0.3162)
CHROMATICITIES = {
    "bt709": (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *WHITE_D65),
    "bt470m": (0.670, 0.330, 0.210, 0.710, 0.140, 0.080, *WHITE_C),
    "bt470bg": (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *WHITE_D65),
    "smpte170m": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *WHITE_D65),
    "smpte240m": (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *WHITE_D65),
    "film": (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *WHITE_C),
    "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *WHITE_D65),
    "smpte428": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    "smpte431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    "smpte432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *WHITE_D65),
    "ebu3213": (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *WHITE_D65),
}
"""Of red, green, blue and white, x and y each, as in the tables of ITU-T H.273."""

SCENE_CURVES = ("bt709", "smpte170m", "bt2020-10", "bt2020-12", "iec61966-2-1")
INTEROP = {"bt709": "lin_rec709_scene", "bt2020": "lin_rec2020_scene", "smpte432": "lin_p3d65_scene"}
"""Names that the Color Interop Forum gives to light of some primaries."""


class ExrCoder:
    """Turns frames into OpenEXR files.

    Args:
        plan: What is written.
        clip: What it is made of: pixel aspect, primaries and transfer curve are its.
    """

    def __init__(self, plan: Plan, clip: ClipInfo) -> None:
        self.notes: list[str] = []
        self._plan, self._size = plan, clip.size
        self._transfer = clip.colour_transfer or DEFAULTS[clip.kind]
        self._linear = plan.style.exr_colour == "linear"
        self._dtype = np.float16 if plan.bits == 16 else np.float32
        self._header = self._describe(clip)
        self._names: set[str] = set()
        if plan.content == "cutout" and not plan.premultiplied:
            self.notes.append("colour in EXR is straight, as asked for; most readers take it to be premultiplied")

    def add(self, image: Levels, pts: int) -> list[bytes]:
        """Return the file of a frame (C, H, W) in [0, 1], or in 8-bit levels."""
        import OpenEXR

        values = image / np.float32(255) if image.dtype == np.uint8 else np.clip(image, 0, 1)
        channels = {
            name: plane.astype(self._dtype)
            for name, plane in self._channels(values.astype(np.float32, copy=False)).items()
        }
        self._names = set(channels)
        file = io.BytesIO()
        header = {**self._header, "compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, channels, num_threads=min(THREADS, os.cpu_count() or 1)).write(file)
        return [file.getvalue()]

    def finish(self) -> list[bytes]:
        """Return what is left: nothing, for each frame is done at once."""
        return []

    def verify(self, path: Path) -> None:
        """Raise unless a file is whole and has the size, the channels and the depth that were written."""
        planes = read_channels(path)
        wanted = {(name, self._size, np.dtype(self._dtype)) for name in self._names}
        if {(name, plane.shape, plane.dtype) for name, plane in planes.items()} != wanted:
            raise MediaError(
                f"{show_path(self._plan.path)} must hold what was written; {path.name} has other channels, "
                "another size or another depth; check the disk and try again"
            )

    def _channels(self, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the channels of a file by name."""
        if len(values) == 1:
            return {"Y": values[0]}
        colour = linearise(values[:3], self._transfer) if self._linear else values[:3]
        if len(values) == 3:
            return dict(zip("RGB", colour, strict=True))
        alpha = values[3]
        channels = dict(zip("RGB", colour * alpha if self._plan.premultiplied else colour, strict=True))
        channels["A"] = alpha
        if self._plan.style.layers:
            channels |= {f"foreground.{name}": plane for name, plane in zip("RGB", colour, strict=True)}
            channels["alpha.A"] = alpha
        return channels

    def _describe(self, clip: ClipInfo) -> dict[str, Any]:
        """Return the attributes that say what the values mean."""
        header: dict[str, Any] = {"pixelAspectRatio": float(clip.pixel_aspect)}
        if self._plan.content == "alpha":
            return {**header, "comments": "matte: Y is alpha"}
        primaries = clip.colour_primaries or "bt709"
        if primaries in CHROMATICITIES:
            header["chromaticities"] = CHROMATICITIES[primaries]
        said = [f"values as displayed, by the transfer curve {self._transfer}"]
        if self._linear:
            said = [f"light, by the inverse of the transfer curve {self._transfer}"]
            if self._transfer == "smpte2084":
                header["whiteLuminance"] = float(PQ_WHITE)
            if self._transfer in SCENE_CURVES and primaries in INTEROP:
                header["colorInteropID"] = INTEROP[primaries]
        if self._plan.content == "cutout":
            said.append("R, G, B premultiplied by A" if self._plan.premultiplied else "R, G, B straight")
        if self._plan.content == "cutout" and self._plan.style.layers:
            said.append("layer foreground is straight colour, layer alpha the matte")
        return {**header, "comments": "; ".join(said)}


def read_channels(path: Path) -> dict[str, NDArray[Any]]:
    """Return the channels of an OpenEXR file by name, (H, W) of half or full floats, after unpacking all of it.

    Raises:
        MediaError: It is not one, or its data break off.
    """
    import OpenEXR

    try:
        with path.open("rb") as stream:
            file = OpenEXR.File(stream, separate_channels=True)
            return {name: channel.pixels for name, channel in file.channels().items()}
    except (RuntimeError, OSError, ValueError) as error:
        raise MediaError(f"{show_path(path)} must be a whole OpenEXR file; {reason(error)}; write it again") from error
