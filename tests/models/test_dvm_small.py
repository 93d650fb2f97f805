"""DVM, size small: windows, streams, tiles, ablations, budget."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch.utils.flop_counter import FlopCounterMode

from mattekit.checks import InputError
from mattekit.models.dvm.fusion import FUSIONS
from mattekit.models.dvm.network import MattingNetwork
from mattekit.models.dvm.propagation import PropagationNetwork, class_shares
from mattekit.models.dvm.stream import StreamMatter, StreamPropagator
from mattekit.models.dvm.tiles import unknown_tiles
from mattekit.nn.blocks import fold_norms
from shaken import shaken


def scene(frames: int, height: int = 48, width: int = 64, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random frames and a trimap with a moving disc and its unknown ring."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centre = width / 3 + torch.arange(frames) * 2.0
    distance = ((y - height / 2) ** 2 + (x - centre[:, None, None]) ** 2).sqrt()[:, None]
    trimap = torch.where(distance < 8, 1.0, torch.where(distance < 15, 0.5, 0.0))
    return torch.rand(frames, 3, height, width, generator=generator), trimap


def streamed(network: MattingNetwork, frames: torch.Tensor, trimap: torch.Tensor, chunk: int) -> torch.Tensor:
    matter, state, alphas = StreamMatter(network), None, []
    for start in range(0, len(frames), chunk):
        alpha, _, state = matter.step(frames[start : start + chunk], trimap[start : start + chunk], state)
        alphas.append(alpha)
    last, _, state = matter.step(frames[:0], None, state)
    assert state is None
    return torch.cat((*alphas, last))


def test_alpha_is_the_trimap_where_it_is_known_and_between_0_and_1_elsewhere() -> None:
    frames, trimap = scene(3, 40, 50)
    alpha = shaken(MattingNetwork())(frames[None], trimap[None])[0].detach()
    known = trimap != 0.5
    assert alpha.shape == (3, 1, 40, 50)
    assert bool((alpha[known] == trimap[known]).all())
    assert float(alpha.min()) >= 0 and float(alpha.max()) <= 1
    assert float(alpha[~known].std()) > 0


@pytest.mark.parametrize("fusion", [fusion for fusion in FUSIONS if fusion != "none"])
def test_a_stream_gives_what_the_whole_clip_gives(fusion: str) -> None:
    network = shaken(MattingNetwork(fusion=fusion))
    frames, trimap = scene(7)
    with torch.inference_mode():
        whole = network(frames[None], trimap[None])[0]
    torch.testing.assert_close(streamed(network, frames, trimap, 3), whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("length", [1, 2, 6])
def test_the_length_of_chunks_changes_nothing(length: int) -> None:
    network = shaken(MattingNetwork())
    frames, trimap = scene(length)
    one = streamed(network, frames, trimap, 1)
    assert one.shape == (length, 1, 48, 64)
    for chunk in (3, 8):
        assert bool((streamed(network, frames, trimap, chunk) == one).all())


def test_two_clips_interleaved_equal_two_clips_apart() -> None:
    network = shaken(MattingNetwork())
    matter = StreamMatter(network)
    clips = [scene(5, seed=seed) for seed in (1, 2)]
    states: list[object] = [None, None]
    found: list[list[torch.Tensor]] = [[], []]
    for time in range(5):
        for which, (frames, trimap) in enumerate(clips):
            alpha, _, states[which] = matter.step(frames[time : time + 1], trimap[time : time + 1], states[which])
            found[which].append(alpha)
    for which, (frames, trimap) in enumerate(clips):
        found[which].append(matter.step(frames[:0], None, states[which])[0])
        assert bool((torch.cat(found[which]) == streamed(network, frames, trimap, 5)).all())


def test_the_window_matters_two_frames_away_and_not_three() -> None:
    network = shaken(MattingNetwork())
    frames, trimap = scene(6)
    before = streamed(network, frames, trimap, 6)
    changed = frames.clone()
    changed[5] = 1 - changed[5]
    differs = (streamed(network, changed, trimap, 6) - before).abs().amax(dim=(1, 2, 3)) > 0
    assert differs.tolist() == [False, False, False, True, True, True]


def test_fresh_weights_give_the_closed_form_estimate() -> None:
    frames, trimap = scene(1)
    network = MattingNetwork().eval()
    alpha = network(frames[None], trimap[None])[0]
    estimate = network.encode(frames, trimap).estimate[..., :48, :64].clamp(0.02, 0.98)
    torch.testing.assert_close(alpha[trimap == 0.5], estimate[trimap == 0.5], atol=1e-5, rtol=0)


def test_cues_can_be_turned_off() -> None:
    frames, trimap = scene(2)
    network = shaken(MattingNetwork(cues=False))
    assert network.encode(frames, trimap).seen.shape[1] == 5
    assert MattingNetwork().encode(frames, trimap).seen.shape[1] == 16
    assert network(frames[None], trimap[None]).shape == (1, 2, 1, 48, 64)


@pytest.mark.parametrize("size", [(1, 1), (17, 13), (33, 65)])
def test_any_size_works(size: tuple[int, int]) -> None:
    network = shaken(MattingNetwork())
    alpha = network(torch.rand(1, 2, 3, *size), torch.full((1, 2, 1, *size), 0.5))
    assert alpha.shape == (1, 2, 1, *size) and bool(torch.isfinite(alpha).all())


def test_a_trimap_without_unknown_pixels_is_the_alpha() -> None:
    trimap = torch.zeros(1, 2, 1, 40, 40)
    trimap[..., 10:20, 10:20] = 1
    assert bool((shaken(MattingNetwork())(torch.rand(1, 2, 3, 40, 40), trimap) == trimap).all())


def test_folding_the_norms_changes_nothing() -> None:
    network = shaken(MattingNetwork())
    frames, trimap = scene(2)
    before = network(frames[None], trimap[None])
    fold_norms(network)
    torch.testing.assert_close(network(frames[None], trimap[None]), before, atol=1e-4, rtol=0)


def test_tiles_put_back_what_was_cut() -> None:
    _, trimap = scene(2, 96, 160)
    tiles = unknown_tiles(trimap)
    picture = torch.rand(2, 3, 96, 160)
    cut = tiles.cut(picture)[..., 4:-4, 4:-4]
    assert 0 < len(cut) < 30
    back = tiles.put(cut, torch.zeros_like(picture))
    unknown = (trimap == 0.5).expand_as(picture)
    assert bool((back[unknown] == picture[unknown]).all()) and bool((back != picture).any())


def test_both_networks_keep_to_the_budget() -> None:
    matting, propagation = MattingNetwork().eval(), PropagationNetwork().eval()
    parameters = sum(p.numel() for network in (matting, propagation) for p in network.parameters())
    assert parameters <= 8_000_000
    frame, trimap = torch.rand(1, 3, 288, 512), torch.zeros(1, 1, 288, 512)
    trimap[..., 60:230, 120:390] = 0.5
    shares = class_shares(trimap)
    with torch.inference_mode():
        features = matting.encode(frame, trimap)
        with FlopCounterMode(display=False) as steady:
            matting.decode(matting.encode(frame, trimap), [features] * 4)
        seen = propagation.look(frame)
        key, before = propagation.remember(seen, shares), propagation.remember(seen, shares, previous=True)
        with FlopCounterMode(display=False) as carried:
            propagation(frame, [key, before])
            propagation.remember(seen, shares, previous=True)
        with FlopCounterMode(display=False) as probe:
            functional.scaled_dot_product_attention(*(torch.rand(1, 1, 8, 8) for _ in range(3)), scale=1.0)
    hidden = 0 if probe.get_total_flops() else 2 * 2304 * 2304 * (72 + 72)
    assert steady.get_total_flops() / 2 <= 6e9
    assert carried.get_total_flops() / 2 + hidden <= 4.5e9


def test_propagation_gives_each_pixel_a_class_at_any_size() -> None:
    propagator = StreamPropagator(shaken(PropagationNetwork()), longest=40)
    for size in ((33, 57), (1, 1), (20, 90)):
        trimap = torch.zeros(1, *size)
        trimap[..., : size[1] // 2] = 1
        found = propagator.step(torch.rand(3, *size), [propagator.reference(torch.rand(3, *size), trimap)]).trimap
        assert found.shape == (1, *size)
        assert set(found.unique().tolist()) <= {0.0, 0.5, 1.0}


def test_refusals_name_what_was_wrong() -> None:
    with pytest.raises(InputError, match="fusion must be one of st-fam"):
        MattingNetwork(fusion="sum")
    with pytest.raises(InputError, match="neighbours must be 0 or more; got -1"):
        MattingNetwork(neighbours=-1)
    with pytest.raises(InputError, match="must be given a trimap"):
        StreamMatter(MattingNetwork()).step(torch.rand(1, 3, 32, 32), None, None)
