// What brush, box, polygon, fill and guess do between a press and a release; points are in the picture, with a fraction.

import * as api from "./api.js";

const CLOSE = 9; // px of screen within which a click on the first corner closes a polygon

const floor = ([x, y]) => [Math.floor(x), Math.floor(y)];

export class Tools {
  constructor(studio, view, edits, { draw, say }) {
    this.studio = studio;
    this.view = view;
    this.edits = edits;
    this.draw = draw; // draws the marks of the pointer again
    this.say = say;
    this.stroke = null;
    this.corners = []; // of a polygon that is not closed yet
    this.from = null; // first corner of a box
    this.to = null;
    this.lastDab = null; // where the last stroke ended, for straight lines
  }

  get tool() { return this.studio.settings.tool; }

  /** The pixel that a brush is centred on: for an even diameter the corner nearest to the pointer. */
  centre([x, y]) {
    return this.studio.settings.size % 2 ? floor([x, y]) : [Math.round(x), Math.round(y)];
  }

  press(point, { straight = false } = {}) {
    const { settings } = this.studio;
    if (!this.studio.connected) {
      this.say("The connection to the studio is lost; painting goes on when it is back.");
      return;
    }
    this.studio.playing = false;
    this.studio.tell("play");
    this.studio.tell("painting");
    if (this.tool === "brush") {
      if (!this.begin()) return;
      const at = this.centre(point);
      const points = straight && this.lastDab?.frame === this.studio.at ? [this.lastDab.at, at] : [at];
      this.stroke = { tool: "brush", value: settings.value, size: settings.size, points };
      this.edits.paint(this.stroke);
      this.view.draw();
    } else if (this.tool === "box" || this.tool === "guess") {
      this.from = this.to = floor(point);
    } else if (this.tool === "fill") {
      const at = floor(point);
      const [width, height] = this.studio.size;
      if (at[0] < 0 || at[1] < 0 || at[0] >= width || at[1] >= height) return;
      this.whole({ tool: "fill", points: [at] });
    } else if (this.tool === "polygon") this.corner(point);
    this.draw();
  }

  drag(point) {
    if (this.stroke) {
      const at = this.centre(point);
      const last = this.stroke.points.at(-1);
      if (at[0] !== last[0] || at[1] !== last[1]) {
        this.edits.paint({ ...this.stroke, points: [last, at] });
        this.stroke.points.push(at);
        this.view.draw();
      }
    } else if (this.from) this.to = floor(point);
  }

  release(point) {
    this.drag(point);
    if (this.stroke) {
      this.lastDab = { frame: this.edits.live?.frame, at: this.stroke.points.at(-1) };
      const stroke = this.stroke;
      this.stroke = null;
      if (this.edits.live) this.edits.finish(stroke);
    } else if (this.from) {
      const corners = [this.from, this.to];
      this.from = this.to = null;
      if (this.tool === "box") this.whole({ tool: "box", points: corners });
      else this.guess(corners);
    }
    this.draw();
  }

  /** Take back what is being made; true if there was something. */
  cancel() {
    const had = Boolean(this.stroke || this.from || this.corners.length);
    if (this.stroke) this.edits.abandon();
    this.stroke = this.from = this.to = null;
    this.corners = [];
    this.draw();
    return had;
  }

  begin() {
    const begun = this.edits.begin(this.studio.at);
    if (!begun) this.say("The trimap of this frame is being made; paint on it in a moment.");
    return begun;
  }

  /** A stroke that is complete at once. */
  whole(stroke) {
    if (!this.begin()) return;
    const complete = { value: this.studio.settings.value, ...stroke };
    this.edits.paint(complete);
    this.edits.finish(complete);
    this.view.draw();
  }

  corner(point) {
    const first = this.corners[0];
    if (first && this.corners.length > 2) {
      const away = Math.hypot(point[0] - first[0] - 0.5, point[1] - first[1] - 0.5) * this.view.zoom;
      if (away < CLOSE) {
        this.close();
        return;
      }
    }
    this.corners.push(floor(point));
  }

  /** Close the polygon; true if there was one. */
  close() {
    if (!this.corners.length) return false;
    const points = this.corners;
    this.corners = [];
    if (points.length > 2) this.whole({ tool: "polygon", points });
    this.draw();
    return true;
  }

  /** Take back the last corner of a polygon; true if there was one. */
  back() {
    const had = this.corners.pop() !== undefined;
    this.draw();
    return had;
  }

  guess([[x0, y0], [x1, y1]]) {
    const [width, height] = this.studio.size;
    const box = [
      Math.max(0, Math.min(x0, x1)), Math.max(0, Math.min(y0, y1)),
      Math.min(width, Math.max(x0, x1) + 1), Math.min(height, Math.max(y0, y1) + 1),
    ];
    if (box[2] - box[0] < 4 || box[3] - box[1] < 4) {
      this.say("A box to guess from must hold the subject; drag from one of its corners to the other.");
      return;
    }
    const frame = this.studio.at;
    this.edits.remote(frame, () => api.guess(frame, { box }), "guess");
    this.studio.set("tool", "brush");
  }
}
