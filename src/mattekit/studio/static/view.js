// The stage: zoom, pan, panes side by side or wiped, and the layers of a picture drawn through them.

const SMALLEST = 0.05, LARGEST = 64;
const SMOOTH_UNDER = 2; // photographs are smoothed under this zoom, and never above it; trimaps only below 1
const GRID_FROM = 14; // px of screen a pixel must have for the grid to be drawn

export class View {
  /** `layers(context, kind, place)` draws a picture of kind "frame" or that of the view into place {x, y, width, height}. */
  constructor(studio, stage, canvas, layers) {
    this.studio = studio;
    this.stage = stage;
    this.canvas = canvas;
    this.layers = layers;
    this.context = canvas.getContext("2d", { alpha: false });
    this.zoom = 1;
    this.x = 0; // where the left upper corner of the picture lies in a pane, CSS px
    this.y = 0;
    this.fitted = true;
    this.ratio = 1;
    this.width = this.height = 0;
    this.wipe = 0.5;
    this.waiting = 0;
    this.drawn = 0; // how often a picture has been drawn
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  resize() {
    this.ratio = window.devicePixelRatio || 1;
    this.width = this.stage.clientWidth;
    this.height = this.stage.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    if (this.fitted) this.fit();
    else this.draw();
  }

  get compare() { return this.studio.settings.compare; }

  /** Panes [{x, width, kind}] from left to right. */
  panes() {
    if (this.studio.holding) return [{ x: 0, width: this.width, kind: "frame" }];
    if (this.compare !== "side") return [{ x: 0, width: this.width, kind: "view" }];
    const half = Math.floor(this.width / 2);
    return [{ x: 0, width: half - 1, kind: "frame" }, { x: half + 1, width: this.width - half - 1, kind: "view" }];
  }

  paneWidth() { return this.compare === "side" && !this.studio.holding ? Math.floor(this.width / 2) - 1 : this.width; }

  fit() {
    const [width, height] = this.studio.size;
    const margin = 12;
    const room = [Math.max(32, this.paneWidth() - 2 * margin), Math.max(32, this.height - 2 * margin)];
    this.zoom = Math.min(LARGEST, room[0] / width, room[1] / height);
    this.centre();
    this.fitted = true;
    this.moved();
  }

  centre() {
    const [width, height] = this.studio.size;
    this.x = (this.paneWidth() - width * this.zoom) / 2;
    this.y = (this.height - height * this.zoom) / 2;
  }

  /** Zoom by a factor about a point of the stage, which stays where it is; without one, about the middle. */
  zoomBy(factor, point) {
    const [atX, atY] = point ? this.inPane(point) : [this.paneWidth() / 2, this.height / 2];
    const zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    this.x = atX - ((atX - this.x) * zoom) / this.zoom;
    this.y = atY - ((atY - this.y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.fitted = false;
    this.moved();
  }

  zoomTo(zoom) { this.zoomBy(zoom / this.zoom); }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.moved();
  }

  /** Keep a part of the picture in sight, and put its pixels on those of the screen. */
  moved() {
    const [width, height] = this.studio.size;
    const keep = 48;
    this.x = Math.min(this.paneWidth() - keep, Math.max(keep - width * this.zoom, this.x));
    this.y = Math.min(this.height - keep, Math.max(keep - height * this.zoom, this.y));
    this.x = Math.round(this.x * this.ratio) / this.ratio;
    this.y = Math.round(this.y * this.ratio) / this.ratio;
    this.studio.tell("view");
    this.draw();
  }

  inPane([x, y]) {
    const pane = this.panes().findLast((one) => x >= one.x) || this.panes()[0];
    return [x - pane.x, y];
  }

  /** Where a point of the window lies on the stage, CSS px. */
  onStage(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - this.stage.clientLeft, event.clientY - box.top - this.stage.clientTop];
  }

  /** Where a point of the stage lies in the picture, in pixels with a fraction. */
  inPicture(point) {
    const [x, y] = this.inPane(point);
    return [(x - this.x) / this.zoom, (y - this.y) / this.zoom];
  }

  /** Where a point of the picture lies on the stage, in the pane that holds `near`. */
  fromPicture([x, y], near) {
    const pane = near ? this.panes().findLast((one) => near[0] >= one.x) || this.panes()[0] : this.panes().at(-1);
    return [pane.x + this.x + x * this.zoom, this.y + y * this.zoom];
  }

  /** Ask for a picture; several asks before it is drawn are one. */
  draw() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    this.waiting = 0;
    if (!this.studio.clip || !this.width) return;
    const { context, ratio } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(this.stage).backgroundColor;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    for (const pane of this.panes()) this.pane(pane);
    if (this.compare === "wipe" && !this.studio.holding) {
      this.pane({ x: 0, width: this.width * this.wipe, kind: "frame" });
      context.fillStyle = "#fff";
      context.fillRect(Math.round(this.width * this.wipe * ratio) - 1, 0, 2, this.canvas.height);
    }
    this.drawn++;
  }

  pane({ x, width, kind }) {
    const { context, ratio } = this;
    const [wide, high] = this.studio.size;
    context.save();
    context.beginPath();
    context.rect(x * ratio, 0, width * ratio, this.canvas.height);
    context.clip();
    const place = {
      x: (x + this.x) * ratio, y: this.y * ratio, width: wide * this.zoom * ratio, height: high * this.zoom * ratio,
    };
    context.beginPath();
    context.rect(place.x, place.y, place.width, place.height);
    context.clip();
    this.layers(context, kind, place);
    if (this.zoom >= GRID_FROM) this.grid(place);
    context.restore();
  }

  /** Smooth or not, for a photograph or for a trimap. */
  smoothing(photograph) {
    const scale = this.zoom * this.ratio;
    this.context.imageSmoothingEnabled = photograph ? this.zoom < SMOOTH_UNDER : scale < 1;
    this.context.imageSmoothingQuality = scale < 0.5 ? "medium" : "low";
  }

  grid(place) {
    const { context, ratio } = this;
    const step = this.zoom * ratio;
    const first = (from) => Math.max(0, Math.floor(-from / step));
    context.fillStyle = "rgba(128, 128, 128, 0.35)";
    const right = Math.min(this.canvas.width, place.x + place.width);
    const bottom = Math.min(this.canvas.height, place.y + place.height);
    for (let x = place.x + first(place.x) * step; x <= right; x += step) context.fillRect(Math.round(x), 0, 1, bottom);
    for (let y = place.y + first(place.y) * step; y <= bottom; y += step) context.fillRect(0, Math.round(y), right, 1);
  }
}
