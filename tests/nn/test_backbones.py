"""Residual encoders: torchvision's network, any number of input planes, ImageNet weights only when asked for."""

from __future__ import annotations

from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import Tensor

import narrow
from mattekit.checks import InputError, WeightsError
from mattekit.models.dvm.paper import PaperNetwork, PaperPropagation
from mattekit.nn.backbones import KINDS, ResNetFeatures, fill_from_imagenet, start_from_imagenet

FETCH = "torchvision.models._api.load_state_dict_from_url"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_keys_and_shapes_are_torchvisions_without_the_classifier(kind: str) -> None:
    with torch.device("meta"):
        ours, theirs = ResNetFeatures(kind).state_dict(), torchvision.models.get_model(kind).state_dict()
    wanted = {key: value.shape for key, value in theirs.items() if not key.startswith("fc.")}
    assert {key: value.shape for key, value in ours.items()} == wanted


def test_features_are_what_torchvision_computes() -> None:
    theirs = narrow.alive(torchvision.models.resnet34())
    ours = ResNetFeatures("resnet34").eval()
    fill_from_imagenet(ours, theirs.state_dict())
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    seen: list[Tensor] = []
    for name in ("relu", "layer1", "layer2", "layer3", "layer4"):
        theirs.get_submodule(name).register_forward_hook(lambda _module, _given, found: seen.append(found.clone()))
    theirs(picture)
    for mine, other in zip(ours(picture), seen, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_strides_and_widths_follow_from_the_stem() -> None:
    network = ResNetFeatures("resnet50", inputs=4, width=8)
    found = network(torch.rand(2, 4, 64, 96))
    assert network.widths == (8, 32, 64, 128, 256)
    assert [tuple(feature.shape) for feature in found] == [
        (2, width, 64 >> level, 96 >> level) for level, width in enumerate(network.widths, 1)
    ]
    assert len(ResNetFeatures("resnet34", width=8, stages=3)(torch.rand(1, 3, 32, 32))) == 4


def test_a_fourth_plane_starts_without_influence(monkeypatch: pytest.MonkeyPatch) -> None:
    published = narrow.alive(ResNetFeatures("resnet50", width=8)).state_dict()
    monkeypatch.setattr(FETCH, lambda *_given, **_named: {**published, "fc.weight": torch.ones(2), "fc.bias": 1})
    network = PaperNetwork(width=8, backbone="imagenet").eval()
    stem = network.encoder.conv1.weight
    assert stem.shape == (8, 4, 7, 7) and not bool(stem[:, 3].any())
    assert bool((stem[:, :3] == published["conv1.weight"]).all())
    frames = torch.rand(1, 3, 32, 64)
    plain, other = (network.encode(frames, torch.full((1, 1, 32, 64), value)).levels for value in (0.0, 0.5))
    assert all(bool((one == two).all()) for one, two in zip(plain, other, strict=True))
    assert bool((network.encoder.layer4[2].bn3.running_var == published["layer4.2.bn3.running_var"]).all())


def test_both_encoders_of_propagation_start_from_imagenet(monkeypatch: pytest.MonkeyPatch) -> None:
    published = narrow.alive(ResNetFeatures("resnet34", width=8)).state_dict()
    monkeypatch.setattr(FETCH, lambda *_given, **_named: published)
    network = PaperPropagation(width=8, backbone="imagenet")
    for encoder in (network.reference_encoder, network.target_encoder):
        assert bool((encoder.conv1.weight[:, :3] == published["conv1.weight"]).all())
        assert bool((encoder.layer3[5].conv2.weight == published["layer3.5.conv2.weight"]).all())
        assert not hasattr(encoder, "layer4")


def test_nothing_is_downloaded_unasked_and_a_failure_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_given: object, **_named: object) -> None:
        raise URLError("no route\nto host")

    monkeypatch.setattr(FETCH, offline)
    PaperNetwork(width=8)
    with pytest.raises(
        WeightsError, match="ImageNet weights of resnet50 must be downloaded once; .*no route"
    ) as caught:
        PaperNetwork(width=8, backbone="imagenet")
    assert "connect to the internet, or put https://" in str(caught.value) and "\n" not in str(caught.value)


def test_refusals_name_what_was_wrong() -> None:
    with pytest.raises(InputError, match="kind must be one of resnet34, resnet50; got 'vgg'"):
        ResNetFeatures("vgg")
    with pytest.raises(InputError, match="stages must be from 1 to 4; got 5"):
        ResNetFeatures("resnet34", stages=5)
    with pytest.raises(InputError, match="kind must be one of"):
        start_from_imagenet(ResNetFeatures("resnet34", width=8), "vgg")
    published = ResNetFeatures("resnet34", width=16).state_dict()
    with pytest.raises(WeightsError, match=r"conv1.weight of ImageNet weights must have shape \(8, 3, 7, 7\)"):
        fill_from_imagenet(ResNetFeatures("resnet34", width=8), published)
    del published["layer2.0.bn1.bias"]
    with pytest.raises(WeightsError, match="must hold layer2.0.bn1.bias; they do not"):
        fill_from_imagenet(ResNetFeatures("resnet34", width=16), published)
