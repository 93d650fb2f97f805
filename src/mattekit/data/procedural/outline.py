"""Closed outlines of soft bodies: ellipses, tubes along a curve, smooth loops; and how they are shaded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.noise import Noise

Floats = NDArray[np.floating[Any]]


def ellipse(centre: Floats, radii: Floats, turn: float = 0.0, *, points: int = 72) -> Floats:
    """Return an ellipse as (points, 2)."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.stack((centre[0] + cosine * x - sine * y, centre[1] + sine * x + cosine * y), axis=1)


def blob(
    random: np.random.Generator,
    centre: Floats,
    radii: Floats,
    *,
    rough: float,
    square: float = 2.0,
    points: int = 160,
) -> Floats:
    """Return a closed wavy outline about a centre.

    Args:
        random: Where the randomness comes from.
        centre: (2,).
        radii: (2,).
        rough: The waves' share of the radius.
        square: 2 for an ellipse, more for a box with round corners.
        points: Number of points.

    Returns:
        (points, 2).
    """
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = (np.abs(np.cos(angle)) ** square + np.abs(np.sin(angle)) ** square) ** (-1 / square)
    for wave in range(2, 8):
        radius += rough * random.normal(0, 1) / wave * np.cos(wave * angle + random.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.3)
    return np.stack((centre[0] + radii[0] * radius * np.cos(angle), centre[1] + radii[1] * radius * np.sin(angle)), 1)


def tube(line: Floats, widths: Floats, *, cap: int = 7) -> Floats:
    """Return the outline of a tube with round ends along a line.

    Args:
        line: (N, 2) points of the middle line.
        widths: (N,) full widths.
        cap: Points of each round end.
    """
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    normal = np.stack((-tangent[:, 1], tangent[:, 0]), axis=1)
    half = widths[:, None] / 2
    around = np.linspace(np.pi / 2, -np.pi / 2, cap)[1:-1, None]
    end = line[-1] + half[-1] * (np.cos(around) * tangent[-1] + np.sin(around) * normal[-1])
    start = line[0] - half[0] * (np.cos(around) * tangent[0] + np.sin(around) * normal[0])
    return np.concatenate((line + half * normal, end, (line - half * normal)[::-1], start))


def smooth(points: Floats, count: int = 64, *, closed: bool = False) -> Floats:
    """Return a smooth curve (count, 2) through points, by Catmull-Rom pieces.

    Source:
        Catmull and Rom, A Class of Local Interpolating Splines, 1974.
    """
    if closed:
        chain = np.concatenate((points[-1:], points, points[:2]))
    else:
        chain = np.concatenate((2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]))
    place = np.linspace(0, len(chain) - 3, count, endpoint=not closed)
    index = np.minimum(place.astype(int), len(chain) - 4)
    t = (place - index)[:, None]
    a, b, c, d = (chain[index + offset] for offset in range(4))
    curve: Floats = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve


def round_shade(places: Floats, centre: Floats, radii: Floats, light: Floats, *, turn: float = 0.0) -> Floats:
    """Return the brightness (...,), about 0.35 to 1.15, of an ellipsoid lit from a direction, at places (..., 2)."""
    away = (places - centre) @ np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
    x, y = away[..., 0] / radii[0], away[..., 1] / radii[1]
    squared = np.minimum(x * x + y * y, 0.98)
    z = np.sqrt(1 - squared)
    brightness: Floats = 0.5 + 0.6 * np.clip(x * light[0] + y * light[1] + z * light[2], -0.25, 1)
    return brightness


def folds(noise: Noise, places: Floats, light: Floats) -> Floats:
    """Return the brightness (...,), about 0.6 to 1.3, of cloth whose folds follow a noise field."""
    slope = noise.slopes(places)
    brightness: Floats = np.clip(1 - 0.011 * (light[0] * slope[..., 0] + light[1] * slope[..., 1]), 0.5, 1.35)
    return brightness
