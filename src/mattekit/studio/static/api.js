// Talks to the server: JSON and pictures over HTTP, news over a WebSocket that connects again by itself.

/** What the server refused, in its one sentence; `status` is 0 where it could not be reached. */
export class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  let reply;
  try {
    reply = await fetch(`api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The studio must be running to answer; it could not be reached; start it again or wait.", 0);
  }
  if (reply.ok) return reply;
  let sentence = `The studio answered ${reply.status} to ${path.split("?")[0]}.`;
  try {
    sentence = (await reply.json()).error || sentence;
  } catch { /* an answer without a sentence keeps the one above */ }
  throw new Refused(sentence, reply.status);
}

async function send(method, path, body) {
  const options = { method };
  if (body instanceof Blob) {
    options.body = body;
    options.headers = { "Content-Type": body.type || "application/octet-stream" };
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const reply = await ask(path, options);
  const kind = reply.headers.get("Content-Type") || "";
  return kind.startsWith("application/json") ? reply.json() : {};
}

export const state = () => ask("state", { cache: "no-store" }).then((reply) => reply.json());
export const stroke = (body) => send("POST", "strokes", body);
export const undo = () => send("POST", "undo");
export const redo = () => send("POST", "redo");
export const makeKey = (frame) => send("POST", `keyframes/${frame}`);
export const removeKey = (frame) => send("DELETE", `keyframes/${frame}`);
export const guess = (frame, how) => send("POST", `guess/${frame}`, how);
export const takeMask = (frame, file, band) => send("POST", `masks/${frame}?band=${band}`, file);
export const takeTrimap = (frame, file) => send("POST", `trimaps/${frame}`, file);
export const propagate = (start, end) => send("POST", "propagate", { start, end });
export const matte = (start, end) => send("POST", "matte", { start, end });
export const exportClip = (wanted) => send("POST", "export", wanted);
export const cancel = (job) => send("DELETE", `jobs/${encodeURIComponent(job)}`);
export const save = () => send("POST", "save");
export const putBackground = (file) => send("PUT", "background", file);
export const exportAddress = (id) => `api/exports/${encodeURIComponent(id)}`;

/** A picture of a frame as a blob; kind is frames, trimaps, alphas or cutouts. */
export const picture = (kind, frame, signal) => ask(`${kind}/${frame}`, { signal }).then((reply) => reply.blob());

const WAITS = [300, 700, 1500, 3000, 5000]; // ms before each further try

/** News of the server: `heard` gets each message, `changed` true or false as the connection comes and goes. */
export class Events {
  constructor(heard, changed) {
    this.heard = heard;
    this.changed = changed;
    this.tries = 0;
    this.last = null;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const address = new URL("events", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.search = address.hash = "";
    this.socket = new WebSocket(address);
    this.socket.onopen = () => {
      this.tries = 0;
      this.changed(true);
      if (this.last) this.send(this.last);
    };
    this.socket.onmessage = (message) => this.heard(JSON.parse(message.data));
    this.socket.onclose = () => {
      this.changed(false);
      const wait = WAITS[Math.min(this.tries++, WAITS.length - 1)];
      this.timer = setTimeout(() => this.connect(), wait);
    };
  }

  /** Say something; while the connection is lost only the last word is kept. */
  send(message) {
    this.last = message;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
