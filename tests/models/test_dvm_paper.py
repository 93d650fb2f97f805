"""DVM, size paper: the published layout and its figures, windows, streams, propagation."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

import narrow
from mattekit.checks import InputError
from mattekit.models.dvm.paper import PaperMatter, PaperNetwork, PaperPropagator, layout
from mattekit.models.dvm.paper.alignment import Alignment
from mattekit.models.dvm.paper.decoder import LargeKernel
from mattekit.models.dvm.paper.inputs import network_input
from mattekit.models.dvm.paper.propagation import PaperPropagation, Reference

PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"
needs_parity = pytest.mark.skipif(not PARITY.is_dir(), reason="needs the parity data in ../shared/parity")
FORMS = ("symmetric", "release")


def on_meta(form: str) -> PaperNetwork:
    with torch.device("meta"):
        return PaperNetwork(form=form)


def streamed(network: PaperNetwork, frames: Tensor, trimap: Tensor, chunk: int) -> Tensor:
    matter, state, alphas = PaperMatter(network), None, []
    for start in range(0, len(frames), chunk):
        alpha, _, state = matter.step(frames[start : start + chunk], trimap[start : start + chunk], state)
        assert state is not None and len(state.frames) <= network.before + network.after + 1
        alphas.append(alpha)
    last, _, state = matter.step(frames[:0], None, state)
    assert state is None
    return torch.cat((*alphas, last))


# the published network


def test_the_release_form_has_the_published_number_of_parameters() -> None:
    network = on_meta("release")
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert sum(counts.values()) == 319_178_764
    assert counts == {
        "encoder": 23_511_168,
        "fusion": 103_487_370,
        "decoder": 192_102_656,
        "pred_head": 577,
        "refine": 76_416,
        "refine_head": 577,
    }
    assert len(layout().shapes) == 517


@needs_parity
def test_keys_and_shapes_are_the_published_ones() -> None:
    wanted = json.loads((PARITY / "dvm_rn50_keys.json").read_text(encoding="utf-8"))
    assert {key: list(shape) for key, shape in layout().shapes.items()} == wanted


@needs_parity
def test_coarse_and_refined_alpha_agree_with_the_published_network() -> None:
    source = importlib.util.spec_from_file_location("parity_weights", PARITY / "parity_weights.py")
    assert source is not None and source.loader is not None
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    network = on_meta("release").to_empty(device="cpu").eval()
    module.fill(network.state_dict())
    stored = np.load(PARITY / "dvm_rn50.npz")
    codes = torch.from_numpy(stored["trimaps"])
    trimap = torch.where(codes == 128, 0.5, codes / 255)
    with torch.inference_mode():
        alphas = network(torch.from_numpy(stored["frames"])[None] / 255, trimap[None], targets=(2, 3))
    for name, found in (("coarse", alphas.coarse), ("refined", alphas.refined)):
        wanted = torch.from_numpy(stored[name])
        assert float(wanted.std()) > 0.1
        torch.testing.assert_close(found.reshape(wanted.shape), wanted, atol=1e-4, rtol=0)


def test_unknown_is_coded_as_128_of_255_and_colour_is_standardised() -> None:
    frames = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None].expand(1, 3, 1, 3)
    seen = network_input(frames, torch.tensor([0.0, 0.5, 1.0])[None, None, None])
    torch.testing.assert_close(seen[:, :3], torch.zeros(1, 3, 1, 3))
    assert seen[0, 3, 0].tolist() == [0.0, pytest.approx(128 / 255), 1.0]


def test_swapped_paddings_leave_the_second_bias_alone_in_three_columns_on_each_side() -> None:
    torch.manual_seed(0)
    swapped, plain = LargeKernel(8, swapped=True), LargeKernel(8)
    plain.load_state_dict(swapped.state_dict())
    for network in (swapped, plain):
        for name in ("conv_l1", "conv_l2"):
            for parameter in network.get_submodule(name).parameters():
                parameter.data.zero_()
    feature = torch.randn(1, 8, 9, 12)
    found, proper = swapped(feature).detach(), plain(feature).detach()
    assert found.shape == feature.shape
    bias = swapped.conv_r2.bias.detach()[:, None, None].expand(8, 9, 3)
    torch.testing.assert_close(found[0, :, :, :3], bias)
    torch.testing.assert_close(found[0, :, :, -3:], bias)
    torch.testing.assert_close(found[..., 3:-3, 3:-3], proper[..., 3:-3, 3:-3], atol=1e-5, rtol=0)
    assert float((proper[0, :, :, :3] - bias).abs().max()) > 0.1


def test_the_release_form_is_never_narrower_than_224() -> None:
    frames, trimap = narrow.scene(1, 40, 50)
    assert narrow.matting("release").encode(frames, trimap).seen.shape == (1, 4, 64, 224)
    assert narrow.matting().encode(frames, trimap).seen.shape == (1, 4, 64, 64)


# windows and streams


def test_halves_of_the_first_offset_convolution_add_up_to_it() -> None:
    torch.manual_seed(0)
    alignment = Alignment(8)
    neighbour, target = torch.randn(2, 2, 8, 6, 7)
    whole = alignment.off_conv1(torch.cat((neighbour, target), dim=1))
    halves = alignment.as_neighbour(neighbour) + alignment.as_target(target)
    torch.testing.assert_close(halves, whole, atol=1e-5, rtol=0)


def test_zero_offsets_and_half_masks_are_a_plain_convolution() -> None:
    network = PaperNetwork(width=8)
    aligned = network.fusion.get_submodule("flow0")
    feature = torch.randn(1, 8, 6, 7, generator=torch.Generator().manual_seed(0))
    plain = functional.conv2d(feature, aligned.dcnpack.weight, padding=1) / 2 + aligned.dcnpack.bias[:, None, None]
    torch.testing.assert_close(aligned(feature, feature, feature), plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_gives_what_the_whole_clip_gives_in_chunks_of_any_length(form: str) -> None:
    network = narrow.matting(form)
    frames, trimap = narrow.scene(5)
    with torch.inference_mode():
        whole = network(frames[None], trimap[None]).best[0]
    assert float(whole[trimap == 0.5].std()) > 0.05
    for chunk in (1, 3, 8):
        found = streamed(network, frames, trimap, chunk)
        torch.testing.assert_close(found[trimap == 0.5], whole[trimap == 0.5], atol=1e-5, rtol=0)
        assert bool((found[trimap != 0.5] == trimap[trimap != 0.5]).all())


@pytest.mark.parametrize(
    ("form", "neighbours", "touched"),
    [("symmetric", 1, [2, 3, 4]), ("symmetric", 2, [1, 2, 3, 4, 5]), ("release", 2, [3, 4, 5])],
)
def test_a_frame_matters_to_the_windows_that_hold_it_and_to_no_other(
    form: str, neighbours: int, touched: list[int]
) -> None:
    network = narrow.matting(form, neighbours=neighbours)
    frames, trimap = narrow.scene(7)
    changed = frames.clone()
    changed[3] = 1 - changed[3]
    differs = (streamed(network, changed, trimap, 7) - streamed(network, frames, trimap, 7)).abs().amax(dim=(1, 2, 3))
    assert differs.nonzero()[:, 0].tolist() == touched


@pytest.mark.parametrize("form", FORMS)
def test_each_frame_is_encoded_once_and_decoded_only_if_something_is_unknown(form: str) -> None:
    network, encoded, decoded = narrow.matting(form), [], []
    network.encoder.register_forward_hook(lambda *_: encoded.append(1))
    network.pred_head.register_forward_hook(lambda *_: decoded.append(1))
    frames, trimap = narrow.scene(5)
    trimap[2] = (trimap[2] > 0.5).float()
    found = streamed(network, frames, trimap, 2)
    assert (len(encoded), len(decoded)) == (5, 4)
    assert bool((found[2] == trimap[2]).all())


@pytest.mark.parametrize("form", FORMS)
def test_a_step_of_training_reaches_every_parameter(form: str) -> None:
    network = PaperNetwork(form=form, width=8)
    frames, trimap = narrow.scene(3)
    alphas = network.train()(frames[None], trimap[None], targets=(1, 2))
    assert alphas.coarse.shape == (1, 2, 1, 48, 64) and (alphas.refined is None) == (form == "symmetric")
    (alphas.coarse.mean() + alphas.best.square().mean()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
    # behind zero steering no gradient flows yet; everywhere else it does
    still = [name for name, parameter in network.named_parameters() if not bool(parameter.grad.any())]
    assert [name for name in still if "off_conv" not in name] == []


def test_mixed_precision_gives_nearly_the_same() -> None:
    network = narrow.matting()
    frames, trimap = narrow.scene(3)
    whole = network(frames[None], trimap[None], targets=(1,)).best
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = network(frames[None], trimap[None], targets=(1,)).best
    assert 0 < float((mixed.float() - whole).abs().mean()) < 0.01


# propagation


def test_a_constant_memory_is_read_out_as_it_is_whatever_the_scores() -> None:
    network = narrow.propagation()
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 12, 64, generator=generator)
    memory = torch.arange(128.0).expand(1, 12, 128)
    found = network._correlate(query, Reference(key, memory))
    torch.testing.assert_close(found, memory, atol=1e-4, rtol=0)


def test_the_budget_for_scores_changes_nothing() -> None:
    frames, trimap = narrow.scene(2, 128, 320)
    network = narrow.propagation(scores_mb=1)
    reference = network.remember(frames[:1], trimap[:1])
    many = network(frames[1:], Reference(reference.key.repeat(1, 20, 1), reference.memory.repeat(1, 20, 1)))
    network.scores_mb = 256
    torch.testing.assert_close(network(frames[1:], reference), many, atol=1e-4, rtol=0)


@pytest.mark.parametrize("stride", [16, 32])
def test_propagation_gives_each_pixel_a_class_and_depends_on_the_trimap(stride: int) -> None:
    propagator = PaperPropagator(narrow.propagation(stride=stride), longest=64)
    for size in ((33, 57), (1, 1), (20, 90)):
        trimap = torch.zeros(1, *size)
        found = propagator.step(torch.rand(3, *size), [propagator.reference(torch.rand(3, *size), trimap)]).trimap
        assert found.shape == (1, *size) and set(found.unique().tolist()) <= {0.0, 0.5, 1.0}
    frames, trimap = narrow.scene(2)
    one, other = (propagator.network.remember(frames[:1], given[:1]) for given in (trimap, 1 - trimap))
    assert float((propagator.network(frames[1:], one) - propagator.network(frames[1:], other)).abs().max()) > 1e-3


def test_fresh_propagation_starts_from_the_plain_target_feature() -> None:
    network = PaperPropagation(width=8).eval()
    frames, trimap = narrow.scene(2)
    one, other = (network.remember(frames[:1], given[:1]) for given in (trimap, 1 - trimap))
    assert bool((network(frames[1:], one) == network(frames[1:], other)).all())


def test_refusals_name_what_was_wrong() -> None:
    with pytest.raises(InputError, match="form must be one of symmetric, release; got 'both'"):
        PaperNetwork(form="both", width=8)
    with pytest.raises(InputError, match="backbone must be one of random, imagenet"):
        PaperNetwork(width=8, backbone="mine")
    with pytest.raises(InputError, match="neighbours must be 0 or more; got -1"):
        PaperNetwork(width=8, neighbours=-1)
    with pytest.raises(InputError, match="width must be a multiple of 8; got 12"):
        PaperNetwork(width=12)
    with pytest.raises(InputError, match="stride must be one of 16, 32; got '8'"):
        PaperPropagation(stride=8)
    with pytest.raises(InputError, match="width must be even and scores_mb 1 or more; got 8 and 0"):
        PaperPropagation(width=8, scores_mb=0)
    with pytest.raises(InputError, match="must be given a trimap"):
        PaperMatter(narrow.matting()).step(torch.rand(1, 3, 32, 32), None, None)
