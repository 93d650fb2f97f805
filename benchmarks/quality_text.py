"""The words of the quality page."""

from __future__ import annotations

INTRODUCTION = """# Quality on the validation composites

Written by `python benchmarks/quality.py --data DATA`; every complete run stays in [quality.json](quality.json), and
the page is made from that file alone (`--page`). `python benchmarks/quality_check.py` computes the errors again from
the kept alphas, in plain NumPy.

{clips} clips of {frames} frames at {width}x{height}: a foreground with exact alpha, moved, scaled and turned smoothly
over a background clip (`benchmarks/composites.py`). None of the footage is in the training set. The true trimap is
unknown within {band} px of every edge and every fractional pixel of the true alpha.

Which trimaps a method is given: *full*, the true one of every frame; *every 20*, of frames 0, 20 and 40; *every 40*,
of frames 0 and 40; *one*, of frame 0 alone.

Methods:

- *closed form* and *KNN*: PyMatting's, each frame by itself, with PyMatting's own settings.
- *dvm-small*: this project's networks; the propagation network makes the trimaps that are not given, the matting
  network the alpha, and the stabiliser looks three frames to each side, as `mattekit matte` does. Rows with
  *--stabilise 0* are without the last, which all runs before 2026-11-25 were.
- *closed form, mattekit finish --stabilise 1*: the stabiliser on PyMatting's alpha.
- *DIS trimaps*: the key frame's trimap, nearest in time, before or after, warped along OpenCV's DIS flow (preset
  medium), estimated between neighbours both ways and joined from each frame to the key frame. A pixel's class is the
  one with the largest share among the four it falls between. Where forward and backward flow disagree (squared sum
  over 0.5 + 1 % of the sum of squares), or the path leaves the frame, the pixel becomes unknown if it is within
  {near} px of what is not background; elsewhere it keeps its class, for water and sky fail that check too. The band is
  not widened. These choices were made on clips of this very set, which favours the baseline. Alpha comes from closed
  form or from the matting network of dvm-small: the second row differs from dvm-small's own in the trimaps alone.
  The motion of a still foreground is smooth and rigid here, which suits flow.

Errors are in the DVM convention (`mattekit.metrics`, convention `dvm`), over the unknown pixels of the true trimap;
alphas rounded to 8 bits; mean over the frames of each clip, then over the clips. Less is better.

- *SAD*: sum of absolute errors of a frame / 1000. *MSE*: mean squared error.
- *Grad*: sum of squared differences between the lengths of the gradients (Gaussian, 1.4 px) / 1000.
- *Conn*: sum of differences in how well a pixel hangs together with the largest body / 1000.
- *dtSSD*: root of the summed squared errors of the change from a frame to the next, mean over pairs.
- *MESSDdt*: mean difference between a pixel's squared error and that at the end of its true motion in the next frame,
  x 100. The motion is Farnebäck's flow of the true alpha.
- *SAD of the frame*: over the whole frame, and so with what propagation gets wrong elsewhere.
- *misled*: thousands of pixels a frame that the method's trimap calls known although the true alpha is over 0.1 away.
  *misled / unknown*: the same pixels in % of the number of unknown pixels of the true trimap.

In brackets: the ratio to closed form of every frame with its true trimap. A dash stands where an older run did not
measure.

![Ratio to closed form by setting, and SAD by clip]({plot})
"""

FURTHER_INTRODUCTION = """## Further validation

`python benchmarks/quality.py --extra`: {clips} clips of {frames} frames, made in the same way over the same background
clips from other subjects: those of the training folder whose licence lets them be used for research only, which no
carried weights were trained on. The rule, over kinds of pictures: the softest mattes of each kind,
by their share of soft pixels, four of the measured ones (toys of plush and hair), two animals, two footballers, one
potted plant and one headphone, and two moving clips of different subjects. Pictures whose soft share is over 0.1
(glow, shadow, paint) or that are under 300 px high were left out, and so were drawings and computer graphics other
than a clip. The motion is the first half of the validation clips'. *every 20* gives frames 0
and 20. KNN and trimaps of the flow were left out to save time.
"""

MEANS = "Every run, older weights too."

BY_CLIP = "The newest run of each method."
