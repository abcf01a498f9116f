// The last few photos with their answers, in memory alone: closing the page forgets them.

import { plain } from "./answer.js";
import { say } from "./text.js";

const KEPT = 6;
const SIDE = 96; // of a thumbnail, pixels of the screen times 1.5
const $ = (id) => document.getElementById(id);

export class History {
  #entries = [];
  #open;

  // `open(entry)` shows an entry again.
  constructor(open) {
    this.#open = open;
    $("clear").addEventListener("click", () => {
      this.#entries = [];
      this.show();
      $("pick").focus();
    });
  }

  // Keep {shown ImageBitmap, answer}; the oldest beyond KEPT is forgotten.
  add(entry) {
    this.#entries = [entry, ...this.#entries].slice(0, KEPT);
    this.show();
  }

  show() {
    $("kept").replaceChildren(...this.#entries.map((entry) => this.#item(entry)));
    $("history").hidden = this.#entries.length === 0;
  }

  #item(entry) {
    const [{ label, bin }] = entry.answer.guesses;
    const name = entry.answer.sure ? plain(label) : say("notSure");
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    thumbnail(canvas, entry.shown);
    canvas.setAttribute("aria-hidden", "true");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", say("again", name));
    const caption = document.createElement("span");
    caption.textContent = name;
    if (entry.answer.sure && bin) button.style.borderBottomColor = bin.colour;
    button.append(canvas, caption);
    button.addEventListener("click", () => this.#open(entry));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }
}

// The middle square of the picture.
function thumbnail(canvas, picture) {
  const side = Math.min(picture.width, picture.height);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, canvas.width, canvas.height);
}
