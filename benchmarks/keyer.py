"""Error of the keyer on foregrounds laid over screens, beside a plain colour-difference key; and its speed.

OMP_NUM_THREADS=1 python benchmarks/keyer.py --data ../shared/data/train
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattekit.data.key_settings import KeySettings
from mattekit.data.keyer import Keyer
from mattekit.data.screen import excess, find_screen
from mattekit.metrics import dtssd, mad
from mattekit.ops import UNKNOWN, composite, resize, trimap_from_alpha_iterated

KEYED = ("anatomy_cg", "lion", "lion_b")
CLIPS = (*KEYED, "baby_cg", "vfx_hourglass")
STILLS = (
    *("alphamatting_gt01", "alphamatting_gt05", "alphamatting_gt10", "alphamatting_gt19", "am2k01", "am2k02"),
    *("am2k06", "am2k13", "aim1", "aim3", "gfm1", "gfm2", "gfm3", "p3m_07141906", "p3m_51c916fc", "p3m_bac3c1ff"),
    *("p3m_s0865636e", "man_paint_186", "headphones_034", "effect_310", "effect_264", "footballer_099"),
    *("butterfly_228", "white_tiger_194"),
)
PARTLY_GREEN = ("cactus3d_235", "potted_plant_137", "kiwi_183", "halloween3d_114", "salad_167")
COLOURS = {"green": (0, 177, 64), "blue": (0, 71, 187), "uneven": (0, 177, 64)}
GRAIN = 0.012

Result = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Shot:
    """Foreground frames (T, 3, H, W), their alpha (T, 1, H, W), and what a camera made of them before a screen."""

    foreground: Tensor
    alpha: Tensor
    frames: Tensor


def load(data: Path, name: str, frames: int) -> tuple[Tensor, Tensor]:
    """Return foreground and alpha of a clip's middle frames, or of a still once."""
    if name in CLIPS:
        colour, alpha = (_decode(data / "fgv" / f"{name}_{part}") for part in ("fg.mp4", "alpha.mkv"))
        first = max(0, (len(alpha) - frames) // 2)
        return colour[first : first + frames], alpha[first : first + frames, :1]
    with Image.open(data / "fg" / f"{name}_fg.jpg") as picture, Image.open(data / "fg" / f"{name}_alpha.png") as matte:
        return _planes([np.array(picture.convert("RGB"))]), _planes([np.array(matte.convert("L"))[..., None]])


def shoot(foreground: Tensor, alpha: Tensor, screen: str) -> Shot:
    """Lay a foreground over a flat screen, or over one lit unevenly, with grain, and through H.264 at 4:2:0."""
    height, width = (side // 2 * 2 for side in alpha.shape[-2:])
    foreground, alpha = foreground[..., :height, :width], alpha[..., :height, :width]
    colour = torch.tensor(COLOURS[screen]).view(3, 1, 1) / 255
    if screen != "uneven":
        return Shot(foreground, alpha, (composite(foreground, alpha, colour) * 255).round() / 255)
    y, x = torch.linspace(-1, 1, height).view(-1, 1), torch.linspace(-1, 1, width).view(1, -1)
    light = 1 - 0.22 * (x + 0.3) ** 2 - 0.12 * (y - 0.2) ** 2 + 0.1 * x + 0.05 * torch.sin(3 * x + 2 * y)
    tint = torch.stack((torch.ones_like(light), torch.ones_like(light), 1 + 0.15 * x + 0 * y))
    drift = torch.tensor([1 + 0.01 * math.sin(0.7 * index) for index in range(len(alpha))]).view(-1, 1, 1, 1)
    seen = composite(foreground, alpha, (colour + 0.03) * light * tint * drift)
    grain = torch.randn(seen.shape, generator=torch.Generator().manual_seed(0))
    return Shot(foreground, alpha, _coded((seen + GRAIN * grain).clamp(0, 1)))


def key(frames: Tensor, screen: str) -> Result:
    """Return alpha and foreground as the keyer makes them with its defaults."""
    found = find_screen(frames[:: max(1, len(frames) // 5)][:5], "blue" if screen == "blue" else "green")
    alpha, foreground, _ = Keyer(found, KeySettings()).step(frames)
    return alpha, foreground


def plain(frames: Tensor, screen: str) -> Result:
    """Return the plain colour-difference key: one screen colour, no neighbours; despilled, not unmixed."""
    primary = 2 if screen == "blue" else 1
    own = excess(frames[0], primary)
    typical = frames[0][:, (own > 0.6 * own.max())[0]].median(dim=1).values
    over = excess(frames, primary)
    foreground = frames.clone()
    foreground[:, primary : primary + 1] -= over.clamp_min(0)
    return (1 - over / excess(typical.view(3, 1, 1), primary)).clamp(0, 1), foreground


def score(result: Result, shot: Shot) -> list[float]:
    """Return alpha's mean error in % over frame and unknown region, dtSSD there, and colour's error in % where soft."""
    alpha, foreground = result
    region = trimap_from_alpha_iterated(shot.alpha, side=3, iterations=5) == UNKNOWN
    pairs = dtssd(alpha, shot.alpha, region)
    soft = ((shot.alpha > 0.05) & (shot.alpha < 0.95)).expand_as(foreground)
    return [
        100 * float(mad(alpha, shot.alpha, torch.ones_like(region)).mean()),
        100 * float(mad(alpha, shot.alpha, region).mean()),
        float(pairs.mean()) if len(pairs) else math.nan,
        100 * float((foreground - shot.foreground)[soft].abs().mean()),
    ]


def table(data: Path, names: tuple[str, ...], screen: str, frames: int) -> None:
    """Print the errors of both keys on every foreground, and their means."""
    print(f"\n{screen}: frame %, unknown %, dtSSD, soft colour %   [keyer | plain]")
    rows: list[list[float]] = []
    for name in names:
        shot = shoot(*load(data, name, frames), screen)
        rows.append(score(key(shot.frames, screen), shot) + score(plain(shot.frames, screen), shot))
        print(_row(name, rows[-1]), flush=True)
    print(_row("mean", np.mean(rows, axis=0).tolist()))


def light_table(data: Path) -> None:
    """Print what keying in linear light does, for pictures mixed in linear light and for those mixed as shown."""
    print("\nlight: alpha's error in % over the unknown region [mixed as shown, mixed in linear light]")
    ways: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
        "as shown": (lambda x: x, lambda x: x),
        "linear": (lambda x: x.clamp(0, 1) ** 2.2, lambda x: x.clamp(0, 1) ** (1 / 2.2)),
    }
    green = torch.tensor(COLOURS["green"]).view(3, 1, 1) / 255
    for keyed, (into, _) in ways.items():
        found = []
        for decode, encode in ways.values():
            errors = []
            for name in (*KEYED, *STILLS[:8]):
                foreground, alpha = load(data, name, 1)
                frames = (encode(composite(decode(foreground), alpha, decode(green))) * 255).round() / 255
                errors.append(score(key(into(frames), "green"), Shot(foreground, alpha, frames))[1])
            found.append(sum(errors) / len(errors))
        print(f"  keyed {keyed:10s}" + "".join(f"{value:8.2f}" for value in found))


def speed(data: Path, repeats: int) -> None:
    """Print frames a second at 1080p, without reading and writing."""
    foreground, alpha = (resize(layer, (1080, 1920), "bilinear") for layer in load(data, "lion", 1))
    for screen, colour in (("green", True), ("green", False), ("uneven", True)):
        frames = shoot(foreground, alpha, screen).frames
        keyer = Keyer(find_screen(frames, "green"), KeySettings(), colour=colour)
        state, seconds = None, []
        for _ in range(repeats):
            begun = time.perf_counter()
            _, _, state = keyer.step(frames, None, state)
            seconds.append(time.perf_counter() - begun)
        what = screen if colour else f"{screen}, alpha alone"
        print(f"{what}: {1 / sorted(seconds)[repeats // 2]:.1f} frames/s at 1080p, best {1 / min(seconds):.1f}")


def _row(name: str, values: list[float]) -> str:
    half = len(values) // 2
    left, right = (" ".join(f"{value:6.2f}" for value in part) for part in (values[:half], values[half:]))
    return f"  {name:18s}{left}  | {right}"


def _coded(frames: Tensor) -> Tensor:
    """Return frames after H.264 at 4:2:0 and constant quality 20, BT.709."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "20", "preset": "fast"})
        stream.height, stream.width = frames.shape[-2:]
        stream.pix_fmt = "yuv420p"
        for picture in (frames * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy():
            shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
            output.mux(stream.encode(shown.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)))
        output.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as source:
        shown = [
            frame.reformat(format="rgb24", src_colorspace=1, src_color_range=1).to_ndarray()
            for frame in source.decode(video=0)
        ]
    return _planes(shown)


def _decode(path: Path) -> Tensor:
    with av.open(str(path)) as container:
        return _planes([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def _planes(pictures: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with fg and fgv")
    parser.add_argument("--frames", type=int, default=8, help="frames a clip")
    parser.add_argument("--only", choices=("quality", "light", "speed"))
    options = parser.parse_args()
    with torch.inference_mode():
        if options.only in (None, "quality"):
            for screen in COLOURS:
                print(f"\n== chroma-keyed clips, all clips, stills, partly green stills over {screen}")
                for names in (KEYED, CLIPS, STILLS, PARTLY_GREEN):
                    table(options.data, names, screen, options.frames)
        if options.only in (None, "light"):
            light_table(options.data)
        if options.only in (None, "speed"):
            speed(options.data, 9)


if __name__ == "__main__":
    main()
