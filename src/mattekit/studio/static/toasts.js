// Short notices in a corner of the stage; errors stay longer, and the same sentence is not said twice at once.

const LASTS = { plain: 4000, bad: 9000 }; // ms
const MOST = 4;

export class Toasts {
  constructor(place) {
    this.place = place;
  }

  say(sentence, kind = "plain") {
    for (const there of this.place.children) if (there.firstChild.textContent === sentence) there.remove();
    while (this.place.children.length >= MOST) this.place.firstChild.remove();
    const toast = document.createElement("div");
    toast.className = `toast ${kind}`;
    if (kind === "bad") toast.setAttribute("role", "alert");
    const text = document.createElement("span");
    text.textContent = sentence;
    const close = document.createElement("button");
    close.className = "icon";
    close.textContent = "×";
    close.setAttribute("aria-label", "Close this notice");
    close.addEventListener("click", () => toast.remove());
    toast.append(text, close);
    this.place.append(toast);
    setTimeout(() => toast.remove(), LASTS[kind]);
  }

  bad(error) { this.say(error.message || String(error), "bad"); }
}
