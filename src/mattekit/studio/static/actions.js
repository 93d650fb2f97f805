// Everything a user can do, once: what it is called, its keys, and what it does. Buttons, keys and help all read this.

import * as api from "./api.js";

/** {name: {label, keys, group, run, enabled?}} of the whole page; `parts` are its pieces by name. */
export function actions(parts) {
  const { studio, view, tools, edits, player, toasts, pointer, dialogs } = parts;
  const at = () => studio.at;
  const frame = () => studio.frames[at()];
  const choose = (name, value) => () => studio.set(name, value);
  const tool = (name) => () => { tools.cancel(); studio.set("tool", name); pointer.cursor(); };
  const look = (name) => () => studio.set("view", name);
  const between = (name) => () => {
    studio.set("compare", studio.settings.compare === name ? "single" : name);
    if (view.fitted) view.fit();
  };
  const size = (step) => () => {
    const now = studio.settings.size;
    const by = step * (Math.abs(step) > 1 ? 1 : Math.max(1, Math.round(now / 12)));
    studio.set("size", Math.min(999, Math.max(1, now + by)));
  };
  const opacity = (step) => () => {
    studio.set("opacity", Math.min(1, Math.max(0, Math.round(20 * (studio.settings.opacity + step)) / 20)));
  };
  const step = (by) => () => { stop(); studio.go(at() + by); };
  const stop = () => { studio.playing = false; studio.tell("play"); };
  const key = (direction) => () => {
    const there = studio.keyBeside(at(), direction);
    stop();
    if (there === null) toasts.say(direction < 0 ? "There is no key frame before this one." : "There is no key frame after this one.");
    else studio.go(there);
  };
  const band = (name, sign) => () => {
    const stroke = { frame: at(), tool: name, grow: sign * studio.settings.grow };
    if (frame().trimap === "none") toasts.say("This frame has no trimap yet; paint one first.");
    else edits.remote(at(), () => api.stroke(stroke));
  };
  const rough = () => {
    if (frame().trimap === "none") toasts.say("Paint some of the subject as foreground first, roughly; then guess from it.");
    else guess({ rough: true });
  };
  const guess = (how) => {
    const number = at();
    return edits.remote(number, () => api.guess(number, how), "guess");
  };
  const work = (call) => async () => {
    if (!studio.keys().length) {
      toasts.say("No frame has a trimap of yours yet; paint one first, on any frame.");
      return;
    }
    await edits.chain;
    await call(...studio.span()).catch((error) => toasts.bad(error));
  };
  const turnKey = () => {
    const number = at();
    if (frame().trimap === "key") edits.remote(number, () => api.removeKey(number));
    else edits.remote(number, () => api.makeKey(number));
  };

  return {
    brush: { group: "Tools", label: "Brush", keys: ["b"], run: tool("brush") },
    box: { group: "Tools", label: "Box", keys: ["r"], run: tool("box") },
    polygon: { group: "Tools", label: "Polygon: click corners, return closes", keys: ["l"], run: tool("polygon") },
    fill: { group: "Tools", label: "Fill a region of one value", keys: ["f"], run: tool("fill") },
    guess: { group: "Tools", label: "Guess a trimap: drag a box round the subject", keys: ["g"], run: tool("guess") },
    pan: { group: "Tools", label: "Move the picture", keys: ["h"], run: tool("pan") },
    foreground: { group: "Paint with", label: "Foreground", keys: ["3"], run: choose("value", 255) },
    unknown: { group: "Paint with", label: "Unknown", keys: ["2"], run: choose("value", 128) },
    background: { group: "Paint with", label: "Background", keys: ["1"], run: choose("value", 0) },
    swap: {
      group: "Paint with", label: "Foreground or background, in turn", keys: ["x"],
      run: () => studio.set("value", studio.settings.value === 255 ? 0 : 255),
    },
    smaller: { group: "Paint with", label: "Smaller brush", keys: ["["], run: size(-1) },
    larger: { group: "Paint with", label: "Larger brush", keys: ["]"], run: size(1) },
    "much-smaller": { group: "Paint with", label: "Smaller by 20", keys: ["{"], run: size(-20) },
    "much-larger": { group: "Paint with", label: "Larger by 20", keys: ["}"], run: size(20) },
    edge: { group: "Trimap", label: "Put a band of unknown at edges", keys: ["u"], run: band("edge", 1) },
    wider: { group: "Trimap", label: "Grow the unknown", keys: ["shift+u"], run: band("band", 1) },
    narrower: { group: "Trimap", label: "Shrink the unknown", keys: ["alt+u"], run: band("band", -1) },
    rough: { group: "Trimap", label: "Guess a trimap from rough strokes", keys: ["shift+g"], run: rough },
    person: { group: "Trimap", label: "Guess a trimap of the person", keys: ["alt+g"], run: () => guess({ person: true }), enabled: () => studio.model.person },
    load: { group: "Trimap", label: "Load a mask or trimap from a PNG", keys: ["shift+l"], run: () => parts.panels.chooseFile() },
    undo: { group: "Trimap", label: "Undo", keys: ["mod+z"], run: () => edits.step("undo"), enabled: () => studio.undo > 0 },
    redo: { group: "Trimap", label: "Redo", keys: ["mod+shift+z", "mod+y"], run: () => edits.step("redo"), enabled: () => studio.redo > 0 },
    cancel: { group: "Trimap", label: "Give up what is being made", keys: ["escape"], run: () => tools.cancel() },
    close: { group: "Trimap", label: "Close the polygon", keys: ["enter"], run: () => tools.close() },
    corner: { group: "Trimap", label: "Take back its last corner", keys: ["backspace"], run: () => tools.back() },
    trimap: { group: "View", label: "Trimap over the frame", keys: ["t"], run: look("trimap") },
    alpha: { group: "View", label: "Alpha", keys: ["a"], run: look("alpha") },
    cutout: { group: "View", label: "Cut-out", keys: ["c"], run: look("cutout") },
    single: { group: "View", label: "One picture", keys: ["v"], run: () => { studio.set("compare", "single"); if (view.fitted) view.fit(); } },
    side: { group: "View", label: "Original beside it", keys: ["s"], run: between("side") },
    wipe: { group: "View", label: "Wipe between original and it", keys: ["w"], run: between("wipe") },
    original: { group: "View", label: "Original while held", keys: ["q"], hold: true, run: (held) => parts.hold(held) },
    fainter: { group: "View", label: "Fainter overlay", keys: [","], run: opacity(-0.1) },
    stronger: { group: "View", label: "Stronger overlay", keys: ["."], run: opacity(0.1) },
    "zoom-in": { group: "View", label: "Zoom in", keys: ["+", "="], run: () => view.zoomBy(1.25) },
    "zoom-out": { group: "View", label: "Zoom out", keys: ["-"], run: () => view.zoomBy(0.8) },
    fit: { group: "View", label: "Fit the window", keys: ["0"], run: () => view.fit() },
    actual: { group: "View", label: "Full size", keys: ["9"], run: () => { view.zoomTo(1); view.centre(); view.moved(); } },
    play: { group: "Time", label: "Play or pause", keys: ["space"], run: () => player.toggle() },
    previous: { group: "Time", label: "Previous frame", keys: ["left"], run: step(-1) },
    next: { group: "Time", label: "Next frame", keys: ["right"], run: step(1) },
    "ten-back": { group: "Time", label: "Ten frames back", keys: ["shift+left"], run: step(-10) },
    "ten-forth": { group: "Time", label: "Ten frames on", keys: ["shift+right"], run: step(10) },
    "previous-key": { group: "Time", label: "Previous key frame", keys: ["up"], run: key(-1) },
    "next-key": { group: "Time", label: "Next key frame", keys: ["down"], run: key(1) },
    first: { group: "Time", label: "First frame", keys: ["home"], run: step(-1e9) },
    last: { group: "Time", label: "Last frame", keys: ["end"], run: step(1e9) },
    loop: { group: "Time", label: "Play over and over", keys: ["shift+p"], run: () => studio.set("loop", !studio.settings.loop) },
    key: { group: "Work", label: "Make this a key frame, or no longer", keys: ["k"], run: turnKey },
    review: { group: "Work", label: "Go to a frame to review", keys: ["n"], run: () => parts.review() },
    "mark-start": { group: "Work", label: "Work from this frame on", keys: ["i"], run: () => studio.mark("start") },
    "mark-end": { group: "Work", label: "Work up to this frame", keys: ["o"], run: () => studio.mark("end") },
    "mark-none": { group: "Work", label: "Work on all frames", keys: ["shift+i"], run: () => studio.setRange(0, studio.clip.frames) },
    propagate: { group: "Work", label: "Propagate the trimap", keys: ["p"], run: work(api.propagate) },
    matte: { group: "Work", label: "Matte", keys: ["m"], run: work(api.matte) },
    export: { group: "Work", label: "Export", keys: ["e"], run: () => dialogs.export() },
    save: { group: "Work", label: "Save the project", keys: ["mod+s"], run: () => parts.save() },
    theme: { group: "Page", label: "Light, dark, or as the system", keys: ["shift+d"], run: () => parts.theme() },
    help: { group: "Page", label: "Keys and help", keys: ["?", "f1"], run: () => dialogs.help() },
  };
}
