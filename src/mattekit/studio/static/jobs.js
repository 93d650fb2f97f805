// The list of work under way, with progress and a button that cancels, and the list of what was exported.

import * as api from "./api.js";

const NAMES = {
  propagate: "Propagating", matte: "Matting", export: "Exporting", guess: "Guessing", preview: "Preview", open: "Opening",
};
const OVER = new Set(["done", "failed", "cancelled"]);
const LINGER = 2500; // ms that finished work stays in the list

const SHORT = 400; // ms before work that waits is listed; a preview comes and goes with every stroke and is not

export class Jobs {
  constructor(studio, { list, section, exports, exportSection }, toasts) {
    this.studio = studio;
    this.list = list;
    this.section = section;
    this.exports = exports;
    this.exportSection = exportSection;
    this.toasts = toasts;
    this.rows = new Map();
    this.since = new Map(); // when each was first heard of
    studio.on("jobs", () => this.show());
  }

  heard(job) {
    const before = this.studio.jobs.get(job.id);
    if (!before) {
      this.since.set(job.id, performance.now());
      setTimeout(() => this.studio.tell("jobs"), SHORT + 10);
    }
    this.studio.jobs.set(job.id, job);
    if (OVER.has(job.state) && before?.state !== job.state) this.over(job);
    this.studio.tell("jobs");
  }

  over(job) {
    if (job.state === "failed") this.toasts.say(job.message || `${NAMES[job.kind] || job.kind} failed.`, "bad");
    else if (job.state === "done" && job.kind === "export") this.exported();
    setTimeout(() => {
      this.studio.jobs.delete(job.id);
      this.studio.previews.delete(job.id);
      this.since.delete(job.id);
      this.studio.tell("jobs");
    }, LINGER);
  }

  async exported() {
    this.toasts.say("The export is complete.");
    try {
      this.studio.history({ exports: (await api.state()).exports });
    } catch (error) {
      this.toasts.bad(error);
    }
  }

  show() {
    const wanted = [...this.studio.jobs.values()].filter(({ id, state }) => !this.studio.previews.has(id)
      && (state !== "queued" || performance.now() > (this.since.get(id) ?? -SHORT) + SHORT));
    for (const [id, row] of this.rows) {
      if (wanted.some((job) => job.id === id)) continue;
      row.item.remove();
      this.rows.delete(id);
    }
    for (const job of wanted) this.row(job);
    this.section.hidden = !wanted.length;
    this.showExports();
  }

  row(job) {
    if (!this.rows.has(job.id)) this.rows.set(job.id, this.make(job));
    const { text, bar, cancel } = this.rows.get(job.id);
    const name = NAMES[job.kind] || job.kind;
    const progress = job.total ? `${job.done} of ${job.total}` : "";
    const states = { queued: "waits", done: "done", failed: "failed", cancelled: "cancelled", running: progress };
    text.textContent = `${name}: ${states[job.state] ?? job.state}`;
    bar.setAttribute("aria-label", name);
    if (job.total) {
      bar.max = job.total;
      bar.value = job.done;
    }
    cancel.hidden = OVER.has(job.state);
    cancel.setAttribute("aria-label", `Cancel: ${name.toLowerCase()}`);
  }

  make(job) {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const bar = document.createElement("progress");
    const cancel = document.createElement("button");
    cancel.textContent = "×";
    cancel.addEventListener("click", () => api.cancel(job.id).catch((error) => this.toasts.bad(error)));
    item.append(text, cancel, bar);
    this.list.append(item);
    return { item, text, bar, cancel };
  }

  showExports() {
    const { exports } = this.studio;
    this.exportSection.hidden = !exports.length;
    this.exports.replaceChildren(...exports.map(({ id, name, bytes }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = api.exportAddress(id);
      link.download = name;
      link.textContent = name;
      const size = document.createElement("span");
      size.className = "muted";
      size.textContent = bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
      item.append(link, size);
      return item;
    }));
  }
}
