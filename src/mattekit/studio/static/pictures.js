// Fetches, decodes and keeps pictures of frames within a budget of memory; the nearest ones are fetched ahead.

import * as api from "./api.js";

const BUDGET = { frames: 192e6, alphas: 48e6, cutouts: 48e6 }; // bytes of decoded pictures
const AHEAD = 12;
const AT_ONCE = 3;

/** The 8-bit grey values of a PNG, as the file has them. */
export async function greyBytes(blob, width, height) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  if (bitmap.width !== width || bitmap.height !== height) throw new Error("a trimap came in another size");
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height).data;
  const grey = new Uint8Array(width * height);
  for (let place = 0; place < grey.length; place++) grey[place] = pixels[4 * place];
  return grey;
}

/** Decoded pictures of one kind, the least recently used given up first. */
class Shelf {
  constructor(kind, limit) {
    this.kind = kind;
    this.limit = limit; // how many pictures
    this.kept = new Map(); // frame -> bitmap
    this.coming = new Map(); // frame -> {promise, abort}
    this.version = new Map();
    this.outdated = new Set(); // shown until what replaces them is there
  }

  get(frame) {
    const bitmap = this.kept.get(frame);
    if (bitmap) {
      this.kept.delete(frame);
      this.kept.set(frame, bitmap);
    }
    return bitmap;
  }

  fetch(frame) {
    const begun = this.coming.get(frame);
    if (begun) return begun.promise;
    const abort = new AbortController();
    const version = this.version.get(frame) || 0;
    const promise = api.picture(this.kind, frame, abort.signal)
      .then((blob) => createImageBitmap(blob))
      .then((bitmap) => {
        if ((this.version.get(frame) || 0) !== version) bitmap.close();
        else this.keep(frame, bitmap);
      })
      .finally(() => {
        if (this.coming.get(frame)?.promise === promise) this.coming.delete(frame);
      });
    this.coming.set(frame, { promise, abort });
    return promise;
  }

  keep(frame, bitmap) {
    this.kept.get(frame)?.close();
    this.kept.delete(frame);
    this.outdated.delete(frame);
    this.kept.set(frame, bitmap);
    for (const [oldest, old] of this.kept) {
      if (this.kept.size <= this.limit) break;
      old.close();
      this.kept.delete(oldest);
    }
  }

  /** A frame's picture has changed: one on its way is given up, one that is there is shown until the new one is. */
  drop(frame) {
    this.version.set(frame, (this.version.get(frame) || 0) + 1);
    this.coming.get(frame)?.abort.abort();
    this.coming.delete(frame);
    if (this.kept.has(frame)) this.outdated.add(frame);
  }

  clear() {
    for (const frame of [...this.kept.keys(), ...this.coming.keys()]) {
      this.drop(frame);
      this.kept.get(frame)?.close();
      this.kept.delete(frame);
    }
  }
}

/** The pictures of a clip: frames, alphas and cut-outs. `arrived` is called when one that was asked for is there. */
export class Pictures {
  constructor(studio, arrived, failed) {
    this.studio = studio;
    this.arrived = arrived;
    this.failed = failed;
    const [width, height] = studio.size;
    this.shelves = {};
    for (const [kind, bytes] of Object.entries(BUDGET)) {
      this.shelves[kind] = new Shelf(kind, Math.max(kind === "frames" ? 6 : 3, Math.floor(bytes / (4 * width * height))));
    }
    this.last = 0;
    this.direction = 1;
  }

  /** A picture if it is there; else it is fetched and null is returned. */
  get(kind, frame) {
    const shelf = this.shelves[kind];
    const bitmap = shelf.get(frame);
    if ((!bitmap || shelf.outdated.has(frame)) && !shelf.coming.has(frame)) this.want(kind, frame);
    return bitmap || null;
  }

  /** Fetch a picture; gives true if it came. */
  async want(kind, frame) {
    try {
      await this.shelves[kind].fetch(frame);
    } catch (error) {
      if (error.name !== "AbortError" && error.status) this.failed(error);
      return false;
    }
    this.arrived(kind, frame);
    return true;
  }

  drop(kind, frame) { this.shelves[kind].drop(frame); }

  /** Forget all but the frames of the clip, which never change. */
  forget() {
    this.shelves.alphas.clear();
    this.shelves.cutouts.clear();
  }

  /** Fetch what will be looked at next: more in the direction of the last step, some on the other side. */
  ahead(at) {
    if (at !== this.last) this.direction = at > this.last ? 1 : -1;
    this.last = at;
    const shelf = this.shelves.frames;
    const reach = Math.min(AHEAD, shelf.limit - 2);
    for (const [frame, { abort }] of shelf.coming) if (Math.abs(frame - at) > reach) abort.abort();
    this.fillUp();
  }

  fillUp() {
    const shelf = this.shelves.frames;
    const reach = Math.min(AHEAD, shelf.limit - 2);
    for (let step = 1; step <= reach && shelf.coming.size < AT_ONCE; step++) {
      const near = [this.last + step * this.direction];
      if (step <= reach / 4) near.push(this.last - step * this.direction);
      for (const frame of near) {
        if (frame < 0 || frame >= this.studio.clip.frames || shelf.kept.has(frame) || shelf.coming.has(frame)) continue;
        this.want("frames", frame).then((came) => came && this.fillUp());
      }
    }
  }
}
