"""Display-referred values to light: the inverse of the transfer curves that video is tagged with.

Source: ITU-R BT.709, BT.2020 and BT.2100, SMPTE 170M, 240M, ST 428-1 and ST 2084, IEC 61966-2-1, as listed with their
numbers in ITU-T H.273.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Curve = Callable[[NDArray[Any]], NDArray[Any]]

# BT.709 and its kin: a line that meets a power of 0.45 with the same slope.
BEND, RISE = 0.018053968510807, 1.09929682680944
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
PQ_PEAK, PQ_WHITE = 10000, 100
"""Nits of the largest value of PQ, and of a light of 1 in what is written."""

HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073

DEFAULTS = {"video": "bt709", "images": "iec61966-2-1"}
"""Curve of clips that name none, by their kind."""


def linearise(values: Floats, transfer: str) -> Floats:
    """Return the light that display-referred values stand for.

    Light of 1 is the white of the picture: for HLG the peak of the scene, for PQ 100 nits, so that PQ goes up to 100.

    Args:
        values: Any shape, in [0, 1].
        transfer: FFmpeg's name of the transfer curve; names that are not known count as BT.709.

    Returns:
        As many values, 0 or more; 0 stays 0 and, but for PQ and SMPTE 428, 1 stays 1.
    """
    curve = CURVES.get(transfer, _bt709)
    return curve(values).astype(np.float32, copy=False)


def displayed(light: Floats, transfer: str) -> Floats:
    """Return the display-referred values that stand for light: the inverse of `linearise`.

    Args:
        light: Any shape; less than none counts as none, more than the curve's most as that.
        transfer: As there.

    Returns:
        As many values in [0, 1].
    """
    most = linearise(np.ones(1, np.float32), transfer)
    held = np.clip(light, 0, most)
    curve = INVERSES.get(transfer, _to_bt709)
    with np.errstate(divide="ignore"):  # the logarithm of no light, which is no value
        values = np.where(held >= most, 1, np.where(held > 0, curve(held), 0))
    return np.clip(values, 0, 1).astype(np.float32, copy=False)


def _bt709(values: NDArray[Any]) -> NDArray[Any]:
    return _bent(values, slope=4.5, bend=BEND, rise=RISE, power=1 / 0.45)


def _smpte240m(values: NDArray[Any]) -> NDArray[Any]:
    return _bent(values, slope=4.0, bend=0.022821585529445, rise=1.111572195921731, power=1 / 0.45)


def _srgb(values: NDArray[Any]) -> NDArray[Any]:
    return _bent(values, slope=12.92, bend=0.0031308, rise=1.055, power=2.4)


def _bent(values: NDArray[Any], *, slope: float, bend: float, rise: float, power: float) -> NDArray[Any]:
    """Return the inverse of a curve that is a line up to a light of ``bend`` and a power above it."""
    return np.where(values < slope * bend, values / slope, ((values + rise - 1) / rise) ** power)


def _unbent(light: NDArray[Any], *, slope: float, bend: float, rise: float, power: float) -> NDArray[Any]:
    """Return the curve that `_bent` is the inverse of."""
    curved: NDArray[Any] = rise * light ** (1 / power) - (rise - 1)
    return np.where(light < bend, light * slope, curved)


def _to_bt709(light: NDArray[Any]) -> NDArray[Any]:
    return _unbent(light, slope=4.5, bend=BEND, rise=RISE, power=1 / 0.45)


def _to_smpte240m(light: NDArray[Any]) -> NDArray[Any]:
    return _unbent(light, slope=4.0, bend=0.022821585529445, rise=1.111572195921731, power=1 / 0.45)


def _to_srgb(light: NDArray[Any]) -> NDArray[Any]:
    return _unbent(light, slope=12.92, bend=0.0031308, rise=1.055, power=2.4)


def _root(power: float, scale: float = 1.0) -> Curve:
    return lambda light: (light / scale) ** (1 / power)


def _to_logarithm(decades: float) -> Curve:
    return lambda light: 1 + np.log10(light) / decades


def _to_pq(light: NDArray[Any]) -> NDArray[Any]:
    root = (light.astype(np.float64) * (PQ_WHITE / PQ_PEAK)) ** PQ_M1
    values: NDArray[Any] = ((PQ_C1 + PQ_C2 * root) / (1 + PQ_C3 * root)) ** PQ_M2
    return values


def _to_hlg(light: NDArray[Any]) -> NDArray[Any]:
    bright = np.maximum(light, 1 / 12)
    curved: NDArray[Any] = HLG_A * np.log(12 * bright - HLG_B) + HLG_C
    return np.where(light <= 1 / 12, np.sqrt(3 * light), curved)


def _power(power: float, scale: float = 1.0) -> Curve:
    return lambda values: scale * values**power


def _logarithm(decades: float) -> Curve:
    """Return the inverse of a logarithmic curve; all light below its lowest is 0."""
    return lambda values: np.where(values > 0, 10.0 ** (decades * (values - 1)), np.float32(0))


def _pq(values: NDArray[Any]) -> NDArray[Any]:
    # Single precision would lose the lowest bits of 16.
    root = values.astype(np.float64) ** (1 / PQ_M2)
    light = (np.maximum(root - PQ_C1, 0) / (PQ_C2 - PQ_C3 * root)) ** (1 / PQ_M1)
    return light * (PQ_PEAK / PQ_WHITE)


def _hlg(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - HLG_C) / HLG_A) + HLG_B) / 12)


CURVES: dict[str, Curve] = {
    "bt709": _bt709,
    "smpte170m": _bt709,
    "bt2020-10": _bt709,
    "bt2020-12": _bt709,
    "bt1361e": _bt709,
    "iec61966-2-4": _bt709,
    "smpte240m": _smpte240m,
    "iec61966-2-1": _srgb,
    "linear": _power(1.0),
    "gamma22": _power(2.2),
    "gamma28": _power(2.8),
    "smpte428": _power(2.6, 52.37 / 48),
    "log100": _logarithm(2.0),
    "log316": _logarithm(2.5),
    "smpte2084": _pq,
    "arib-std-b67": _hlg,
}

INVERSES: dict[str, Curve] = {
    "bt709": _to_bt709,
    "smpte170m": _to_bt709,
    "bt2020-10": _to_bt709,
    "bt2020-12": _to_bt709,
    "bt1361e": _to_bt709,
    "iec61966-2-4": _to_bt709,
    "smpte240m": _to_smpte240m,
    "iec61966-2-1": _to_srgb,
    "linear": _root(1.0),
    "gamma22": _root(2.2),
    "gamma28": _root(2.8),
    "smpte428": _root(2.6, 52.37 / 48),
    "log100": _to_logarithm(2.0),
    "log316": _to_logarithm(2.5),
    "smpte2084": _to_pq,
    "arib-std-b67": _to_hlg,
}
