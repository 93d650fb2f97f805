// The timeline: state of trimaps and alphas, confidence and flicker of every frame; press and drag to scrub.

const GUTTER = 74;
const ROWS = { trimap: [8, 22], alpha: [26, 34], confidence: [40, 64], flicker: [69, 92] }; // of 96 px
const FLICKER_TOP = 0.02; // flicker that fills its row, unless a frame has more

export class Timeline {
  constructor(studio, element, canvas, said) {
    this.studio = studio;
    this.element = element;
    this.canvas = canvas;
    this.said = said; // tells what is under the pointer, or null
    this.context = canvas.getContext("2d");
    this.waiting = 0;
    this.dragging = false;
    new ResizeObserver(() => this.draw()).observe(element);
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => { this.dragging = false; });
    element.addEventListener("pointerleave", () => this.said(null));
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      studio.go(studio.at + Math.sign(event.deltaY + event.deltaX));
    }, { passive: false });
    studio.on("frame frames settings", () => this.draw());
  }

  frameAt(event) {
    const box = this.element.getBoundingClientRect();
    const place = (event.clientX - box.left - GUTTER) / (box.width - GUTTER - 8);
    return Math.min(this.studio.clip.frames - 1, Math.max(0, Math.floor(place * this.studio.clip.frames)));
  }

  press(event) {
    if (!this.studio.clip) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.dragging = true;
    this.studio.playing = false;
    this.studio.tell("play");
    this.studio.go(this.frameAt(event));
  }

  move(event) {
    if (!this.studio.clip) return;
    const frame = this.frameAt(event);
    if (this.dragging) this.studio.go(frame);
    this.said(frame);
  }

  draw() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    this.waiting = 0;
    const { studio, canvas, context, element } = this;
    if (!studio.clip) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [element.clientWidth, element.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, (ratio * height) / 96, 0, 0);
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.step = (width - GUTTER - 8) / studio.clip.frames;
    this.labels();
    this.ranges(width);
    this.states();
    this.curve("confidence", (frame) => frame.confidence, 0, 1, "foreground");
    const worst = studio.frames.reduce((most, frame) => Math.max(most, frame.flicker || 0), FLICKER_TOP);
    this.curve("flicker", (frame) => frame.flicker, 0, worst, "background");
    this.keys();
    this.playhead();
    this.describe();
  }

  left(frame) { return GUTTER + frame * this.step; }

  labels() {
    const { context } = this;
    context.fillStyle = this.colour("muted");
    context.font = '11px "Liberation Sans", "Segoe UI", Arial, sans-serif';
    context.textBaseline = "middle";
    const names = { trimap: "Trimap", alpha: "Alpha", confidence: "Confidence", flicker: "Flicker" };
    for (const [name, [top, bottom]] of Object.entries(ROWS)) context.fillText(names[name], 8, (top + bottom) / 2);
    context.fillStyle = this.colour("line");
    for (const [, bottom] of [ROWS.confidence, ROWS.flicker]) {
      context.fillRect(GUTTER, bottom, this.step * this.studio.clip.frames, 1);
    }
  }

  /** Runs of equal state are one rectangle each, so that long clips draw as fast as short ones. */
  runs(state, paint) {
    const { frames } = this.studio;
    for (let from = 0; from < frames.length;) {
      const value = state(frames[from]);
      let to = from + 1;
      while (to < frames.length && state(frames[to]) === value) to++;
      paint(value, this.left(from), (to - from) * this.step);
      from = to;
    }
  }

  states() {
    const { context } = this;
    const raised = this.colour("raised");
    const gap = this.step > 5 ? 1 : 0;
    const row = ([top, bottom], state, colours) => this.runs(state, (value, x, width) => {
      context.fillStyle = colours[value] || raised;
      context.fillRect(x, top, Math.max(1, width - gap), bottom - top);
      if (value === "stale") this.hatch(x, top, width - gap, bottom - top);
    });
    row(ROWS.trimap, (frame) => frame.trimap, { key: this.colour("carried"), carried: this.colour("carried") });
    row(ROWS.alpha, (frame) => frame.alpha, { done: this.colour("alpha") });
  }

  hatch(x, y, width, height) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.strokeStyle = this.colour("unknown");
    context.lineWidth = 1.5;
    context.beginPath();
    for (let at = x - height; at < x + width; at += 5) {
      context.moveTo(at, y + height);
      context.lineTo(at + height, y);
    }
    context.stroke();
    context.restore();
  }

  /** A figure of every frame as a filled curve; columns of the screen show the value furthest from calm. */
  curve(name, figure, lowest, highest, colour) {
    const { context, studio } = this;
    const [top, bottom] = ROWS[name];
    context.fillStyle = this.colour(colour);
    context.globalAlpha = 0.8;
    studio.frames.forEach((frame, index) => {
      const value = figure(frame);
      if (value === null || value === undefined) return;
      const part = Math.min(1, Math.max(0.04, (value - lowest) / (highest - lowest)));
      const high = part * (bottom - top);
      context.fillRect(this.left(index), bottom - high, Math.max(1, this.step - (this.step > 5 ? 1 : 0)), high);
    });
    context.globalAlpha = 1;
  }

  keys() {
    const { context, studio } = this;
    context.fillStyle = this.colour("accent");
    context.strokeStyle = this.colour("ground");
    const middle = (ROWS.trimap[0] + ROWS.trimap[1]) / 2;
    for (const key of studio.keys()) {
      const x = this.left(key + 0.5);
      context.beginPath();
      for (const [dx, dy] of [[0, -8], [7, 0], [0, 8], [-7, 0]]) context.lineTo(x + dx, middle + dy);
      context.closePath();
      context.fill();
      context.stroke();
    }
    context.fillStyle = this.colour("bad");
    for (const cut of studio.cuts) context.fillRect(this.left(cut) - 1, 4, 2, 90);
  }

  /** What is outside the marks is dimmed. */
  ranges() {
    const { context, studio } = this;
    if (!studio.range) return;
    const [start, end] = studio.range;
    context.fillStyle = this.colour("chosen");
    context.fillRect(this.left(start), 2, (end - start) * this.step, 93);
    context.fillStyle = this.colour("accent");
    context.fillRect(this.left(start), 2, 2, 93);
    context.fillRect(this.left(end) - 2, 2, 2, 93);
  }

  playhead() {
    const { context, studio } = this;
    const x = this.left(studio.at + 0.5);
    context.fillStyle = this.colour("text");
    context.fillRect(x - 1, 0, 2, 96);
    context.beginPath();
    for (const [dx, y] of [[-6, 0], [6, 0], [0, 7]]) context.lineTo(x + dx, y);
    context.fill();
  }

  describe() {
    const { element, studio } = this;
    element.setAttribute("aria-valuemax", studio.clip.frames - 1);
    element.setAttribute("aria-valuenow", studio.at);
    element.setAttribute("aria-valuetext", told(studio, studio.at));
  }
}

/** A frame's state in words. */
export function told(studio, frame) {
  const { trimap, confidence, flicker, alpha } = studio.frames[frame];
  const parts = [`frame ${frame}`];
  parts.push({ none: "no trimap", key: "key frame", carried: "carried", stale: "stale" }[trimap]);
  if (studio.cuts.includes(frame)) parts.push("after a cut");
  if (confidence !== null && confidence !== undefined) parts.push(`confidence ${confidence.toFixed(2)}`);
  if (alpha !== "none") parts.push(alpha === "done" ? "alpha done" : "alpha stale");
  if (flicker !== null && flicker !== undefined) parts.push(`flicker ${flicker.toPrecision(2)}`);
  return parts.join(" · ");
}
