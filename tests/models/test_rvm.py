"""RVM: the published figures, layouts and counts; series and steps; working sizes; files."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import people
from mattekit.checks import InputError, WeightsError
from mattekit.models import Wanted, load, published_layouts
from mattekit.models.rvm.backbones import MobileNetEncoder, ResNetEncoder
from mattekit.models.rvm.decoder import Joined
from mattekit.models.rvm.network import BACKBONES, REFINERS, MattingNetwork, shrink
from mattekit.models.rvm.release import layouts
from mattekit.models.rvm.stream import StreamMatter, working_ratio
from mattekit.nn.guided import FastGuidedFilter, with_mean
from mattekit.weights.convert import convert

PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"
needs_parity = pytest.mark.skipif(not PARITY.is_dir(), reason="needs the parity data in ../shared/parity")
SCALES = ("half", "quarter", "eighth", "sixteenth")


def on_meta(backbone: str) -> MattingNetwork:
    with torch.device("meta"):
        return MattingNetwork(backbone)


def published(backbone: str, refiner: str) -> MattingNetwork:
    """Return a network with the weights that the stored figures were made with."""
    source = importlib.util.spec_from_file_location("parity_weights", PARITY / "parity_weights.py")
    assert source is not None and source.loader is not None
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    network = MattingNetwork(backbone, refiner=refiner).eval()
    state = module.fill(network.state_dict())
    if refiner == "deep_guided_filter":
        state["refiner.box_filter.weight"].fill_(1 / 9)
    return network


def run(matter: StreamMatter, frames: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    state, alphas, colours = None, [], []
    for piece in frames.split(chunk):
        alpha, foreground, state = matter.step(piece, None, state)
        assert foreground is not None
        alphas.append(alpha)
        colours.append(foreground)
    return torch.cat(alphas), torch.cat(colours)


# the published network


@needs_parity
@pytest.mark.parametrize("backbone", sorted(BACKBONES))
@pytest.mark.parametrize("refiner", sorted(REFINERS))
@pytest.mark.parametrize("ratio", ["0.5", "1.0"])
def test_outputs_and_states_agree_with_the_published_network(backbone: str, refiner: str, ratio: str) -> None:
    network, stored = published(backbone, refiner), np.load(PARITY / f"rvm_{backbone}_{refiner}_{ratio}.npz")
    assert float(stored["downsample_ratio"]) == float(ratio)
    frames = torch.from_numpy(stored["source"])[None] / 255
    with torch.inference_mode():
        found = network(frames, ratio=float(ratio))
        logits, _ = network.segment(frames)
    assert found.foreground is not None and float(stored["alpha"].std()) > 0.02
    pairs = [("alpha", found.alpha, 1e-4), ("foreground", found.foreground, 1e-3), ("segmentation", logits, 1e-3)]
    pairs += [(f"state{1 + place}", getattr(found.state, scale), 1e-3) for place, scale in enumerate(SCALES)]
    for name, value, margin in pairs:
        wanted = torch.from_numpy(stored[name]).float()
        torch.testing.assert_close(value.reshape(wanted.shape), wanted, atol=margin, rtol=0)


@needs_parity
def test_keys_and_shapes_are_the_published_ones() -> None:
    for layout in layouts():
        backbone = layout.family.removeprefix("rvm-")
        wanted = json.loads((PARITY / f"rvm_{backbone}_keys.json").read_text(encoding="utf-8"))
        assert {key: list(shape) for key, shape in layout.shapes.items()} == wanted


@pytest.mark.parametrize(
    ("backbone", "entries", "total", "parts"),
    [
        ("mobilenetv3", 380, 3_748_633, (2_971_952, 246_016, 529_772, 68 + 17, 808)),
        ("resnet50", 390, 26_890_461, (23_508_032, 1_049_088, 2_332_448, 68 + 17, 808)),
    ],
)
def test_the_number_of_parameters_is_the_published_one(
    backbone: str, entries: int, total: int, parts: tuple[int, ...]
) -> None:
    network = on_meta(backbone)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    heads = counts["project_mat"] + counts["project_seg"]
    found = (counts["backbone"], counts["aspp"], counts["decoder"], heads, counts["refiner"])
    assert (sum(counts.values()), found, len(network.state_dict())) == (total, parts, entries)


def test_mobilenet_standardises_its_input_and_the_residual_network_takes_it_as_it_is() -> None:
    seen: list[Tensor] = []
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    mobile, residual = MobileNetEncoder().eval(), ResNetEncoder().eval()
    for layer in (mobile.features[0], residual.conv1):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    shapes = [[tuple(each.shape[1:]) for each in encoder(grey)] for encoder in (mobile, residual)]
    assert float(seen[0].abs().max()) < 1e-6 and bool((seen[1] == grey).all())
    assert shapes[0] == [(16, 16, 16), (24, 8, 8), (40, 4, 4), (960, 2, 2)]
    assert shapes[1] == [(64, 16, 16), (256, 8, 8), (512, 4, 4), (2048, 2, 2)]


# the network as a function


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_a_series_gives_what_its_frames_give_one_by_one(ratio: float) -> None:
    network, frames = people.network(), people.clip(5, 75, 101)[None]
    with torch.inference_mode():
        whole, state, steps = network(frames, ratio=ratio), None, []
        for time in range(5):
            steps.append(network(frames[:, time : time + 1], state, ratio=ratio))
            state = steps[-1].state
    torch.testing.assert_close(torch.cat([step.alpha for step in steps], 1), whole.alpha, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.cat([step.foreground for step in steps], 1), whole.foreground, atol=1e-5, rtol=0)
    for scale in SCALES:
        torch.testing.assert_close(getattr(state, scale), getattr(whole.state, scale), atol=1e-5, rtol=0)
    assert float(whole.alpha.std()) > 0.02


def test_what_was_seen_before_matters() -> None:
    network, frames = people.network(), people.clip(2)[None]
    with torch.inference_mode():
        alone = network(frames[:, 1:])
        after = network(frames[:, 1:], network(frames[:, :1]).state)
    assert float((alone.alpha - after.alpha).abs().max()) > 1e-3


def test_features_convolved_apart_give_what_they_give_concatenated() -> None:
    torch.manual_seed(0)
    layers = Joined(torch.nn.Conv2d(7, 4, 3, padding=1), torch.nn.ReLU())
    features = torch.randn(2, 5, 6, 7), torch.randn(2, 2, 6, 7)
    concatenated = layers(*features)
    with torch.inference_mode():
        torch.testing.assert_close(layers(*features), concatenated.detach(), atol=1e-5, rtol=0)
    assert concatenated.requires_grad and float(concatenated.detach().std()) > 0.1


@pytest.mark.parametrize("refiner", sorted(REFINERS))
def test_alpha_is_the_same_whether_colour_is_wanted_or_not(refiner: str) -> None:
    network, frames = people.network(refiner=refiner), people.clip(2)[None]
    with torch.inference_mode():
        both, alone = (network(frames, ratio=0.5, foreground=wanted) for wanted in (True, False))
    assert both.foreground is not None and alone.foreground is None
    torch.testing.assert_close(alone.alpha, both.alpha, atol=1e-5, rtol=0)


def test_the_guided_filter_gives_a_line_of_the_guide_back_where_the_picture_varies() -> None:
    fine = people.clip(1, 64, 64)
    base = shrink(fine, 0.5)
    slope, offset = (
        torch.tensor([0.5, -1.0, 2.0, 0.25]).view(4, 1, 1),
        torch.tensor([0.1, 0.2, -0.3, 0.4]).view(4, 1, 1),
    )
    noisy = base + 0.3 * torch.rand(base.shape, generator=torch.Generator().manual_seed(0))
    lines = FastGuidedFilter()(noisy, slope * with_mean(noisy) + offset, noisy)
    inside = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    wanted = slope * with_mean(fine) + offset
    torch.testing.assert_close(lines.at(fine)[inside], wanted[inside], atol=0.02, rtol=0)
    torch.testing.assert_close(lines.alpha_at(fine), lines.at(fine)[:, 3:])


def test_a_step_of_training_reaches_every_parameter() -> None:
    network = MattingNetwork().train()
    frames = people.clip(4, 64, 64).unflatten(0, (2, 2))
    found = network(frames, ratio=0.5)
    assert found.foreground is not None
    logits, _ = network.segment(frames)
    ((found.alpha - 0.5).square().mean() + found.foreground.square().mean() + logits.mean()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_wrong_shapes_and_ratios_are_refused() -> None:
    network = people.network()
    with pytest.raises(InputError, match=r"frames must have shape \(B, T, 3, H, W\)"):
        network(people.clip(1))
    for ratio in (0.0, 1.5):
        with pytest.raises(InputError, match="ratio must be above 0 and at most 1"):
            network(people.clip(1)[None], ratio=ratio)
    with pytest.raises(InputError, match="backbone must be one of mobilenetv3, resnet50; got 'resnet18'"):
        MattingNetwork("resnet18")


# the stream, and files


def test_the_long_side_is_brought_to_the_working_size_and_small_frames_are_left_alone() -> None:
    assert working_ratio((1080, 1920), 512) == 512 / 1920
    assert working_ratio((288, 512), 512) == working_ratio((40, 40), 512) == 1
    assert shrink(torch.zeros(1, 3, 1080, 1920), 512 / 1920).shape == (1, 3, 288, 512)
    assert shrink(torch.zeros(1, 3, 2, 3000), 0.1).shape == (1, 3, 1, 300)


@pytest.mark.parametrize("family", ["rvm-mobilenetv3", "rvm-resnet50"])
def test_a_file_chooses_the_backbone_and_folding_changes_nothing(tmp_path: Path, family: str) -> None:
    backbone, frames = family.removeprefix("rvm-"), people.clip(3)
    source = tmp_path / "published.pth"
    torch.save(people.network(backbone).state_dict(), source)
    made = convert(source, tmp_path / "w.safetensors", published_layouts())
    assert made.family == family
    model = load("rvm", weights=made.path, wanted=Wanted(working_size=48))
    assert isinstance(model.matter, StreamMatter)
    norms = [module for module in model.matter.network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms == [] and model.propagator is None
    alpha, foreground = run(model.matter, frames, 3)
    with torch.inference_mode():
        plain = people.network(backbone)(frames[None], ratio=0.5)
    assert plain.foreground is not None
    torch.testing.assert_close(alpha, plain.alpha[0], atol=2e-5, rtol=0)
    torch.testing.assert_close(foreground, plain.foreground[0], atol=2e-5, rtol=0)
    assert float(alpha.std()) > 0.01


def test_colour_in_any_chunks_is_the_same(tmp_path: Path) -> None:
    model = load("rvm", weights=people.write_people(tmp_path / "w.safetensors"), wanted=Wanted(working_size=64))
    assert isinstance(model.matter, StreamMatter)
    frames = people.clip(5, 75, 101)
    for one, other in zip(run(model.matter, frames, 1), run(model.matter, frames, 5), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_without_weights_one_line_says_what_to_fetch() -> None:
    with pytest.raises(WeightsError, match=r"rvm must be given weights.*weights fetch rvm_mobilenetv3.*GPL-3\.0"):
        load("rvm")


def test_files_of_other_networks_and_sizes_that_cannot_be_are_refused(tmp_path: Path) -> None:
    import narrow

    with pytest.raises(WeightsError, match="names 'dvm-release'"):
        load("rvm", weights=narrow.write_release(tmp_path / "dvm.safetensors"))
    with pytest.raises(InputError, match="at least 1 px; got 0"):
        Wanted(working_size=0)
    with pytest.raises(InputError, match="dvm must work at the clip's own size"):
        load("dvm", wanted=Wanted(working_size=100))
