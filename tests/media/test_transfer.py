"""Display-referred values to light, against numbers of the standards and there and back."""

from __future__ import annotations

import numpy as np
import pytest

from mattekit.media.transfer import CURVES, DEFAULTS, INVERSES, displayed, linearise

LEVELS = np.arange(65536, dtype=np.float32) / np.float32(65535)
BEND, RISE = 0.018053968510807, 1.09929682680944


def bt709(light):
    return np.where(light < BEND, 4.5 * light, RISE * light**0.45 - (RISE - 1))


def srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pq(light):
    power = (light / 100) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(light):
    with np.errstate(invalid="ignore", divide="ignore"):
        high = 0.17883277 * np.log(12 * light - 0.28466892) + 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), high)


@pytest.mark.parametrize(
    ("transfer", "value", "light"),
    [
        ("bt709", 0.0405, 0.009),
        ("bt709", 0.5, 0.2597),
        ("iec61966-2-1", 0.5, 0.2140),
        ("iec61966-2-1", 0.04, 0.04 / 12.92),
        ("gamma22", 0.5, 0.2176),
        ("gamma28", 0.5, 0.1436),
        ("linear", 0.3, 0.3),
        ("smpte240m", 0.05, 0.0125),
        ("smpte2084", 0.508078, 1.0),
        ("smpte2084", 0.751827, 10.0),
        ("arib-std-b67", 0.5, 1 / 12),
        ("log100", 0.5, 0.1),
        ("smpte428", 1.0, 52.37 / 48),
    ],
)
def test_values_stand_for_the_light_that_the_standard_says(transfer, value, light):
    got = linearise(np.array([value], np.float32), transfer)
    assert got.dtype == np.float32
    assert float(got[0]) == pytest.approx(light, rel=2e-4)


@pytest.mark.parametrize(
    ("transfer", "back"), [("bt709", bt709), ("iec61966-2-1", srgb), ("smpte2084", pq), ("arib-std-b67", hlg)]
)
def test_every_level_of_sixteen_bits_comes_back(transfer, back):
    light = linearise(LEVELS, transfer).astype(np.float64)
    assert np.array_equal(np.rint(back(light) * 65535), np.arange(65536))


@pytest.mark.parametrize("transfer", sorted(CURVES))
def test_more_stays_more_and_black_stays_black(transfer):
    light = linearise(LEVELS, transfer)
    assert float(light[0]) == 0
    assert (np.diff(light) >= 0).all()
    if transfer not in ("smpte2084", "smpte428"):
        assert float(light[-1]) == pytest.approx(1, abs=1e-5)


def test_names_that_are_not_known_count_as_bt709():
    assert np.array_equal(linearise(LEVELS, "none"), linearise(LEVELS, "bt709"))
    assert DEFAULTS == {"video": "bt709", "images": "iec61966-2-1"}


@pytest.mark.parametrize("transfer", sorted(CURVES))
def test_light_is_displayed_as_the_values_that_it_was_made_of(transfer):
    assert CURVES.keys() == INVERSES.keys()
    light = linearise(LEVELS, transfer)
    found = displayed(light, transfer)
    assert found.dtype == np.float32
    assert np.abs(found - LEVELS).max() < 5e-7
    assert found[0] == 0
    assert found[-1] == 1
    assert displayed(np.array([-np.inf, -1, 1e30, np.inf], np.float32), transfer).tolist() == [0, 0, 1, 1]
