// Mouse, pen and fingers on the stage: one paints, two pan and zoom, the wheel zooms, space or the middle button pans.

export class Pointer {
  constructor(studio, view, tools, marks, stage) {
    this.studio = studio;
    this.view = view;
    this.tools = tools;
    this.marks = marks;
    this.down = new Map(); // pointer id -> where it is on the stage
    this.painter = null; // id of the pointer that paints
    this.pan = null; // id of the pointer that pans
    this.space = false;
    this.panned = false; // whether space has been used to pan since it went down
    this.pen = false; // once a pen was seen, fingers only move the picture
    this.keyed = null; // point of the picture that the keyboard paints at
    this.pressed = false;
    this.stage = stage;
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.lift(event));
    stage.addEventListener("pointerleave", () => this.leave());
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("dblclick", () => this.tools.close());
  }

  press(event) {
    if (event.target.closest("button, input, label, [role=slider]")) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const point = this.view.onStage(event);
    this.down.set(event.pointerId, point);
    this.pen ||= event.pointerType === "pen";
    this.marks.at = point;
    this.keyed = null;
    if (this.down.size === 2) {
      this.tools.cancel();
      this.painter = this.pan = null;
      return;
    }
    if (this.down.size > 2) return;
    const moves = this.space || event.button === 1 || this.studio.settings.tool === "pan"
      || (this.pen && event.pointerType === "touch");
    if (moves) {
      this.pan = event.pointerId;
      this.panned = true;
    } else if (event.button === 0) {
      this.painter = event.pointerId;
      this.tools.press(this.view.inPicture(point), { straight: event.shiftKey });
    }
    this.cursor();
  }

  move(event) {
    const point = this.view.onStage(event);
    const before = this.down.get(event.pointerId);
    if (before && this.down.size === 2) this.pinch(event.pointerId, point);
    if (before) this.down.set(event.pointerId, point);
    this.marks.at = point;
    if (event.pointerId === this.pan) this.view.panBy(point[0] - before[0], point[1] - before[1]);
    else if (event.pointerId === this.painter) {
      const passed = event.getCoalescedEvents?.() || [];
      for (const one of passed.length ? passed : [event]) this.tools.drag(this.view.inPicture(this.view.onStage(one)));
    }
    this.studio.tell("pointer");
    this.marks.draw();
  }

  /** Two fingers: their middle carries the picture, their distance its size. */
  pinch(id, point) {
    const other = [...this.down].find(([key]) => key !== id)[1];
    const before = this.down.get(id);
    const middle = (one) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
    const apart = (one) => Math.max(8, Math.hypot(one[0] - other[0], one[1] - other[1]));
    const [old, now] = [middle(before), middle(point)];
    this.view.panBy(now[0] - old[0], now[1] - old[1]);
    this.view.zoomBy(apart(point) / apart(before), now);
  }

  lift(event) {
    this.down.delete(event.pointerId);
    if (event.pointerId === this.pan) this.pan = null;
    if (event.pointerId === this.painter) {
      this.painter = null;
      if (event.type === "pointercancel") this.tools.cancel();
      else this.tools.release(this.view.inPicture(this.view.onStage(event)));
    }
    if (event.pointerType === "touch") this.marks.at = null;
    this.cursor();
    this.marks.draw();
  }

  leave() {
    if (!this.down.size) this.marks.at = null;
    this.studio.tell("pointer");
    this.marks.draw();
  }

  wheel(event) {
    event.preventDefault();
    if (event.shiftKey) {
      const { size } = this.studio.settings;
      const step = Math.max(1, Math.round(size / 10)) * Math.sign(event.deltaX + event.deltaY);
      this.studio.set("size", Math.min(999, Math.max(1, size - step)));
    } else {
      const lines = event.deltaMode === 1 ? 16 : 1;
      this.view.zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.view.onStage(event));
    }
    this.marks.draw();
  }

  holdSpace(held) {
    if (held && !this.space) this.panned = false;
    this.space = held;
    this.cursor();
  }

  cursor() {
    const moves = this.space || this.pan !== null || this.studio.settings.tool === "pan";
    this.studio.panning = moves;
    this.stage.classList.toggle("grab", moves);
    this.stage.classList.toggle("grabbing", this.pan !== null);
    this.stage.classList.toggle("aim", this.studio.settings.tool === "fill" || this.studio.settings.tool === "polygon");
    this.marks.draw();
  }

  /** Move the pointer of the keyboard by pixels of the picture. */
  nudge(dx, dy) {
    const [width, height] = this.studio.size;
    const [x, y] = this.keyed || (this.marks.at ? this.view.inPicture(this.marks.at) : [width / 2, height / 2]);
    this.keyed = [Math.floor(x) + 0.5 + dx, Math.floor(y) + 0.5 + dy];
    this.marks.at = this.view.fromPicture(this.keyed);
    if (this.pressed) this.tools.drag(this.keyed);
    this.studio.tell("pointer");
    this.marks.draw();
  }

  /** Press or release the tool at the pointer of the keyboard. */
  toggle() {
    if (!this.keyed) this.nudge(0, 0);
    if (this.pressed) this.tools.release(this.keyed);
    else this.tools.press(this.keyed);
    const holds = this.tools.stroke || this.tools.from;
    this.pressed = Boolean(holds) && !this.pressed;
  }
}
