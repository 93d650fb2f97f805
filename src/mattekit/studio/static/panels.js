// Binds the controls of the page to settings and actions, and keeps what they show true.

import * as api from "./api.js";
import { shown } from "./keys.js";
import { greyBytes } from "./pictures.js";
import { told } from "./timeline.js";

const find = (id) => document.getElementById(id);
const toSlider = (size) => (100 * Math.log(size)) / Math.log(400);
const fromSlider = (place) => Math.round(Math.exp((place / 100) * Math.log(400)));

export class Panels {
  constructor(parts, all) {
    Object.assign(this, parts);
    this.all = all;
    this.buttons = [...document.querySelectorAll("[data-action]")];
    this.choices = [...document.querySelectorAll("[data-set]")];
    for (const button of this.buttons) this.bindButton(button);
    this.bindInputs();
    this.bindOriginal();
    const { studio } = this;
    studio.on("settings", () => this.showSettings());
    studio.on("history frame frames", () => this.showHistory());
    studio.on("frame frames", () => this.showFrame());
    studio.on("view", () => { find("zoom").textContent = `${Math.round(100 * this.view.zoom)} %`; });
    studio.on("connection", () => { find("lost").hidden = studio.connected; });
    studio.on("painting", () => this.dismiss());
    studio.on("play", () => this.showPlay());
  }

  bindButton(button) {
    const action = this.all[button.dataset.action];
    const hint = `${action.label} (${action.keys.map(shown).join(" or ")})`;
    button.title = hint;
    if (!button.textContent.trim() || button.id === "zoom") button.setAttribute("aria-label", action.label);
    button.addEventListener("click", (event) => {
      action.run();
      if (button.closest("#welcome")) this.dismiss();
      if (event.detail && !document.querySelector("dialog[open]")) find("stage").focus({ preventScroll: true });
    });
  }

