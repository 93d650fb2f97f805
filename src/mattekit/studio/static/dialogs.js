// The dialogs: export and help.

import * as api from "./api.js";
import { shown } from "./keys.js";

const FORMATS = {
  alpha: {
    title: "Alpha", chosen: "mkv",
    offers: { mkv: "FFV1 .mkv, 16 bits, lossless", mov: "ProRes .mov", png: "PNG pictures, 16 bits", exr: "EXR pictures", mp4: "H.264 .mp4" },
  },
  cutout: {
    title: "Cut-out", chosen: "mov",
    offers: { mov: "ProRes 4444 .mov", webm: "VP9 .webm, 8 bits", mkv: "FFV1 .mkv, 16 bits, lossless", png: "PNG pictures, 16 bits", exr: "EXR pictures" },
  },
  foreground: {
    title: "Foreground colour", chosen: "",
    offers: { mov: "ProRes .mov", mkv: "FFV1 .mkv, lossless", png: "PNG pictures", exr: "EXR pictures", mp4: "H.264 .mp4" },
  },
  composite: {
    title: "Composite", chosen: "",
    offers: { mp4: "H.264 .mp4", mov: "ProRes .mov", mkv: "FFV1 .mkv, lossless", png: "PNG pictures" },
  },
};

function made(tag, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}

export class Dialogs {
  constructor(studio, toasts, exportDialog, helpDialog) {
    this.studio = studio;
    this.toasts = toasts;
    this.exportDialog = exportDialog;
    this.helpDialog = helpDialog;
    this.fields = null;
    for (const dialog of [exportDialog, helpDialog]) {
      dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    }
  }

  export() {
    if (!this.studio.keys().length) {
      this.toasts.say("There is nothing to export yet; a frame must have a trimap first.");
      return;
    }
    if (!this.fields) this.makeExport();
    this.tellSpan();
    this.update();
    this.exportDialog.showModal();
  }

  makeExport() {
    const grid = made("div", { className: "fields" });
    this.fields = {};
    for (const [name, { title, chosen, offers }] of Object.entries(FORMATS)) {
      const choice = made("select", { id: `export-${name}` }, made("option", { value: "", textContent: "None" }));
      for (const [suffix, text] of Object.entries(offers)) choice.append(made("option", { value: suffix, textContent: text }));
      choice.value = chosen;
      choice.addEventListener("change", () => this.update());
      grid.append(made("label", { htmlFor: choice.id, textContent: title }), choice);
      this.fields[name] = choice;
    }
    this.backdrop = made("select", { id: "export-background" });
    for (const [value, text] of [["colour", "The colour of the view"], ["checkerboard", "Checkerboard"], ["image", "The image of the view"]]) {
      this.backdrop.append(made("option", { value, textContent: text }));
    }
    this.backdrop.value = this.studio.settings.backdrop;
    this.backdropLabel = made("label", { htmlFor: this.backdrop.id, textContent: "Its background" });
    grid.append(this.backdropLabel, this.backdrop);
    this.spanText = made("p", { className: "muted" });
    this.begin = made("button", { type: "button", className: "primary", textContent: "Export" });
    this.begin.addEventListener("click", () => this.start());
    const close = made("button", { type: "button", textContent: "Cancel" });
    close.addEventListener("click", () => this.exportDialog.close());
    this.exportDialog.append(
      made("h1", { id: "export-title", textContent: "Export" }), this.spanText, grid,
      made("div", { className: "ends" }, close, this.begin),
    );
  }

  tellSpan() {
    const [start, end] = this.studio.span();
    const all = this.studio.range ? `Frames ${start} to ${end - 1}` : `All ${end} frames`;
    this.spanText.textContent = `${all}, matted with the trimaps of your key frames, at full size and in full precision.`;
  }

  update() {
    const composite = Boolean(this.fields.composite.value);
    this.backdrop.hidden = this.backdropLabel.hidden = !composite;
    this.begin.disabled = !Object.values(this.fields).some((field) => field.value);
  }

  async start() {
    const [start, end] = this.studio.span();
    const wanted = { start, end, background: null };
    for (const [name, field] of Object.entries(this.fields)) wanted[name] = field.value || null;
    if (wanted.composite) {
      wanted.background = this.backdrop.value === "colour" ? this.studio.settings.colour : this.backdrop.value;
    }
    this.exportDialog.close();
    await api.exportClip(wanted).catch((error) => this.toasts.bad(error));
  }

  help(all = this.all) {
    this.all = all;
    if (!this.helpDialog.childElementCount) this.makeHelp(all);
    this.helpDialog.showModal();
    this.helpDialog.scrollTop = 0;
  }

  makeHelp(all) {
    const columns = made("div", { className: "columns" });
    const groups = new Map();
    for (const action of Object.values(all)) {
      if (!groups.has(action.group)) groups.set(action.group, []);
      groups.get(action.group).push([action.label, action.keys.map(shown)]);
    }
    groups.get("Tools").push(["Move the picture", ["Space drag"]], ["Zoom", ["Wheel"]], ["Brush size", ["Shift wheel"]],
      ["Straight line from the last stroke", ["Shift click"]], ["Move the brush by keys", ["Alt arrows"]],
      ["Press or release it", ["Alt Return"]]);
    for (const [title, lines] of groups) {
      const list = made("dl");
      for (const [label, keys] of lines) {
        const right = made("dd");
        keys.forEach((key) => right.append(" ", made("kbd", { textContent: key })));
        list.append(made("dt", { textContent: label }), right);
      }
      columns.append(made("div", {}, made("h2", { textContent: title }), list));
    }
    const close = made("button", { type: "button", className: "primary", textContent: "Close" });
    close.addEventListener("click", () => this.helpDialog.close());
    this.helpDialog.append(
      made("h1", { id: "help-title", textContent: "How it works", tabIndex: -1, autofocus: true }),
      made("p", {
        className: "muted",
        textContent: "Paint the trimap of one frame: foreground is kept, background is removed, and the unknown between is "
          + "where hair and soft edges are found. Propagate it, go to the frames that are least sure, correct them there; "
          + "only the frames up to the next key frame change. Then matte and export. On a tablet two fingers move and zoom.",
      }),
      columns, made("div", { className: "ends" }, close),
    );
  }
}
