"""The network of person matting: torchvision's encoder, the channels of the figure, series against groups and steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models import mobilenet_v2

import people
import person_networks
from mattekit.checks import InputError
from mattekit.models.person.encoder import PersonEncoder
from mattekit.models.person.network import GROUP, PersonNetwork, matte_series
from mattekit.nn.backbones import fill_from_imagenet
from mattekit.nn.recurrent import ConvLSTM


def clip(frames: int, height: int = 40, width: int = 56, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return smooth random frames (1, T, 3, H, W) and maps (1, T, 1, H, W)."""
    planes = people.clip(frames, height, width, seed)[None]
    return planes, people.clip(frames, height, width, seed + 1)[None, :, :1]


def on_meta(*, lstm: bool = True, attention: bool = True) -> PersonNetwork:
    with torch.device("meta"):
        return PersonNetwork(lstm=lstm, attention=attention)


# the encoder


def test_the_encoder_takes_what_torchvision_learnt_and_computes_what_torchvision_does_whatever_the_map() -> None:
    torch.manual_seed(0)
    theirs, ours = mobilenet_v2().eval(), PersonEncoder().eval()
    fill_from_imagenet(ours, theirs.state_dict())
    frames, prior = torch.rand(2, 3, 64, 96), torch.rand(2, 1, 64, 96)
    standard = (frames - ours.get_buffer("mean")) / ours.get_buffer("deviation")
    with torch.inference_mode():
        found = ours(ours.standardise(frames, prior))
        for feature, block in zip(found, (1, 3, 6, 13, 17), strict=True):
            torch.testing.assert_close(feature, theirs.features[: block + 1](standard))
    assert [tuple(feature.shape[1:]) for feature in found] == [
        (16, 32, 48), (24, 16, 24), (32, 8, 12), (96, 4, 6), (320, 2, 3),
    ]  # fmt: skip


def test_keys_of_the_encoder_are_torchvisions_without_the_last_convolution_and_the_classifier() -> None:
    theirs = {key for key in mobilenet_v2().state_dict() if key.startswith("features.") and "features.18." not in key}
    assert set(PersonEncoder().state_dict()) == theirs


def test_colours_are_standardised_and_the_map_stays_as_it_is() -> None:
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    planes = PersonEncoder(0.25).standardise(grey, torch.full((1, 1, 4, 4), 0.7))
    assert float(planes[:, :3].abs().max()) < 1e-6 and bool((planes[:, 3] == 0.7).all())


# the figure


def test_channels_of_the_decoder_are_those_of_the_figure() -> None:
    network = on_meta()
    convolutions = [network.head, *(unit[0] for unit in network.decoder)]
    assert [(each.in_channels, each.out_channels) for each in convolutions] == [
        (32, 4), (128, 32), (128, 64), (128, 64), (128, 64), (192, 64), (384, 96),
    ]  # fmt: skip
    skips = [(skip[0].in_channels, skip[0].out_channels) for skip in network.skips]
    assert skips == [(4, 64), (16, 64), (24, 64), (32, 64)]


def test_memories_keep_the_channels_of_their_skips() -> None:
    memory = on_meta().memory
    assert memory is not None
    counts = [sum(parameter.numel() for parameter in each.parameters()) for each in memory]
    assert counts == [4 * width * (2 * width * 9 + 1) for width in (4, 16, 24, 32, 96, 320)]


def test_without_memory_or_attention_what_they_would_take_is_not_there() -> None:
    plain = on_meta(lstm=False, attention=False)
    assert plain.memory is None and plain.attention is None
    assert plain.decoder[5][0].in_channels == 320
    counts = [sum(p.numel() for p in on_meta(lstm=lstm).parameters()) for lstm in (True, False)]
    assert counts[0] - counts[1] == sum(4 * width * (2 * width * 9 + 1) for width in (4, 16, 24, 32, 96, 320))


# the network as a function


