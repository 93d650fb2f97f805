"""DeepLabV3 from torchvision's published form: keys, conversion, and the same maps as torchvision's own network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.segmentation import deeplabv3_resnet101
from torchvision.transforms.functional import normalize

from mattekit.checks import WeightsError
from mattekit.models import published_layouts
from mattekit.models.person.deeplab import FAMILY, MEAN, layouts, load_deeplab
from mattekit.models.person.prior import load_prior
from mattekit.weights.contents import read_family
from mattekit.weights.convert import convert


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[nn.Module, Path]]:
    """torchvision's network with drawn weights, and its state as torchvision publishes one."""
    torch.manual_seed(0)
    network = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=21, aux_loss=True).eval()
    for name, value in network.state_dict().items():
        if name.endswith(("bn3.weight", "bn3.bias")):  # so that a hundred residual blocks add up to something sane
            value.uniform_(0.05, 0.15)
    path = tmp_path_factory.mktemp("deeplab") / "deeplabv3_resnet101_coco.pth"
    torch.save(network.state_dict(), path)
    yield network, path
    path.unlink()


def test_the_layout_is_that_of_torchvisions_state() -> None:
    (layout,) = layouts()
    with torch.device("meta"):
        network = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == layout.shapes
    assert len(layout.shapes) == 676 and layout.family in {each.family for each in published_layouts()}
    assert sum(each.numel() for each in network.parameters()) == 60_996_202  # as torchvision's page has it


def test_a_converted_file_gives_torchvisions_probability_of_a_person(
    published: tuple[nn.Module, Path], tmp_path: Path
) -> None:
    network, source = published
    made = convert(source, tmp_path / "w.safetensors", published_layouts())
    assert made.family == FAMILY == read_family(made.path)
    frames = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        standard = normalize(frames, list(MEAN), [0.229, 0.224, 0.225])
        wanted = network(standard)["out"].softmax(1)[:, 15:16]
        found = load_deeplab(made.path)(frames)
    assert float(wanted.std()) > 1e-4
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    maps, _, _ = load_prior(made.path).step(frames, None, None)
    torch.testing.assert_close(maps, wanted, atol=1e-6, rtol=1e-5)


def test_a_file_that_misses_a_key_is_refused(published: tuple[nn.Module, Path], tmp_path: Path) -> None:
    state = dict(published[0].state_dict())
    del state["classifier.4.bias"]
    torch.save(state, tmp_path / "cut.pth")
    with pytest.raises(WeightsError, match=r"must hold classifier\.4\.bias; it is missing"):
        convert(tmp_path / "cut.pth", tmp_path / "w.safetensors", published_layouts())
    (tmp_path / "cut.pth").unlink()
