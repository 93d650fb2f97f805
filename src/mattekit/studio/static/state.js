// What the page knows: the clip, its frames, what is looked at and how. Parts subscribe and are told after a change.

const KEPT = "mattekit.studio"; // name of the settings in the browser's own store

/** Settings that outlive a visit. */
const settings = {
  theme: "auto",
  tool: "brush",
  value: 255,
  size: 24,
  grow: 6,
  opacity: 0.55,
  view: "trimap",
  compare: "single",
  backdrop: "checkerboard",
  colour: "#00b140",
  live: true,
  loop: true,
};

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch {
    return {};
  }
}

const LIVE = new Set(["queued", "running"]);

export class Studio {
  constructor() {
    this.settings = { ...settings };
    for (const [name, value] of Object.entries(kept())) {
      if (name in settings && typeof value === typeof settings[name]) this.settings[name] = value;
    }
    this.clip = null;
    this.frames = [];
    this.at = 0;
    this.range = null; // [start, end) of in and out marks
    this.undo = 0;
    this.redo = 0;
    this.saved = true;
    this.project = null;
    this.revision = 0;
    this.jobs = new Map();
    this.exports = [];
    this.model = { family: "", person: false };
    this.cuts = [];
    this.connected = true;
    this.playing = false;
    this.previews = new Set(); // ids of their jobs
    this.matting = null; // frame whose preview is under way
    this.holding = false; // the original is shown for as long as a key is held
    this.listeners = new Map();
    this.due = new Set();
  }

  /** Call `heard` after a change of any of the topics: frame, frames, settings, history, jobs, connection, picture. */
  on(topics, heard) {
    for (const topic of topics.split(" ")) {
      if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
      this.listeners.get(topic).add(heard);
    }
  }

  /** Tell those who listen, once, before the next picture is drawn. */
  tell(topic) {
    if (!this.due.size) queueMicrotask(() => this.flush());
    this.due.add(topic);
  }

  flush() {
    const heard = new Set();
    for (const topic of this.due) for (const one of this.listeners.get(topic) || []) heard.add(one);
    this.due.clear();
    for (const one of heard) one();
  }

  /** Take over the answer of api/state. */
  take(state) {
    this.clip = state.clip;
    this.frames = state.frames;
    this.jobs = new Map(state.jobs.filter(({ state }) => LIVE.has(state)).map((job) => [job.id, job]));
    this.exports = state.exports || [];
    this.model = state.model || this.model;
    this.cuts = state.cuts || [];
    this.history(state);
    for (const topic of ["frames", "frame", "jobs"]) this.tell(topic);
  }

  /** Take over counts of undo and redo and whether all is saved, where they are named. */
  history(news) {
    for (const name of ["undo", "redo", "saved", "revision", "project", "exports"]) {
      if (news[name] !== undefined) this[name] = news[name];
    }
    if (news.exports !== undefined) this.tell("jobs");
    this.tell("history");
  }

  set(name, value) {
    if (this.settings[name] === value) return;
    this.settings[name] = value;
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.settings));
    } catch { /* a browser that keeps nothing still works */ }
    this.tell("settings");
  }

  get size() { return [this.clip.width, this.clip.height]; }

  /** Frames that propagate, matte and export work on: between the marks, or all. */
  span() { return this.range || [0, this.clip.frames]; }

  keys() { return this.frames.flatMap((frame, index) => (frame.trimap === "key" ? [index] : [])); }

  /** The key frame nearest before (-1) or after (+1) a frame, or null. */
  keyBeside(frame, direction) {
    for (let at = frame + direction; at >= 0 && at < this.frames.length; at += direction) {
      if (this.frames[at].trimap === "key") return at;
    }
    return null;
  }

  go(frame) {
    const to = Math.max(0, Math.min(this.clip.frames - 1, Math.round(frame)));
    if (to === this.at) return;
    this.at = to;
    this.tell("frame");
  }

  /** Set a mark at the frame in view: "start" or "end". */
  mark(which) {
    let [start, end] = this.span();
    if (which === "start") start = this.at;
    else end = this.at + 1;
    if (start >= end) [start, end] = which === "start" ? [start, this.clip.frames] : [0, end];
    this.setRange(start, end);
  }

  setRange(start, end) {
    this.range = start === 0 && end === this.clip.frames ? null : [start, end];
    this.tell("frames");
  }
}