@pytest.mark.parametrize("size", [(40, 56), (33, 65), (1, 1), (8, 100)])
def test_any_size_gives_alpha_and_colour_of_that_size_between_0_and_1(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        alpha, foreground, _ = person_networks.network()(*clip(3, *size))
    assert alpha.shape == (1, 3, 1, *size) and foreground.shape == (1, 3, 3, *size)
    assert all(float(each.min()) > 0 and float(each.max()) < 1 for each in (alpha, foreground))


def test_without_attention_a_series_gives_what_its_frames_give_one_by_one() -> None:
    network, (frames, prior) = person_networks.network(attention=False), clip(5)
    with torch.inference_mode():
        whole, colour, last = network(frames, prior)
        state, steps = None, []
        for time in range(5):
            here = slice(time, time + 1)
            alpha, foreground, state = network(frames[:, here], prior[:, here], state)
            steps.append((alpha, foreground))
    assert state is not None
    torch.testing.assert_close(torch.cat([alpha for alpha, _ in steps], 1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.cat([each for _, each in steps], 1), colour, atol=1e-5, rtol=0)
    for one, other in zip((*state.outputs, *state.cells), (*last.outputs, *last.cells), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    assert float(whole.std()) > 0.02


@pytest.mark.parametrize(("lstm", "attention"), [(True, True), (False, True), (True, False)])
def test_a_series_in_groups_carries_its_state_from_group_to_group(lstm: bool, attention: bool) -> None:
    network, (frames, prior) = person_networks.network(lstm=lstm, attention=attention), clip(7)
    with torch.inference_mode():
        whole, colour = matte_series(network, frames, prior)
        first, _, state = network(frames[:, :GROUP], prior[:, :GROUP])
        rest, rest_colour, _ = network(frames[:, GROUP:], prior[:, GROUP:], state)
        alone, _, _ = network(frames[:, GROUP:], prior[:, GROUP:])
        at_once, _, last = network(frames, prior)
    torch.testing.assert_close(torch.cat((first, rest), 1), whole, atol=0, rtol=0)
    torch.testing.assert_close(rest_colour, colour[:, GROUP:], atol=0, rtol=0)
    torch.testing.assert_close(at_once, whole, atol=1e-5, rtol=0)
    assert len(last.outputs) == (6 if lstm else 0)
    assert (float((alone - rest).abs().max()) > 1e-3) == lstm


def test_with_attention_frames_of_a_group_see_each_other_and_without_only_earlier_ones_count() -> None:
    frames, prior = clip(3)
    changed = frames.clone()
    changed[:, 2] = 1 - changed[:, 2]
    for attention in (True, False):
        network = person_networks.network(attention=attention)
        with torch.inference_mode():
            gap = (network(frames, prior)[0] - network(changed, prior)[0]).abs()
        assert (float(gap[:, 0].max()) > 1e-5) == attention and float(gap[:, 2].max()) > 1e-3


def test_the_map_matters_and_clips_of_a_batch_do_not_see_each_other() -> None:
    network, one, other = person_networks.network(), clip(2), clip(2, seed=5)
    with torch.inference_mode():
        alpha, _, _ = network(*one)
        assert float((network(one[0], 1 - one[1])[0] - alpha).abs().max()) > 1e-2
        both, _, _ = network(*(torch.cat(parts) for parts in zip(one, other, strict=True)))
    torch.testing.assert_close(both[:1], alpha, atol=1e-5, rtol=0)


def test_what_is_held_has_one_size_however_long_the_clip() -> None:
    network, (frames, prior) = person_networks.network(), clip(12)
    with torch.inference_mode():
        states = [network(frames[:, :end], prior[:, :end])[2] for end in (1, 5, 12)]
    shapes = [[tuple(each.shape) for each in (*state.outputs, *state.cells)] for state in states]
    assert shapes[0] == shapes[1] == shapes[2] and len(shapes[0]) == 12


@pytest.mark.parametrize(("lstm", "attention"), [(True, True), (False, False)])
def test_a_step_of_training_reaches_every_parameter(lstm: bool, attention: bool) -> None:
    network = PersonNetwork(lstm=lstm, attention=attention, width=0.25).train()
    frames, prior = (torch.cat((each, each.flip(-1))) for each in clip(6, 64, 64))
    alpha, foreground, _ = network(frames, prior)
    ((alpha - 0.5).square().mean() + foreground.square().mean()).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
    assert all(isinstance(each, ConvLSTM) for each in network.memory or ())


def test_wrong_shapes_are_refused() -> None:
    network, (frames, prior) = person_networks.network(), clip(2)
    with pytest.raises(InputError, match=r"prior must have shape \(B, T, 1, H, W\)"):
        network(frames, frames)
    with pytest.raises(InputError, match="frames and prior must have one size"):
        network(frames, prior[..., 1:])
    with pytest.raises(InputError, match=r"as many frames, at least one; got \(1, 2\) and \(1, 1\)"):
        network(frames, prior[:, :1])
    with pytest.raises(InputError, match=r"as many frames, at least one; got \(1, 0\) and \(1, 0\)"):
        network(frames[:, :0], prior[:, :0])
