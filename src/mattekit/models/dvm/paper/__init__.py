"""Size paper of DVM: ResNet-50 matting and ResNet-34 propagation, and the form of the authors' published network."""

from mattekit.models.dvm.paper.network import FORMS, Alphas, FrameFeatures, PaperNetwork
from mattekit.models.dvm.paper.propagation import PaperPropagation, PaperPropagator
from mattekit.models.dvm.paper.release import PAPER, RELEASE, layout, load_matting, load_propagation
from mattekit.models.dvm.paper.stream import Held, PaperMatter, Window

__all__ = [
    "FORMS",
    "PAPER",
    "RELEASE",
    "Alphas",
    "FrameFeatures",
    "Held",
    "PaperMatter",
    "PaperNetwork",
    "PaperPropagation",
    "PaperPropagator",
    "Window",
    "layout",
    "load_matting",
    "load_propagation",
]
