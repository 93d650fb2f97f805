"""Speed of the procedural foregrounds: drawing each kind, and feeding training from a packed cache.

Times are of one core. The cache is read as training reads it, memory-mapped; every clip takes a random foreground and
background, moves both by their own shift, turn, zoom and bending, and composites them. The clip's parts are timed on
their own as well, and so are whole training samples. With --picture it draws the contact sheet of the documentation
instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattekit.data.compose import Composer
from mattekit.data.layer import Layer, over
from mattekit.data.motion import random_path, sample_layer
from mattekit.data.pack import Source, read_pack, write_pack
from mattekit.data.procedural import KINDS, SHARES, procedural_clips, render, texture
from mattekit.types import Stage

FRAMES, SIZE, SIDE = 5, (320, 320), 384
TURNS = 40


def drawing_times(count: int) -> dict[str, float]:
    """Print and return the seconds of processor time that a clip of each kind takes to draw."""
    seconds = {}
    for kind in KINDS:
        begin = time.process_time()
        for seed in range(count):
            render(kind, np.random.default_rng((5, seed)), size=(SIDE, SIDE), frames=FRAMES)
        seconds[kind] = (time.process_time() - begin) / count
        print(f"  {kind:10s} {1000 * seconds[kind]:6.0f} ms a clip of {FRAMES} frames at {SIDE}x{SIDE}")
    mean = sum(SHARES[kind] * seconds[kind] for kind in KINDS) / sum(SHARES.values())
    print(f"  {'mixture':10s} {1000 * mean:6.0f} ms, {300 * mean / 60:.1f} min for 300 clips")
    return {**seconds, "mixture": mean}


def write_cache(path: Path, count: int) -> None:
    """Write clips of all kinds and as many cloudy backgrounds to a pack."""
    backgrounds = (
        Source(f"cloud-{index}", "background", (texture(np.random.default_rng(index), (SIDE, SIDE)) * 255).byte()[None])
        for index in range(count)
    )
    write_pack(path, iter([*procedural_clips(count=count, seed=11, side=SIDE, frames=FRAMES), *backgrounds]))


def feeding_times(path: Path, *, bend: float) -> dict[str, float]:
    """Print and return the milliseconds of a clip's parts, and whole clips a second."""
    foregrounds, backgrounds = read_pack(path)
    generator = torch.Generator().manual_seed(3)

    def pick(sources: list[Source]) -> Tensor:
        return sources[int(torch.randint(len(sources), (1,), generator=generator))].pixels

    def fetch(sources: list[Source]) -> Tensor:
        return pick(sources).float() / 255

    def move(pixels: Tensor, reflect: bool) -> Tensor:
        road = random_path(FRAMES, generator, gap=1, zoom=(0.8, 1.4), bend=bend)
        return sample_layer(pixels, road, SIZE, centre=(SIDE / 2, SIDE / 2), reflect=reflect)

    def clip() -> Tensor:
        layer = move(fetch(foregrounds), False)
        return over(Layer(layer[:, :3], layer[:, 3:]), move(fetch(backgrounds), True))

    pixels, ground = fetch(foregrounds), fetch(backgrounds)
    moved = move(pixels, False)
    still = move(ground, True)
    parts: dict[str, Callable[[], Tensor]] = {
        "foreground from 8 bit": lambda: fetch(foregrounds),
        "background from 8 bit": lambda: fetch(backgrounds),
        "foreground moved": lambda: move(pixels, False),
        "background moved": lambda: move(ground, True),
        "composite": lambda: over(Layer(moved[:, :3], moved[:, 3:]), still),
    }
    found = {name: 1000 * _seconds(part) for name, part in parts.items()}
    for name, spent in found.items():
        print(f"  {name:24s} {spent:6.1f} ms")
    found["clips a second"] = 1 / _seconds(clip)
    print(f"  whole clips              {found['clips a second']:6.1f} a second")
    return found


def training_times(path: Path) -> dict[str, float]:
    """Print and return whole training samples a second: several layers, degradation and a trimap drawn as by hand."""
    foregrounds, backgrounds = read_pack(path)
    stage = Stage("benchmark", steps=1, batch=1, length=FRAMES, size=SIZE, rate=(1e-3, 1e-3))
    found = {}
    for name, strength in (("clean", 0.0), ("degraded", 1.0)):
        composer, generator = Composer(foregrounds, backgrounds, strength=strength), torch.Generator().manual_seed(5)

        def draw(composer: Composer = composer, generator: torch.Generator = generator) -> Tensor:
            return composer.sample(stage, generator).frames

        found[name] = 1 / _seconds(draw)
        print(f"  {name:24s} {found[name]:6.1f} a second")
    return found


def _seconds(work: Callable[[], Tensor]) -> float:
    """Return the processor time of one call, the mean of many after a first."""
    work()
    begin = time.process_time()
    for _ in range(TURNS):
        work()
    return (time.process_time() - begin) / TURNS


def contact_sheet(path: Path, *, grounds: list[Tensor], columns: int = 8, side: int = 200, count: int = 64) -> None:
    """Write composites of all kinds, each as often as its share but at least once, over backgrounds (3, H, W)."""
    total = sum(SHARES.values())
    wanted = [kind for kind in KINDS for _ in range(max(2, round(count * SHARES[kind] / total)))]
    order = np.random.default_rng(4).permutation(len(wanted))[:count]
    sheet = Image.new("RGB", (columns * side, -(-count // columns) * side))
    for place, index in enumerate(order):
        layer = render(wanted[index], np.random.default_rng((21, int(index))), size=(side, side), frames=1)
        ground = grounds[place % len(grounds)]
        picture = (over(layer, ground[None])[0] * 255).round().byte().permute(1, 2, 0).numpy()
        sheet.paste(Image.fromarray(picture), (place % columns * side, place // columns * side))
    sheet.save(path, optimize=True)


def grounds_of(folder: Path | None, count: int, side: int) -> list[Tensor]:
    """Return backgrounds (3, side, side) from a folder's pictures, or cloudy ones where there is none."""
    if folder is None:
        return [texture(np.random.default_rng(100 + index), (side, side)) for index in range(count)]
    found = []
    for path in sorted(folder.glob("*.jpg"))[:: max(1, len(list(folder.glob("*.jpg"))) // count)][:count]:
        with Image.open(path) as picture:
            shorter = min(picture.size)
            square = picture.convert("RGB").crop((0, 0, shorter, shorter)).resize((side, side))
        found.append(torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=24, help="clips in the cache")
    parser.add_argument("--each", type=int, default=3, help="clips drawn of each kind")
    parser.add_argument("--picture", type=Path, help="write a contact sheet here and end")
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures for the contact sheet")
    parser.add_argument("--side", type=int, default=200, help="side of the contact sheet's pictures in px")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.picture:
        grounds = grounds_of(arguments.backgrounds, 64, arguments.side)
        contact_sheet(arguments.picture, grounds=grounds, side=arguments.side)
        return
    print("drawing, one core:")
    rows: dict[str, dict[str, float]] = {"drawing": drawing_times(arguments.each)}
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache.safetensors"
        write_cache(cache, arguments.clips)
        for name, bend in (("affine motion", 0.0), ("affine motion and bending", 5.0)):
            print(f"clips of {FRAMES} frames at {SIZE[0]}x{SIZE[1]} from a packed cache, {name}:")
            rows[name] = feeding_times(cache, bend=bend)
        print("training samples of the same size with their trimaps, as the composer draws them:")
        rows["training samples"] = training_times(cache)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
