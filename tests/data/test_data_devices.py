"""Generators give the same on every device that this machine has."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.data.compose import Composer
from mattekit.data.degrade import degrade, degrade_layer, expose
from mattekit.data.fake_motion import fake_motion
from mattekit.data.figure import Figure
from mattekit.data.flow import path_flow, seen_in_both
from mattekit.data.layer import Layer, over
from mattekit.data.motion import random_path, sample_layer
from mattekit.data.pack import Source
from mattekit.data.trimaps import paper_trimap, random_trimap
from mattekit.data.walk import random_walk
from mattekit.types import Stage

SIZE = (40, 56)


def photo() -> Tensor:
    line = torch.arange(64.0) - 31.5
    alpha = ((22 - torch.hypot(line[:, None], line)) / 6 + 0.5).clamp(0, 1)
    ramp = (line / 64 + 0.5).expand(64, 64)
    return torch.stack((ramp, ramp.T, 1 - ramp, alpha))


def clips(device: torch.device, seed: int) -> list[Tensor | None]:
    """Return all tensors of a clip made on a device, the uncertain ones last."""
    generator = torch.Generator().manual_seed(seed)
    path = random_path(4, generator, gap=2, zoom=(0.7, 1.1))
    pixels = photo().to(device)
    drawn = sample_layer(pixels, path, SIZE, centre=(32.0, 32.0))
    flow, exact = path_flow(path, SIZE, device=device)
    layers = [
        fake_motion(pixels, generator, length=4, size=SIZE),
        Layer(drawn[:, :3], drawn[:, 3:], flow, exact * seen_in_both(flow, drawn[:, 3:])),
    ]
    behind = torch.linspace(0, 1, SIZE[1], device=device).expand(4, 3, *SIZE)
    found: list[Tensor | None] = []
    for layer in layers:
        changed = degrade_layer(layer, behind, generator)
        lit, back = expose(changed, behind, generator)
        frames = degrade(over(lit, back), generator)
        trimaps = [random_trimap(lit.alpha, generator), paper_trimap(lit.alpha, generator)]
        found += [lit.colour, lit.alpha, layer.flow, layer.valid, frames, *trimaps]
    return found


def test_clips_are_the_same_but_for_rounding(device: torch.device) -> None:
    for seed in range(8):
        for here, wanted in zip(clips(device, seed), clips(torch.device("cpu"), seed), strict=True):
            assert here is not None and wanted is not None and here.device.type == device.type
            gap = (here.cpu() - wanted).abs()
            assert float(gap.mean()) < 4e-3 and float((gap > 0.02).float().mean()) < 0.02


def test_figures_are_the_same_but_for_rounding(device: torch.device) -> None:
    pixels = (photo() * 255).round().to(torch.uint8)
    plate = torch.randint(0, 256, (3, *SIZE), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    places = random_walk(30, SIZE, torch.Generator().manual_seed(3)).places((64, 64))
    here, wanted = (Figure(pixels.to(at)).place(places[-1], plate.to(at)) for at in (device, "cpu"))
    for name in ("frame", "alpha", "foreground"):
        one, other = getattr(here, name), getattr(wanted, name)
        assert one.device.type == device.type and int((one.cpu().int() - other.int()).abs().max()) <= 1


def test_batches_are_the_same_but_for_rounding(device: torch.device) -> None:
    pixels = (photo() * 255).round().to(torch.uint8)
    stage = Stage("test", steps=1, batch=2, length=3, size=SIZE, rate=(1e-3, 1e-4), gap=2)
    for seed in range(4):
        found = []
        for at in (device, torch.device("cpu")):
            moving = Source("b", "procedural", torch.stack((pixels, pixels.flip(-1))).to(at))
            ground = Source("c", "background", pixels[None, :3].to(at))
            composer = Composer([Source("a", "photo", pixels[None].to(at)), moving], [ground], flow=True)
            found.append(composer.sample(stage, torch.Generator().manual_seed(seed)))
        for name in ("frames", "trimap", "alpha_true", "foreground_true", "background_true", "flow_true"):
            here, wanted = (getattr(sample, name) for sample in found)
            gap = (here.cpu() - wanted).abs()
            assert here.device.type == device.type and float(gap.mean()) < 4e-3
