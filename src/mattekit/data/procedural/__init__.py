"""Procedural foregrounds with exact alpha and straight colour, and the demo clip."""

from mattekit.data.procedural.catalogue import procedural_sources
from mattekit.data.procedural.demo import render_demo, texture
from mattekit.data.procedural.subject import HairySubject, hairy_subject

__all__ = ["HairySubject", "hairy_subject", "procedural_sources", "render_demo", "texture"]
