"""Pure functions on tensors: no parameters, no state, no files."""

from mattekit.ops.components import drop_islands, fill_holes
from mattekit.ops.composite import composite, premultiply, unpremultiply
from mattekit.ops.despill import despill
from mattekit.ops.extend import extend_colour
from mattekit.ops.filters import box_filter, dilate, erode, gaussian_blur, separable, sobel
from mattekit.ops.finish import feather, sharpen, soften, stretch
from mattekit.ops.follow import follow
from mattekit.ops.foreground import estimate_foreground, estimate_layers
from mattekit.ops.laplacian import closed_form_alpha
from mattekit.ops.morphology import choke
from mattekit.ops.pyramid import collapse, gaussian_pyramid, grow, laplacian_pyramid, shrink
from mattekit.ops.recomposition import recomposition_error
from mattekit.ops.resize import pad_to_stride, resize, unpad
from mattekit.ops.steadiness import steadiness
from mattekit.ops.trimap import (
    UNKNOWN,
    check_trimap,
    force_known,
    likeliest_class,
    trimap_confidence,
    trimap_from_alpha,
    trimap_from_alpha_iterated,
    trimap_from_mask,
)
from mattekit.ops.warp import affine_flow, affine_matrix, consistent, invert_affine, pixel_grid, warp

__all__ = [
    "UNKNOWN",
    "affine_flow",
    "affine_matrix",
    "box_filter",
    "check_trimap",
    "choke",
    "closed_form_alpha",
    "collapse",
    "composite",
    "consistent",
    "despill",
    "dilate",
    "drop_islands",
    "erode",
    "estimate_foreground",
    "estimate_layers",
    "extend_colour",
    "feather",
    "fill_holes",
    "follow",
    "force_known",
    "gaussian_blur",
    "gaussian_pyramid",
    "grow",
    "invert_affine",
    "laplacian_pyramid",
    "likeliest_class",
    "pad_to_stride",
    "pixel_grid",
    "premultiply",
    "recomposition_error",
    "resize",
    "separable",
    "sharpen",
    "shrink",
    "sobel",
    "soften",
    "steadiness",
    "stretch",
    "trimap_confidence",
    "trimap_from_alpha",
    "trimap_from_alpha_iterated",
    "trimap_from_mask",
    "unpad",
    "unpremultiply",
    "warp",
]
