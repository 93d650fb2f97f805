// Keys to actions, and what a key is called on this machine.

const MAC = /Mac|iP(ad|hone)/.test(navigator.platform);
const NAMES = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", " ": "space", Enter: "enter",
  Escape: "escape", Backspace: "backspace", Home: "home", End: "end", F1: "f1",
};
const SHOWN = {
  left: "←", right: "→", up: "↑", down: "↓", space: "Space", enter: "Return", escape: "Esc", backspace: "Backspace",
  home: "Home", end: "End", f1: "F1", mod: MAC ? "⌘" : "Ctrl", shift: "Shift", alt: MAC ? "⌥" : "Alt",
};

/** A key as actions name it: "mod+shift+z", "shift+left", "?". */
export function named(event) {
  const letter = /^Key([A-Z])$/.exec(event.code);
  let key = NAMES[event.key] || event.key;
  if (key.length === 1) key = event.altKey && letter ? letter[1].toLowerCase() : key.toLowerCase();
  const parts = [];
  const sign = key.length === 1 && !/[a-z0-9]/.test(key); // some keyboards need alt or alt and control to type one
  const typed = sign && event.altKey;
  if (!typed && (event.ctrlKey || event.metaKey)) parts.push("mod");
  if (!typed && event.altKey) parts.push("alt");
  if (event.shiftKey && (/^[a-z]$/.test(key) || key.length > 1)) parts.push("shift");
  return [...parts, key].join("+");
}

/** A key as a user reads it. */
export function shown(key) {
  const parts = key === "+" ? ["+"] : key.split("+");
  return parts.map((part) => SHOWN[part] || (part.length === 1 ? part.toUpperCase() : part)).join(" ");
}

export class Keys {
  constructor(all, pointer) {
    this.all = all;
    this.pointer = pointer;
    this.byKey = new Map();
    for (const [name, action] of Object.entries(all)) for (const key of action.keys) this.byKey.set(key, name);
    this.held = new Map(); // code -> action that is run as long as a key is down
    window.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("keyup", (event) => this.lift(event));
    window.addEventListener("blur", () => this.letGo());
  }

  press(event) {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    const { target } = event;
    const writes = target.matches("input:not([type=range]):not([type=checkbox]):not([type=color]), select");
    const key = named(event);
    if (writes && ["enter", "escape"].includes(key)) document.getElementById("stage").focus();
    if (writes && !key.startsWith("mod+")) return;
    if (target.matches("button, a, select, [type=checkbox], [type=color]") && ["space", "enter"].includes(key)) return;
    if (target.matches("[type=range], #divider") && ["left", "right", "up", "down", "home", "end"].includes(key)) return;
    if (this.paints(event, key)) return;
    const name = this.byKey.get(key);
    if (!name) return;
    event.preventDefault();
    this.run(name, event);
  }

  run(name, event) {
    const action = this.all[name];
    if (action.enabled && !action.enabled()) return;
    if (name === "play") {
      if (!event.repeat) this.pointer.holdSpace(true);
    } else if (action.hold) {
      if (!event.repeat) {
        this.held.set(event.code, action);
        action.run(true);
      }
    } else action.run();
  }

  /** Alt and arrows move the brush, alt and return press or release it. */
  paints(event, key) {
    const way = /^alt\+(shift\+)?(left|right|up|down)$/.exec(key);
    const far = event.shiftKey ? 10 : 1;
    const steps = { left: [-far, 0], right: [far, 0], up: [0, -far], down: [0, far] };
    if (way) this.pointer.nudge(...steps[way[2]]);
    else if (key === "alt+enter") this.pointer.toggle();
    else return false;
    event.preventDefault();
    return true;
  }

  lift(event) {
    if (event.key === " " && this.pointer.space) {
      this.pointer.holdSpace(false);
      if (!this.pointer.panned) this.all.play.run();
    }
    this.held.get(event.code)?.run(false);
    this.held.delete(event.code);
  }

  letGo() {
    this.pointer.holdSpace(false);
    for (const action of this.held.values()) action.run(false);
    this.held.clear();
  }
}
