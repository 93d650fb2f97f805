// Puts the page together: loads the session, connects the parts, keeps up with the server's news.

import { actions } from "./actions.js";
import * as api from "./api.js";
import { Dialogs } from "./dialogs.js";
import { Edits } from "./edits.js";
import { Jobs } from "./jobs.js";
import { Keys } from "./keys.js";
import { Layers } from "./layers.js";
import { Marks } from "./marks.js";
import { Panels } from "./panels.js";
import { Pictures } from "./pictures.js";
import { Player } from "./player.js";
import { Pointer } from "./pointer.js";
import { Studio } from "./state.js";
import { Timeline, told } from "./timeline.js";
import { Toasts } from "./toasts.js";
import { Tools } from "./tools.js";
import { Trimaps } from "./trimaps.js";
import { View } from "./view.js";

const find = (id) => document.getElementById(id);
const PREVIEW_AFTER = 40; // ms of rest before the frame in view is matted by itself

async function start() {
  const studio = new Studio();
  const toasts = new Toasts(find("toasts"));
  dress(studio);
  studio.take(await api.state());
  const failed = (error) => toasts.bad(error);
  const draw = () => parts.view.draw();
  const pictures = new Pictures(studio, (kind, frame) => { if (frame === studio.at) draw(); }, failed);
  const trimaps = new Trimaps(studio, (frame) => { if (frame === studio.at) draw(); }, failed);
  const layers = new Layers(studio, pictures, trimaps);
  const view = new View(studio, find("stage"), find("picture"), (...place) => layers.draw(...place));
  layers.view = view;
  const parts = { studio, toasts, pictures, trimaps, layers, view };
  parts.edits = new Edits(studio, trimaps, { changed: () => { draw(); preview(parts); }, failed });
  parts.marks = new Marks(studio, view, find("marks"));
  parts.tools = new Tools(studio, view, parts.edits, { draw: () => parts.marks.draw(), say: (text) => toasts.say(text) });
  parts.marks.tools = parts.tools;
  parts.pointer = new Pointer(studio, view, parts.tools, parts.marks, find("stage"));
  parts.player = new Player(studio, pictures);
  parts.dialogs = new Dialogs(studio, toasts, find("export-dialog"), find("help-dialog"));
  parts.hold = (held) => { studio.holding = held; if (view.fitted) view.fit(); draw(); studio.tell("settings"); };
  parts.save = () => save(parts);
  parts.theme = () => nextTheme(studio, toasts);
  parts.review = () => review(parts);
  const all = actions(parts);
  parts.dialogs.all = all;
  parts.panels = new Panels(parts, all);
  new Keys(all, parts.pointer);
  new Timeline(studio, find("timeline"), find("time"), (frame) => {
    find("hover").textContent = frame === null ? "" : told(studio, frame);
  });
  parts.jobs = new Jobs(studio, {
    list: find("jobs"), section: find("job-section"), exports: find("exports"), exportSection: find("export-section"),
  }, toasts);
  follow(parts, draw);
  window.studio = parts; // for the console, benchmarks and tests
}

/** Draw anew, fetch ahead and remember the place whenever what is looked at changes. */
function follow(parts, draw) {
  const { studio, pictures, view } = parts;
  const { name, width, height, frames, rate } = studio.clip;
  const bold = Object.assign(document.createElement("b"), { textContent: name });
  find("clip").replaceChildren(bold, ` ${width}×${height} · ${frames} frames · ${Number(rate.toFixed(3))} fps`);
  const events = new api.Events((news) => heard(parts, news), (connected) => connection(parts, connected));
  parts.events = events;
  studio.on("frame settings", () => {
    pictures.ahead(studio.at);
    const kind = studio.settings.view;
    events.send({ type: "at", frame: studio.at, view: kind });
    history.replaceState(null, "", `#frame=${studio.at}`);
    draw();
    preview(parts);
  });
  studio.on("frames", draw);
  studio.on("settings", () => { dress(studio); parts.marks.draw(); });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => { dress(studio); studio.tell("settings"); });
  const place = /^#frame=(\d+)$/.exec(location.hash);
  studio.at = place ? Math.min(frames - 1, Number(place[1])) : 0;
  for (const topic of ["frame", "frames", "settings", "history", "jobs"]) studio.tell(topic);
  view.fit();
}

