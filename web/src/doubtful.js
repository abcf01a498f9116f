// Photos that the model was not sure of, and those that the user corrected: in memory alone, until the user saves them as
// one file, which `sortline review TASK --from FILE.zip` takes in.

import { plain } from "./answer.js";
import { say } from "./text.js";
import { zip } from "./zip.js";

const MOST = 60; // photos; the oldest beyond are forgotten
const $ = (id) => document.getElementById(id);

export class Doubtful {
  #photos = new Map(); // by entry {shown, answer}: the class that the user says it is, or null
  #labels;
  #version;
  #asked = null;
  #still = true;

  constructor() {
    $("class").addEventListener("change", () => this.#correct($("class").value));
    $("save").addEventListener("click", () => this.#save());
    $("clear").addEventListener("click", () => {
      this.#photos.clear();
      this.show();
    });
  }

  // Digits come from one picture of many; they have no photo to give back.
  offer(labels, version) {
    [this.#labels, this.#version] = [labels.reads === "digits" ? null : labels, version];
    const names = (this.#labels?.classes ?? []).map((label, index) => [index, plain(label)]);
    const options = [["", say("asGuessed")], ...names].map(([value, text]) => new Option(text, value));
    $("class").replaceChildren(...options);
    if (this.#asked) this.ask(this.#asked, this.#still);
  }

  add(entry) {
    if (!entry.answer.sure && this.#labels) this.#keep(entry, null);
  }

  // Have the user say what is on the photo of `entry`, where it is not a moving one.
  ask(entry, still) {
    [this.#asked, this.#still] = [entry, still];
    $("correct").hidden = !still || !this.#labels;
    $("class").value = this.#photos.get(entry) ?? "";
  }

  show() {
    $("doubtful").hidden = this.#photos.size === 0;
    $("save").textContent = say("save", this.#photos.size);
  }

  #correct(value) {
    if (value !== "") this.#keep(this.#asked, value);
    else if (!this.#asked.answer.sure) this.#keep(this.#asked, null);
    else {
      this.#photos.delete(this.#asked);
      this.show();
    }
  }

  #keep(entry, corrected) {
    this.#photos.set(entry, corrected);
    for (const oldest of [...this.#photos.keys()].slice(0, -MOST)) this.#photos.delete(oldest);
    this.show();
  }

  async #save() {
    const [files, photos] = [[], []];
    for (const [entry, corrected] of [...this.#photos]) { // as they are now: it waits for each picture
      const file = `${String(photos.length + 1).padStart(3, "0")}.jpg`;
      const { guesses, sure, familiar } = entry.answer;
      photos.push({
        file,
        sure,
        familiar,
        corrected: corrected === null ? null : nameOf(this.#labels.classes[corrected]),
        guesses: guesses.map(({ label, probability }) => ({ name: nameOf(label), probability })),
      });
      files.push([file, await jpeg(entry.shown)]);
    }
    const list = JSON.stringify({ task: this.#labels.task, version: this.#version, photos }, null, 2);
    const content = zip([["photos.json", new TextEncoder().encode(list)], ...files]);
    const link = Object.assign(document.createElement("a"), { download: `sortline-${this.#labels.task}.zip` });
    link.href = URL.createObjectURL(content);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}

const nameOf = (label) => label.en || label.code;

// Of what was shown, so that nothing of the file goes along: where the photo was taken, by which phone.
async function jpeg(picture) {
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  return new Uint8Array(await blob.arrayBuffer());
}
