"""Video in, matte out: alpha, straight foreground colour, composite.

The names below are the public ones. They are imported when they are first used, so that ``import mattekit`` is quick
and does not load torch.

Example:
    >>> import mattekit
    >>> trimap = mattekit.trimap_from_mask  # torch is loaded here
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mattekit.checks import InputError, MattekitError, MediaError, WeightsError
    from mattekit.engine.stream import complete, move, predict, propagate, write
    from mattekit.media import frames_at, probe, read, read_alpha
    from mattekit.models import FAMILIES, Model, load
    from mattekit.ops import composite, estimate_foreground, trimap_from_alpha, trimap_from_mask
    from mattekit.types import Chunk, ClipInfo, Keyframe, Matte, Matter, Propagator, Recipe, Sample, Sink, Stage

__version__ = "0.1.0"

__all__ = [
    "FAMILIES",
    "Chunk",
    "ClipInfo",
    "InputError",
    "Keyframe",
    "Matte",
    "MattekitError",
    "Matter",
    "MediaError",
    "Model",
    "Propagator",
    "Recipe",
    "Sample",
    "Sink",
    "Stage",
    "WeightsError",
    "complete",
    "composite",
    "estimate_foreground",
    "frames_at",
    "load",
    "move",
    "predict",
    "probe",
    "propagate",
    "read",
    "read_alpha",
    "trimap_from_alpha",
    "trimap_from_mask",
    "write",
]

_HOMES = {
    "mattekit.checks": ("InputError", "MattekitError", "MediaError", "WeightsError"),
    "mattekit.engine.stream": ("complete", "move", "predict", "propagate", "write"),
    "mattekit.media": ("frames_at", "probe", "read", "read_alpha"),
    "mattekit.models": ("FAMILIES", "Model", "load"),
    "mattekit.ops": ("composite", "estimate_foreground", "trimap_from_alpha", "trimap_from_mask"),
    "mattekit.types": (
        *("Chunk", "ClipInfo", "Keyframe", "Matte", "Matter"),
        *("Propagator", "Recipe", "Sample", "Sink", "Stage"),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Return a public name from the module that it lives in, and keep it here."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mattekit' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names with what every module has."""
    return sorted({*globals(), *__all__})
