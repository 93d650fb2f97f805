// Draws what a pane shows: the frame, the trimap over it, alpha, or the cut-out over a background.

const SQUARE = 10; // px of the checkerboard

export class Layers {
  constructor(studio, pictures, trimaps) {
    this.studio = studio;
    this.pictures = pictures;
    this.trimaps = trimaps;
    this.background = null; // the user's own picture
    this.view = null;
    this.lastFrame = null; // shown until the next one is there
  }

  /** Draw a pane's picture of kind "frame" or "view" into place. */
  draw(context, kind, place) {
    const shown = kind === "frame" ? "frame" : this.studio.settings.view;
    if (shown === "alpha" && this.matted()) this.alpha(context, place);
    else if (shown === "cutout" && this.matted()) this.cutout(context, place);
    else {
      this.frame(context, place);
      if (shown === "trimap") this.overlay(context, place);
    }
  }

  matted() { return this.studio.frames[this.studio.at].alpha !== "none"; }

  put(context, picture, { x, y, width, height }) { context.drawImage(picture, x, y, width, height); }

  frame(context, place) {
    const bitmap = this.pictures.get("frames", this.studio.at);
    if (bitmap) this.lastFrame = bitmap;
    this.view.smoothing(true);
    if (bitmap) this.put(context, bitmap, place);
    else if (this.lastFrame?.width) this.put(context, this.lastFrame, place);
    else this.plain(context, place, "#000");
  }

  overlay(context, place) {
    const picture = this.trimaps.picture(this.studio.at);
    if (!picture) return;
    this.view.smoothing(false);
    context.globalAlpha = this.studio.settings.opacity;
    this.put(context, picture, place);
    context.globalAlpha = 1;
  }

  alpha(context, place) {
    const bitmap = this.pictures.get("alphas", this.studio.at);
    this.view.smoothing(true);
    if (bitmap) this.put(context, bitmap, place);
    else this.frame(context, place);
  }

  cutout(context, place) {
    const { backdrop, colour } = this.studio.settings;
    const bitmap = this.pictures.get("cutouts", this.studio.at);
    if (!bitmap) {
      this.frame(context, place);
      return;
    }
    if (backdrop === "colour") this.plain(context, place, colour);
    else if (backdrop === "image" && this.background) this.cover(context, place);
    else this.checkerboard(context, place);
    this.view.smoothing(true);
    this.put(context, bitmap, place);
  }

  plain(context, { x, y, width, height }, colour) {
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
  }

  checkerboard(context, place) {
    if (!this.pattern) {
      const tile = new OffscreenCanvas(2 * SQUARE, 2 * SQUARE);
      const painter = tile.getContext("2d");
      painter.fillStyle = "#b4b4b4";
      painter.fillRect(0, 0, 2 * SQUARE, 2 * SQUARE);
      painter.fillStyle = "#8c8c8c";
      painter.fillRect(0, 0, SQUARE, SQUARE);
      painter.fillRect(SQUARE, SQUARE, SQUARE, SQUARE);
      this.pattern = context.createPattern(tile, "repeat");
    }
    this.plain(context, place, this.pattern);
  }

  /** The user's picture, cropped about its middle to cover the frame. */
  cover(context, { x, y, width, height }) {
    const { width: wide, height: high } = this.background;
    const scale = Math.max(width / wide, height / high);
    const [cutWide, cutHigh] = [width / scale, height / scale];
    this.view.smoothing(true);
    context.drawImage(this.background, (wide - cutWide) / 2, (high - cutHigh) / 2, cutWide, cutHigh, x, y, width, height);
  }
}