  bindInputs() {
    const { studio, view } = this;
    const number = (id, name, low, high) => find(id).addEventListener("change", ({ target }) => {
      studio.set(name, Math.min(high, Math.max(low, Math.round(Number(target.value)) || low)));
      this.showSettings();
    });
    number("size-number", "size", 1, 999);
    number("grow", "grow", 1, 200);
    find("size").addEventListener("input", ({ target }) => studio.set("size", Math.max(1, fromSlider(target.value))));
    find("opacity").addEventListener("input", ({ target }) => studio.set("opacity", target.value / 100));
    find("live").addEventListener("change", ({ target }) => studio.set("live", target.checked));
    find("backdrop").addEventListener("change", ({ target }) => {
      studio.set("backdrop", target.value);
      if (target.value === "image" && !this.layers.background) find("background").click();
    });
    find("colour").addEventListener("input", ({ target }) => studio.set("colour", target.value));
    find("choose").addEventListener("click", () => find("background").click());
    find("background").addEventListener("change", ({ target }) => this.takeBackground(target));
    find("file").addEventListener("change", ({ target }) => this.takeFile(target));
    find("frame").addEventListener("change", ({ target }) => {
      studio.go(Number(target.value) || 0);
      this.showFrame();
    });
    const divider = find("divider");
    const wipe = (part) => {
      view.wipe = Math.min(0.98, Math.max(0.02, part));
      this.showSettings();
      view.draw();
    };
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) wipe(view.onStage(event)[0] / view.width);
    });
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (by) wipe(view.wipe + by);
    });
  }

  bindOriginal() {
    const button = find("original");
    button.title = "Original while held (Q)";
    button.setAttribute("aria-label", "Show the original while held");
    button.addEventListener("pointerdown", () => this.hold(true));
    for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(end, () => this.hold(false));
    button.addEventListener("keydown", (event) => { if (["Enter", " "].includes(event.key)) this.hold(true); });
    button.addEventListener("keyup", () => this.hold(false));
  }

  /** The first hint is in nobody's way once it was followed, or painting has begun. */
  dismiss() {
    this.dismissed = true;
    find("welcome").hidden = true;
  }

  chooseFile() { find("file").click(); }

  async takeBackground(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    try {
      const picture = await createImageBitmap(file);
      await api.putBackground(file);
      this.layers.background = picture;
      this.studio.set("backdrop", "image");
      this.view.draw();
    } catch (error) {
      this.toasts.bad(error.status ? error : new Error("A background must be a picture that can be read; this file is none."));
    }
  }

  /** A file that holds only 0, 128 and 255, and 128 among them, is a trimap; any other is a mask, which gets a band of unknown. */
  async takeFile(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    const frame = this.studio.at;
    const call = await isTrimap(file, this.studio.size)
      ? () => api.takeTrimap(frame, file) : () => api.takeMask(frame, file, this.studio.settings.grow);
    await this.edits.remote(frame, call);
  }

  showSettings() {
    const { settings, at } = this.studio;
    for (const button of this.choices) {
      const [name, value] = button.dataset.set.split(":");
      button.setAttribute("aria-pressed", String(settings[name]) === value);
    }
    find("size-number").value = settings.size;
    find("size").value = toSlider(settings.size);
    find("grow").value = settings.grow;
    find("opacity").value = Math.round(100 * settings.opacity);
    find("live").checked = settings.live;
    find("backdrop").value = settings.backdrop;
    find("colour").value = settings.colour;
    find("colour").hidden = settings.backdrop !== "colour";
    find("choose").hidden = settings.backdrop !== "image";
    document.querySelector(".only-trimap").hidden = settings.view !== "trimap";
    document.querySelector(".only-cutout").hidden = settings.view !== "cutout";
    document.querySelector("[data-action=loop]").setAttribute("aria-pressed", settings.loop);
    const divider = find("divider");
    divider.hidden = settings.compare !== "wipe";
    divider.style.left = `${this.view.wipe * 100}%`;
    divider.setAttribute("aria-valuenow", Math.round(this.view.wipe * 100));
    if (this.studio.clip) this.showTags(settings, at);
  }

  showTags({ compare, view }, at) {
    const names = { trimap: "Trimap", alpha: "Alpha", cutout: "Cut-out" };
    const { trimap, alpha } = this.studio.frames[at];
    const state = view === "trimap" ? { none: "none yet", stale: "stale" }[trimap] : { none: "none yet", stale: "stale" }[alpha];
    const guessing = this.edits.remotes.get(at) === "guess";
    const matting = view !== "trimap" && this.studio.matting === at;
    find("tag-right").classList.toggle("busy", guessing || matting);
    find("tag-left").hidden = compare === "single" || this.studio.holding;
    const text = names[view] + (matting ? " is being made" : state ? `: ${state}` : "");
    find("tag-right").textContent = guessing ? "Guessing the trimap" : this.studio.holding ? "Original" : text;
  }

  showHistory() {
    const { studio } = this;
    for (const part of document.querySelectorAll(".needs-person")) part.hidden = !studio.model.person;
    for (const button of this.buttons) {
      const { enabled } = this.all[button.dataset.action];
      if (enabled) button.disabled = !enabled();
    }
    find("saved").textContent = studio.saved ? "Saved" : "Save";
    document.title = `${studio.saved ? "" : "* "}${studio.clip?.name || ""} - mattekit studio`;
  }

  showFrame() {
    const { studio } = this;
    if (!studio.clip) return;
    const frame = studio.frames[studio.at];
    const titles = { none: "No trimap", key: "Key frame", carried: "Carried trimap", stale: "Stale trimap" };
    const [, , ...more] = told(studio, studio.at).split(" · ");
    const small = { stale: "a key frame beside it has changed; propagate again", none: "propagate, or paint here" }[frame.trimap];
    find("status").replaceChildren(
      Object.assign(document.createElement("b"), { textContent: titles[frame.trimap] }),
      Object.assign(document.createElement("small"), { textContent: [small, ...more].filter(Boolean).join(", ") || "painted by you" }),
    );
    find("key").lastElementChild.textContent = frame.trimap === "key" ? "Remove key" : "Make key";
    const [start, end] = studio.span();
    find("span").textContent = studio.range ? `Frames ${start} to ${end - 1}` : `All ${end} frames`;
    this.showNextStep(studio.frames.slice(start, end));
    if (document.activeElement !== find("frame")) find("frame").value = studio.at;
    find("frame").max = studio.clip.frames - 1;
    find("count").textContent = `of ${studio.clip.frames} · ${time(studio.at, studio.clip.rate)}`;
    find("welcome").hidden = studio.frames.some(({ trimap }) => trimap !== "none") || this.dismissed
      || this.edits.remotes.size > 0;
    this.showTags(studio.settings, studio.at);
  }

  /** What is to be done next stands out: propagate while trimaps are missing or stale, then matte. */
  showNextStep(frames) {
    const begun = this.studio.keys().length > 0;
    const propagates = begun && frames.some(({ trimap }) => trimap === "none" || trimap === "stale");
    find("propagate").classList.toggle("primary", propagates);
    find("matte").classList.toggle("primary", begun && !propagates && frames.some(({ alpha }) => alpha !== "done"));
  }

  showPlay() {
    find("play-icon").setAttribute("href", `static/icons.svg#${this.studio.playing ? "pause" : "play"}`);
  }
}

async function isTrimap(file, size) {
  try {
    const found = new Set(await greyBytes(file, ...size));
    return found.has(128) && [...found].every((value) => [0, 128, 255].includes(value));
  } catch {
    return false; // the server says what is wrong with it
  }
}

function time(frame, rate) {
  const seconds = frame / (rate || 25);
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
}