function heard({ studio, edits, pictures, jobs, view }, news) {
  const ended = news.type === "job" ? ["failed", "cancelled"].includes(news.state) : news.alpha === "done";
  if (ended && (news.type === "job" || news.frame === studio.matting)) studio.matting = null;
  if (news.type === "job") jobs.heard(Object.fromEntries(Object.entries(news).filter(([name]) => name !== "type")));
  else if (news.type === "state") studio.history(news);
  else if (news.type === "frame") {
    const before = studio.frames[news.frame].alpha;
    if (edits.heard(news)) for (const kind of ["alphas", "cutouts"]) pictures.drop(kind, news.frame);
    if (before === "none" || news.frame === studio.at) view.draw();
    studio.tell("frames");
  } else if (news.type === "cuts") {
    studio.cuts = news.cuts;
    studio.tell("frames");
  } else if (news.type === "model") {
    studio.model = news;
    studio.tell("history");
  }
}

/** Whenever a connection begins all is asked for anew, since news may have been missed before it. */
async function connection({ studio, pictures, trimaps, view, toasts }, connected) {
  const back = connected && !studio.connected;
  if (studio.connected !== connected) {
    studio.connected = connected;
    studio.tell("connection");
  }
  if (!connected) return;
  try {
    const before = studio.revision;
    studio.take(await api.state());
    if (back || studio.revision !== before) {
      pictures.forget();
      trimaps.forget();
    }
    view.draw();
    if (back) toasts.say("Connected again.");
  } catch (error) {
    toasts.bad(error);
  }
}

/** Matte the frame in view once nothing has happened for a moment, where its alpha is looked at and out of date. */
function preview({ studio, edits, toasts }) {
  clearTimeout(studio.resting);
  studio.resting = setTimeout(async () => {
    const { at, settings, frames, playing } = studio;
    const asked = `${at} ${studio.revision} ${frames[at].trimap} ${frames[at].alpha}`;
    if (!settings.live || settings.view === "trimap" || playing || edits.live || frames[at].alpha === "done") return;
    if (!studio.connected || !studio.keys().length || studio.asked === asked) return;
    studio.asked = asked;
    await edits.chain;
    studio.matting = at;
    studio.tell("frame");
    try {
      studio.previews.add((await api.matte(at, at + 1)).job);
    } catch (error) {
      studio.matting = null;
      toasts.bad(error);
    }
    studio.tell("jobs");
  }, PREVIEW_AFTER);
}

async function save({ studio, edits, toasts }) {
  await edits.chain;
  try {
    const { project } = await api.save();
    studio.history({ saved: true, project });
    toasts.say(`Saved as ${project}.`);
  } catch (error) {
    toasts.bad(error);
  }
}

/** Go to the frame after this one whose trimap is least sure, or that flickers most. */
function review({ studio, toasts }) {
  const doubt = ({ confidence, flicker }) => Math.max(confidence === null ? 0 : 1 - confidence, 20 * (flicker || 0));
  const order = studio.frames.map((frame, index) => [doubt(frame), index]).filter(([much]) => much > 0)
    .sort((one, other) => other[0] - one[0]).slice(0, 5).map(([, index]) => index).sort((one, other) => one - other);
  if (!order.length) toasts.say("Propagate first; then the frames that are least sure can be reviewed.");
  else studio.go(order.find((index) => index > studio.at) ?? order[0]);
}

const THEMES = ["auto", "light", "dark"];

function nextTheme(studio, toasts) {
  const theme = THEMES[(THEMES.indexOf(studio.settings.theme) + 1) % THEMES.length];
  studio.set("theme", theme);
  toasts.say({ auto: "Light or dark as the system is.", light: "Light.", dark: "Dark." }[theme]);
}

function dress(studio) {
  const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = studio.settings.theme === "auto" ? system : studio.settings.theme;
}

start().catch((error) => new Toasts(find("toasts")).say(error.message, "bad"));
