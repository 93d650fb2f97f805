// Plays the clip at its own rate; a frame that is not there yet is waited for, and time does not run ahead of it.

export class Player {
  constructor(studio, pictures) {
    this.studio = studio;
    this.pictures = pictures;
    this.due = 0;
    studio.on("play", () => this.changed());
  }

  toggle() {
    const { studio } = this;
    studio.playing = !studio.playing;
    if (studio.playing && !studio.settings.loop && studio.at >= this.end() - 1) studio.go(this.start());
    studio.tell("play");
  }

  start() { return this.studio.span()[0]; }

  end() { return this.studio.span()[1]; }

  changed() {
    if (!this.studio.playing || this.waiting) return;
    this.due = performance.now();
    this.waiting = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.waiting = 0;
    const { studio } = this;
    if (!studio.playing) return;
    this.waiting = requestAnimationFrame((later) => this.tick(later));
    const step = 1000 / (studio.clip.rate || 25);
    if (now < this.due) return;
    const next = this.next();
    if (next === null) {
      studio.playing = false;
      studio.tell("play");
      return;
    }
    if (!this.pictures.get("frames", next) || !this.ready(next)) return;
    this.due = Math.max(this.due + step, now - step);
    studio.go(next);
  }

  /** Whether what is shown with a frame is there too, so that nothing flashes. */
  ready(frame) {
    const kind = { alpha: "alphas", cutout: "cutouts" }[this.studio.settings.view];
    return !kind || this.studio.frames[frame].alpha === "none" || Boolean(this.pictures.get(kind, frame));
  }

  next() {
    const { at, settings } = this.studio;
    if (at + 1 < this.end()) return Math.max(at + 1, this.start());
    return settings.loop && this.end() - this.start() > 1 ? this.start() : null;
  }
}
