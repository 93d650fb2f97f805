"""All cases of the torture corpus by name."""

from torture.exr_cases import EXR
from torture.other_cases import OTHERS
from torture.refused_cases import REFUSED
from torture.sound_cases import SOUND

CASES = {**SOUND, **REFUSED, **OTHERS, **EXR}
