"""Foreground colour along clips: error, flicker, green at edges over white, and how well layers give the frame again.

OMP_NUM_THREADS=1 python benchmarks/foreground_clips.py --data ../shared/data/train --sheet spill.png
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from keyer import COLOURS, load
from PIL import Image
from torch import Tensor

from mattekit.engine.colour import complete
from mattekit.engine.recomposition import Recomposition
from mattekit.media import probe, read
from mattekit.ops import composite, estimate_foreground, gaussian_blur, warp
from mattekit.types import Chunk, Matte

SIZE = (288, 384)
GRAIN = 0.008
MOVING = (
    ("alphamatting_gt05", (0, 0), "juggle_park"),
    ("am2k02", (0, 0), "dogs_jump"),
    ("alphamatting_gt05", (1, 0), "ski_city"),
    ("alphamatting_gt01", (2, 1), "boat"),
    ("p3m_07141906", (2, -1), "dogwalk"),
    ("am2k01", (5, 2), "surf"),
    ("am2k02", (5, 2), "dogs_jump"),
    ("lion", None, "ocean_trip"),
    ("baby_cg", None, "dogwalk"),
)
"""Foreground, its motion in px a frame (x, y; None for clips, which move by themselves), and background clip."""

SPILLED = (
    *("alphamatting_gt01", "alphamatting_gt05", "am2k01", "am2k06", "aim1", "aim3", "gfm1", "p3m_07141906"),
    *("p3m_51c916fc", "p3m_bac3c1ff", "white_tiger_194"),
)
SHOWN = ("alphamatting_gt05", "gfm1", "p3m_51c916fc", "am2k01")
LIGHT, TOO_MUCH = 0.15, 0.08
"""Green light that falls on edges, and what an alpha says too much where it is soft."""


def grained(frames: Tensor, level: float = GRAIN) -> Tensor:
    """Return frames with grain, in 8-bit steps."""
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0))
    return ((frames + level * noise).clamp(0, 1) * 255).round() / 255


def scene(
    data: Path, name: str, speed: tuple[int, int] | None, background: str, frames: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return frames, alpha and true foreground of a subject over a clip."""
    colour, alpha = (functional.interpolate(each, size=SIZE, mode="area") for each in load(data, name, frames))
    if speed is not None:
        steps = [torch.tensor(speed).view(1, 2, 1, 1).float() * -index for index in range(frames)]
        layers = torch.cat((colour[:1], alpha[:1]), dim=1)
        moved = torch.cat([warp(layers, step.expand(1, 2, *SIZE))[0] for step in steps])
        colour, alpha = moved[:, :3], moved[:, 3:]
    clip = probe(data / "bgv" / f"{background}.mp4")
    behind = torch.cat([chunk.frames for chunk in read(clip, end=frames)])
    behind = functional.interpolate(behind, size=SIZE, mode="bilinear", align_corners=False)
    return grained(composite(colour, alpha, behind)), alpha, colour


def completed(frames: Tensor, alpha: Tensor, *, spill: float = 0.0) -> list[Matte]:
    """Return the mattes as the command makes them."""
    chunk = Chunk(0, torch.arange(len(frames)), frames)
    return list(complete([Matte(chunk, alpha)], foreground=True, spill=spill))


def error_and_flicker(found: Tensor, alpha: Tensor, colour: Tensor, speed: tuple[int, int]) -> tuple[float, float]:
    """Return the mean error of soft pixels in %, and in % how much it changes along the subject's motion."""
    soft = (alpha > 0.05) & (alpha < 0.95)
    error = found - colour
    step = torch.tensor(speed).view(1, 2, 1, 1).float().expand(len(error) - 1, 2, *error.shape[-2:])
    later, inside = warp(error[1:], step)
    kept = (soft[:-1] & (warp(soft[1:].float(), step)[0] > 0.99) & (inside > 0)).expand_as(later)
    return 100 * float(error.abs()[soft.expand_as(error)].mean()), 100 * float((later - error[:-1]).abs()[kept].mean())


