"""How networks of DVM are trained as the paper says, tried out, and asked for a prediction while they are trained."""

from mattekit.models.dvm.recipes.paper import LOSSES, PaperMattingRecipe, PaperPropagationRecipe
from mattekit.models.dvm.recipes.predict import Matting, Propagation, predict_alpha, predict_trimap
from mattekit.models.dvm.recipes.stages import (
    PROPAGATION_BATCH,
    paper_matting_stages,
    paper_propagation_stages,
    tiny_stages,
)

__all__ = [
    "LOSSES",
    "PROPAGATION_BATCH",
    "Matting",
    "PaperMattingRecipe",
    "PaperPropagationRecipe",
    "Propagation",
    "paper_matting_stages",
    "paper_propagation_stages",
    "predict_alpha",
    "predict_trimap",
    "tiny_stages",
]
