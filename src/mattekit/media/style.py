"""What a user may choose about how outputs are written."""

from __future__ import annotations

from dataclasses import dataclass

from mattekit.checks import InputError, check_choice
from mattekit.media.encoders import ENCODERS, STILL_BITS

EXR_COLOURS = ("linear", "display")
BEST_JPEG = 100


@dataclass(frozen=True)
class Style:
    """What a user may choose about how outputs are written; the defaults lose nothing that a format can keep.

    Attributes:
        bits: Bits a channel, or None for each format's default.
        encoders: Names of encoders, for the formats that offer them; the others take their default.
        crf: Rate factor of H.264, HEVC and VP9, 0 for the best, or None for the default.
        jpeg_quality: Of JPEG, 1 to 100, or None for 92.
        stills: Format of a folder: "png", "exr" or "jpg".
        premultiplied: Whether colour of cut-outs is multiplied by alpha; None does so in EXR alone, as is its
            custom.
        exr_colour: "linear" for light, by the clip's transfer curve; "display" for the values as they are.
        layers: Whether EXR cut-outs also hold straight colour and alpha as layers of their own.
    """

    bits: int | None = None
    encoders: tuple[str, ...] = ()
    crf: int | None = None
    jpeg_quality: int | None = None
    stills: str = "png"
    premultiplied: bool | None = None
    exr_colour: str = "linear"
    layers: bool = False

    def __post_init__(self) -> None:
        for name in self.encoders:
            check_choice("an encoder", name, ENCODERS)
        check_choice("the format of pictures", self.stills, tuple(STILL_BITS))
        check_choice("colour in EXR", self.exr_colour, EXR_COLOURS)
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= BEST_JPEG:
            raise InputError(
                f"the quality of JPEG must be 1 to {BEST_JPEG}; got {self.jpeg_quality}; 92 is the default"
            )
        if self.crf is not None and self.crf < 0:
            raise InputError(f"the rate factor must be 0 (best) or more; got {self.crf}; 14 is the default of H.264")


DEFAULT = Style()
"""Loses nothing that a format can keep, but for what H.264, HEVC, VP9 and JPEG are."""