def flicker_table(data: Path, frames: int) -> None:
    """Print error and flicker frame by frame and held, and how well the held layers give the frames again."""
    print("error %, flicker % of soft pixels: frame by frame | carried along; recomposition: mean, max of 255")
    for name, speed, background in MOVING:
        seen, alpha, colour = scene(data, name, speed, background, frames)
        mattes, measured = completed(seen, alpha), Recomposition()
        for matte in mattes:
            measured.write(matte)
        held = torch.cat([matte.foreground for matte in mattes if matte.foreground is not None])
        values = [
            error_and_flicker(each, alpha, colour, speed or (0, 0)) for each in (estimate_foreground(seen, alpha), held)
        ]
        moved = "clip" if speed is None else f"{speed[0]},{speed[1]} px"
        left, right = (f"{error:6.2f} {flicker:6.2f}" for error, flicker in values)
        again = " ".join(f"{255 * (value or 0):6.2f}" for value in measured.measured().values())
        print(f"  {name:18s}{moved:8s}{left} |{right}; {again}", flush=True)


def green_over_white(foreground: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Return the composite over white (T, 3, H, W), and by how much green stands above red and blue in it."""
    laid = composite(foreground, alpha, torch.ones(1, 3, 1, 1))
    return laid, laid[:, 1] - torch.maximum(laid[:, 0], laid[:, 2])


def spills(data: Path) -> Iterator[tuple[str, str, Tensor, Tensor, Tensor, Tensor]]:
    """Yield name, case, alpha as given, true colour laid over white, and both estimates, of stills before green."""
    green = torch.tensor(COLOURS["green"]).view(1, 3, 1, 1) / 255
    for name in SPILLED:
        colour, alpha = (functional.interpolate(each, size=(384, 512), mode="area") for each in load(data, name, 1))
        near = gaussian_blur((alpha < 0.5).float(), 6.0)
        for case, light, more in (
            ("true alpha", 0.0, 0.0),
            ("spill", LIGHT, 0.0),
            ("spill, alpha high", LIGHT, TOO_MUCH),
        ):
            lit = (colour + light * near * green).clamp(0, 1)
            given = (alpha + more * ((alpha > 0) & (alpha < 1))).clamp(0, 1)
            frames = grained(composite(lit, alpha, green), 0.006)
            plain, clean = (completed(frames, given, spill=amount)[0].foreground for amount in (0.0, 1.0))
            yield name, case, given, torch.cat((colour, alpha), dim=1), plain, clean  # type: ignore[misc]


def spill_table(data: Path, sheet: Path | None) -> None:
    """Print green over white and colour's error before and after despill; draw crops of some."""
    print("\ngreen over white, most of 255, and error % of soft colour: true | estimated | despilled")
    rows: dict[str, list[list[float]]] = {}
    crops = []
    for name, case, given, true, plain, clean in spills(data):
        colour, alpha = true[:, :3], true[:, 3:]
        soft, counted = (given > 0.02) & (given < 1), ((alpha > 0.1) & (alpha < 1)).expand_as(colour)
        values = []
        for each, mask in ((colour, alpha), (plain, given), (clean, given)):
            values.append(255 * float(green_over_white(each, mask)[1][soft[:, 0]].max()))
            values.append(100 * float((each - colour).abs()[counted].mean()))
        rows.setdefault(case, []).append(values)
        print(
            f"  {name:18s}{case:18s}"
            + " | ".join(f"{most:7.1f} {error:6.2f}" for most, error in zip(values[::2], values[1::2], strict=True))
        )
        if name in SHOWN and case == "spill, alpha high":
            crops.append(
                _crop([green_over_white(*pair)[0] for pair in ((plain, given), (clean, given), (colour, alpha))], alpha)
            )
    for case, found in rows.items():
        print(f"  mean              {case:18s}" + " ".join(f"{value:7.2f}" for value in np.mean(found, axis=0)))
    if sheet is not None:
        Image.fromarray((torch.cat(crops, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()).save(sheet)


def _crop(pictures: list[Tensor], alpha: Tensor) -> Tensor:
    """Return the softest part of pictures side by side, enlarged, (3, H, W)."""
    share = functional.avg_pool2d(((alpha > 0.1) & (alpha < 0.9)).float(), (128, 170), 8)[0, 0]
    place = int(share.argmax())
    top, left = 8 * (place // share.shape[1]), 8 * (place % share.shape[1])
    parts = [picture[..., top : top + 128, left : left + 170] for picture in pictures]
    return torch.cat([functional.interpolate(part, scale_factor=2)[0] for part in parts], dim=-1)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"), help="folder with fg, fgv and bgv")
    parser.add_argument("--frames", type=int, default=9, help="frames a clip")
    parser.add_argument("--sheet", type=Path, help="picture of edges over white: estimated, despilled, true")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not there; name the data folder with --data")
        return
    with torch.inference_mode():
        flicker_table(options.data, options.frames)
        spill_table(options.data, options.sheet)


if __name__ == "__main__":
    main()
