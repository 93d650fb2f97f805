// The trimaps of frames as bytes, painted locally at once, and the coloured picture that lies over the frame.

import * as api from "./api.js";
import { greyBytes } from "./pictures.js";

const BUDGET = 64e6; // bytes of trimaps kept
const COLOURS = { background: [112, 92, 255, 90], unknown: [255, 176, 46, 255], foreground: [25, 200, 165, 255] };

/** RGBA of each grey value, in the byte order of this machine. */
function lookUp() {
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let value = 0; value < 256; value++) {
    const name = value < 64 ? "background" : value < 192 ? "unknown" : "foreground";
    bytes.set(COLOURS[name], 4 * value);
  }
  return new Uint32Array(bytes.buffer);
}

export class Trimaps {
  constructor(studio, arrived, failed) {
    this.studio = studio;
    this.arrived = arrived;
    this.failed = failed;
    const [width, height] = studio.size;
    this.limit = Math.max(3, Math.floor(BUDGET / (width * height)));
    this.kept = new Map(); // frame -> {width, height, data, outdated}
    this.coming = new Map(); // frame -> promise
    this.colours = lookUp();
    this.canvas = new OffscreenCanvas(width, height);
    this.context = this.canvas.getContext("2d");
    this.shown = null; // the trimap that the canvas shows
    this.busy = () => false; // whether a frame is being edited; none is fetched then
  }

  /** The trimap of a frame; null where it has none or it is still on its way. */
  get(frame) {
    const trimap = this.kept.get(frame);
    const due = (!trimap || trimap.outdated) && this.studio.frames[frame].trimap !== "none";
    if (due && !this.busy(frame)) this.want(frame);
    if (!trimap) return null;
    this.kept.delete(frame);
    this.kept.set(frame, trimap);
    return trimap;
  }

  /** The trimap of a frame to paint on, all background where it has none; null while it is on its way. */
  toPaint(frame) {
    if (this.studio.frames[frame].trimap !== "none") return this.get(frame);
    return this.kept.get(frame) || this.keep(frame, new Uint8Array(this.studio.size[0] * this.studio.size[1]));
  }

  keep(frame, data) {
    const [width, height] = this.studio.size;
    const trimap = { width, height, data, outdated: false };
    this.kept.delete(frame);
    this.kept.set(frame, trimap);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.limit) break;
      this.kept.delete(oldest);
    }
    return trimap;
  }

  want(frame) {
    if (this.coming.has(frame)) return this.coming.get(frame).promise;
    const order = {};
    order.promise = this.fetch(frame, order).finally(() => {
      if (this.coming.get(frame) === order) this.coming.delete(frame);
    });
    this.coming.set(frame, order);
    return order.promise;
  }

  async fetch(frame, order) {
    try {
      const data = await greyBytes(await api.picture("trimaps", frame), ...this.studio.size);
      if (this.coming.get(frame) !== order) return;
      this.keep(frame, data);
      this.arrived(frame);
    } catch (error) {
      if (error.status === 404) this.kept.delete(frame);
      else if (error.status) this.failed(error);
    }
  }

  /** What is known of a frame's trimap no longer holds; it is shown until the new one is there. */
  drop(frame) {
    this.coming.delete(frame);
    const trimap = this.kept.get(frame);
    if (!trimap) return;
    if (this.studio.frames[frame].trimap === "none") this.kept.delete(frame);
    else trimap.outdated = true;
  }

  forget() {
    for (const frame of [...this.kept.keys()]) this.drop(frame);
  }

  /** The picture to lay over a frame, brought up to date; null where there is no trimap. */
  picture(frame) {
    const trimap = this.get(frame);
    if (!trimap) return null;
    if (this.shown !== trimap) {
      this.shown = trimap;
      this.colour([0, 0, trimap.width, trimap.height]);
    }
    return this.canvas;
  }

  /** Colour a changed box of the trimap that is shown. */
  touched(trimap, box) {
    if (this.shown === trimap && box) this.colour(box);
  }

  colour([x0, y0, x1, y1]) {
    const { data, width } = this.shown;
    const pixels = new Uint32Array((x1 - x0) * (y1 - y0));
    let place = 0;
    for (let y = y0; y < y1; y++) {
      for (let from = y * width + x0, end = y * width + x1; from < end; from++) pixels[place++] = this.colours[data[from]];
    }
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), x1 - x0, y1 - y0);
    this.context.putImageData(image, x0, y0);
  }
}
