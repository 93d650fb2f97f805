"""How strands grow, hang together, bend in the wind and take the light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.fibres import Fibres

Floats = NDArray[np.floating[Any]]


def grow(roots: Floats, directions: Floats, lengths: Floats, *, steps: int, pull: Floats, bend: float) -> Floats:
    """Return strands as chains of points, each growing on and turning to a pull.

    Args:
        roots: (N, D) where they begin.
        directions: (N, D) how they begin.
        lengths: (N,).
        steps: Segments of each.
        pull: (D,) or (N, D) direction they turn to, as gravity does.
        bend: How far they turn over their whole length; 0 keeps them straight.

    Returns:
        (N, steps + 1, D).
    """
    heading = _unit(directions)
    points = [roots]
    for _ in range(steps):
        points.append(points[-1] + heading * (lengths / steps)[:, None])
        heading = _unit(heading + pull * (bend / steps))
    return np.stack(points, axis=1)


def gather(
    random: np.random.Generator, guides: Floats, owner: NDArray[np.integer[Any]], *, spread: Floats, clump: float
) -> Floats:
    """Return strands beside guides that come together towards the tip.

    Args:
        random: Where the randomness comes from.
        guides: (G, S+1, D).
        owner: (N,) the guide of each strand.
        spread: (N, D) distance of its root from the guide's.
        clump: In [0, 1]; 1 makes all tips of a guide meet.

    Returns:
        (N, S+1, D).
    """
    along = np.linspace(0, 1, guides.shape[1])[None, :, None]
    wander = random.normal(0, 1, (len(owner), 2, guides.shape[2])) * np.linalg.norm(spread, axis=1)[:, None, None]
    drift = wander[:, :1] * np.sin(along * 4) + wander[:, 1:] * (np.cos(along * 7) - 1)
    strands: Floats = guides[owner] + spread[:, None] * (1 - clump * along**0.7) + 0.25 * drift
    return strands


def curl(random: np.random.Generator, points: Floats, *, radius: Floats, turns: Floats) -> Floats:
    """Return strands (N, S+1, D) wound about themselves, wider towards the tip.

    Args:
        random: Where the randomness comes from.
        points: (N, S+1, D).
        radius: (N,) of the curl.
        turns: (N,) over the strand.
    """
    along = np.linspace(0, 1, points.shape[1])
    angle = 2 * np.pi * turns[:, None] * along + random.uniform(0, 2 * np.pi, (len(points), 1))
    size = radius[:, None] * np.minimum(1, 3 * along)
    tangent = np.gradient(points[..., :2], axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-9
    wound = points.copy()
    wound[..., 0] += -tangent[..., 1] * size * np.cos(angle) + tangent[..., 0] * 0.5 * size * np.sin(angle)
    wound[..., 1] += tangent[..., 0] * size * np.cos(angle) + tangent[..., 1] * 0.5 * size * np.sin(angle)
    return wound


def sway(points: Floats, phases: Floats, *, time: float, amount: float, pace: float = 4.0) -> Floats:
    """Return strands (N, S+1, D) bent in the wind at a time in seconds; roots stay, tips move most.

    Args:
        points: Strands at rest.
        phases: (N,) of each strand's swing.
        time: In seconds.
        amount: Largest movement of a tip, as a share of the strand's length.
        pace: Radians a second.
    """
    along = np.linspace(0, 1, points.shape[1])[None] ** 1.6
    length = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(axis=1)[:, None]
    angle = pace * time + phases[:, None]
    bent = points.copy()
    bent[..., 0] += amount * length * along * (0.75 * np.sin(angle - 1.5 * along) + 0.25 * np.sin(2.3 * angle))
    bent[..., 1] += 0.4 * amount * length * along * np.sin(1.3 * angle + 1 - 2 * along)
    return bent


def light_strands(points: Floats, colours: Floats, *, light: Floats, gloss: float = 0.5, sharp: float = 12.0) -> Floats:
    """Return colours (N, S, 3) of segments lit along the strand, with a highlight where they lie across the light.

    Args:
        points: (N, S+1, 2 or 3).
        colours: (N, 3) or (N, S, 3), unlit.
        light: (3,) unit vector towards the light, z towards the viewer.
        gloss: Strength of the highlight.
        sharp: Its exponent.

    Source:
        Kajiya and Kay, Rendering Fur with Three Dimensional Textures, SIGGRAPH 1989, equations 14 and 16; half the
        diffuse term is replaced by a constant for light from around.
    """
    tangent = _unit(np.diff(points, axis=1))
    dimensions = tangent.shape[-1]
    cosine = tangent @ light[:dimensions]
    facing = _unit(light + np.array((0.0, 0.0, 1.0)))
    diffuse = np.sqrt(np.clip(1 - cosine**2, 0, 1))
    shine = np.clip(1 - (tangent @ facing[:dimensions]) ** 2, 0, 1) ** sharp
    base = colours[:, None] if colours.ndim == 2 else colours
    lit: Floats = base * (0.35 + 0.55 * diffuse)[..., None] + gloss * (0.2 + 0.5 * base) * shine[..., None]
    return np.clip(lit, 0, 1)


def tapered(widths: Floats, steps: int, *, tip: float = 0.1, swell: float = 1.5) -> Floats:
    """Return widths (N, steps + 1) that fall from the root to a share ``tip`` of it, late where ``swell`` is large."""
    along = np.linspace(0, 1, steps + 1)
    shape: Floats = widths[:, None] * (1 - (1 - tip) * along**swell)[None]
    return shape


def flat_fibres(points: Floats, widths: Floats, colours: Floats, depth: Floats | None = None) -> Fibres:
    """Return strands (N, S+1, 2 or 3) as fibres; depth is the third dimension unless given."""
    if depth is None:
        depth = (points[:, 1:, 2] + points[:, :-1, 2]) / 2
    return Fibres(points[..., :2], widths, colours, np.broadcast_to(depth, colours.shape[:2]))


def random_light(random: np.random.Generator) -> Floats:
    """Return a unit vector (3,) towards a light from above and in front."""
    return _unit(np.array((random.uniform(-1, 1), random.uniform(-1, -0.2), random.uniform(0.3, 1))))


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)
    return unit
