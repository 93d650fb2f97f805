"""Procedural foregrounds with exact alpha and straight colour, and the demo clip."""

from mattekit.data.procedural.catalogue import KINDS, SHARES, procedural_clips, procedural_sources, render
from mattekit.data.procedural.cloth import lace, veil
from mattekit.data.procedural.demo import render_demo, texture
from mattekit.data.procedural.ground import ground, procedural_grounds
from mattekit.data.procedural.subject import HairySubject, hairy_subject

__all__ = [
    "KINDS",
    "SHARES",
    "HairySubject",
    "ground",
    "hairy_subject",
    "lace",
    "procedural_clips",
    "procedural_grounds",
    "procedural_sources",
    "render",
    "render_demo",
    "texture",
    "veil",
]
