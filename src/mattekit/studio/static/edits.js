// Sends edits one after the other, and checks that the page's trimap and the server's are the same bytes.

import * as api from "./api.js";
import { crc32, paint } from "./strokes.js";

const LONGEST = 20000; // points of a stroke on the wire; a longer one goes as several

export class Edits {
  constructor(studio, trimaps, { changed, failed }) {
    this.studio = studio;
    this.trimaps = trimaps;
    this.changed = changed;
    this.failed = failed;
    this.chain = Promise.resolve();
    this.waiting = new Map(); // frame -> number of edits not answered yet
    trimaps.busy = (frame) => this.busy(frame);
    this.live = null; // {frame, trimap, before} of a stroke that is being made
    this.revisions = new Map(); // frame -> revision of its trimap that was heard of last
    this.missed = new Set(); // frames whose trimap changed elsewhere while they were edited here
    this.remotes = new Map(); // frame -> what the server is computing for it: "guess", "band"
  }

  busy(frame) { return this.waiting.has(frame) || this.live?.frame === frame; }

  /** Begin a stroke on a frame; false while its trimap is on its way. */
  begin(frame) {
    const trimap = this.trimaps.toPaint(frame);
    if (!trimap || this.remotes.has(frame)) return false;
    this.trimaps.coming.delete(frame); // what is on its way is older than the stroke
    this.live = { frame, trimap, before: trimap.data.slice() };
    return true;
  }

  /** Paint a part of the stroke that was begun. */
  paint(stroke) {
    const box = paint(this.live.trimap, stroke);
    this.trimaps.touched(this.live.trimap, box);
    return box;
  }

  /** Take back what the stroke has painted so far. */
  abandon() {
    if (!this.live) return;
    const { frame, trimap, before } = this.live;
    trimap.data.set(before);
    this.trimaps.touched(trimap, [0, 0, trimap.width, trimap.height]);
    this.live = null;
    const missed = this.missed.delete(frame) && !this.busy(frame);
    if (missed || this.studio.frames[frame].trimap === "none") this.trimaps.drop(frame);
    this.changed();
  }

  /** The stroke is complete: send it. */
  finish(stroke) {
    const { frame } = this.live;
    this.live = null;
    const points = stroke.points;
    for (let from = 0; from === 0 || from < points.length - 1; from += LONGEST - 1) {
      const part = { ...stroke, frame, points: points.slice(from, from + LONGEST) };
      this.send(frame, () => api.stroke(part));
    }
    const status = this.studio.frames[frame];
    if (status.trimap !== "key") status.trimap = "key";
    status.confidence = null;
    this.studio.tell("frames");
    this.changed();
    return this.chain;
  }

  /** An edit that only the server computes: a band, a guess, a key frame, a file. Painting there waits for it. */
  async remote(frame, call, what = "edit") {
    this.remotes.set(frame, what);
    this.studio.tell("frame");
    const answer = await this.send(frame, call);
    this.remotes.delete(frame);
    this.studio.tell("frame");
    return answer;
  }

  send(frame, call) {
    this.waiting.set(frame, (this.waiting.get(frame) || 0) + 1);
    this.trimaps.coming.delete(frame);
    this.chain = this.chain.then(call).then((answer) => {
      this.answered(frame);
      return this.settle(answer);
    }, (error) => {
      this.answered(frame);
      this.failed(error);
      return this.restore(frame);
    });
    return this.chain;
  }

  /** What was painted was not taken: the server says what is there instead. */
  async restore(frame) {
    this.trimaps.kept.delete(frame);
    try {
      this.studio.take(await api.state());
    } catch { /* asked again when the connection is back */ }
    this.changed();
    return null;
  }

  answered(frame) {
    const left = this.waiting.get(frame) - 1;
    if (left) this.waiting.set(frame, left);
    else this.waiting.delete(frame);
  }

  /** Compare with the server's bytes once nothing is on its way. */
  settle(answer) {
    this.studio.history(answer);
    const frame = answer.frame;
    if (frame === null || frame === undefined) return answer;
    if (answer.trimap) this.studio.frames[frame].trimap = answer.trimap;
    this.revisions.set(frame, Math.max(answer.revision, this.revisions.get(frame) ?? 0));
    const trimap = this.trimaps.kept.get(frame);
    if (answer.trimap === "none") this.trimaps.drop(frame);
    else if (this.busy(frame)) this.missed.add(frame);
    else {
      const same = this.revisions.get(frame) === answer.revision && trimap && crc32(trimap.data) === answer.crc;
      this.missed.delete(frame);
      if (!same) this.reload(frame);
    }
    this.changed(frame);
    return answer;
  }

  reload(frame) {
    this.trimaps.drop(frame);
    this.changed(frame);
  }

  /** Undo or redo; goes to the frame that changed. */
  step(which) {
    this.chain = this.chain.then(() => api[which]()).then((answer) => {
      this.settle(answer);
      if (answer.frame !== null && answer.frame !== undefined) this.studio.go(answer.frame);
    }, this.failed);
    return this.chain;
  }

  /** News of a frame from the server: forget what it makes old. */
  heard(news) {
    const status = this.studio.frames[news.frame];
    for (const name of ["trimap", "alpha", "confidence", "flicker"]) if (name in news) status[name] = news[name];
    if (this.revisions.get(news.frame) !== news.revision) {
      this.revisions.set(news.frame, news.revision);
      if (this.busy(news.frame)) this.missed.add(news.frame);
      else this.trimaps.drop(news.frame);
    }
    return status.alpha === "done";
  }
}
