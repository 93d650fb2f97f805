// The marks of the pointer over the stage: the ring of the brush, the box or polygon that is being made.

const SIGNS = { 0: "#9a8cff", 128: "#ffb02e", 255: "#19c8a5" };

export class Marks {
  constructor(studio, view, canvas) {
    this.studio = studio;
    this.view = view;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.tools = null;
    this.at = null; // where the pointer is on the stage; null while it is elsewhere
    this.waiting = 0;
  }

  draw() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    this.waiting = 0;
    const { canvas, context, view } = this;
    if (canvas.width !== view.canvas.width || canvas.height !== view.canvas.height) {
      canvas.width = view.canvas.width;
      canvas.height = view.canvas.height;
    }
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    for (const pane of view.panes()) {
      context.save();
      context.beginPath();
      context.rect(pane.x, 0, pane.width, view.height);
      context.clip();
      this.pane((point) => view.fromPicture(point, [pane.x, 0]));
      context.restore();
    }
  }

  pane(place) {
    const { tools } = this;
    if (tools.corners.length) this.polygon(place);
    else if (tools.from) this.box(place);
    else if (this.at && !this.studio.panning) this.pointer(place);
  }

  pointer(place) {
    const point = this.view.inPicture(this.at);
    if (this.tools.tool === "brush") {
      const { size } = this.studio.settings;
      const [x, y] = this.tools.centre(point);
      const middle = size % 2 ? [x + 0.5, y + 0.5] : [x, y];
      this.ring(place(middle), Math.max(1.5, (size * this.view.zoom) / 2));
    } else if (this.tools.tool === "box" || this.tools.tool === "guess") this.cross(place(point));
  }

  ring([x, y], radius) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    this.twice(SIGNS[this.studio.settings.value]);
    context.beginPath();
    context.arc(x, y, 0.8, 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
  }

  cross([x, y]) {
    const { context, view } = this;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, view.height);
    context.moveTo(0, y);
    context.lineTo(view.width, y);
    context.lineWidth = 1;
    context.strokeStyle = "rgba(255, 255, 255, 0.45)";
    context.stroke();
  }

  box(place) {
    const { from, to, tool } = this.tools;
    const [left, top] = place([Math.min(from[0], to[0]), Math.min(from[1], to[1])]);
    const [right, bottom] = place([Math.max(from[0], to[0]) + 1, Math.max(from[1], to[1]) + 1]);
    this.context.beginPath();
    this.context.rect(left, top, right - left, bottom - top);
    this.twice(tool === "guess" ? "#fff" : SIGNS[this.studio.settings.value]);
  }

  polygon(place) {
    const { context, tools } = this;
    const middle = ([x, y]) => place([x + 0.5, y + 0.5]);
    context.beginPath();
    tools.corners.forEach((corner, index) => context[index ? "lineTo" : "moveTo"](...middle(corner)));
    if (this.at) context.lineTo(...place(this.view.inPicture(this.at)));
    this.twice(SIGNS[this.studio.settings.value]);
    const [x, y] = middle(tools.corners[0]);
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    this.twice("#fff");
  }

  /** A dark line with a coloured one in it, seen on any picture. */
  twice(colour) {
    const { context } = this;
    context.lineWidth = 3;
    context.strokeStyle = "rgba(0, 0, 0, 0.65)";
    context.stroke();
    context.lineWidth = 1.4;
    context.strokeStyle = colour;
    context.stroke();
  }
}
