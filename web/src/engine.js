// The worker as seen from the page: `look` a photo up, know when the model is there, never wait for ever.

const LIMIT_MS = 60_000;

export class LookError extends Error {
  constructor(kind, detail, cause) {
    super(cause ?? kind);
    this.kind = kind;
    this.detail = detail;
  }
}

export class Engine {
  #worker;
  #waiting = new Map();
  #next = 0;
  #settle;

  constructor() {
    this.#start();
  }

  #start() {
    this.ready = new Promise((done, failed) => (this.#settle = { done, failed }));
    this.ready.catch(() => {}); // whoever asks gets the error; nobody need ask
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
    this.#worker.addEventListener("error", (event) => this.#fail(event.message));
  }

  #receive(data) {
    if ("ready" in data) {
      if (data.ready) this.#settle.done();
      else this.#settle.failed(new LookError("model", undefined, data.error));
      return;
    }
    const waiting = this.#waiting.get(data.id);
    this.#waiting.delete(data.id);
    if (!waiting) return;
    if (data.answer) waiting.done(data.answer);
    else waiting.failed(new LookError(data.kind, data.detail, data.error));
  }

  // The worker is lost (out of memory, for one): say so to all who wait, and start another.
  #fail(message) {
    this.#settle.failed(new LookError("model", undefined, message));
    for (const { failed } of this.#waiting.values()) failed(new LookError("engine", undefined, message));
    this.#waiting.clear();
  }

  // Return {probabilities Float32Array, similarity, familiarity or undefined, setScores Float32Array or undefined, cam {data, height, width} or undefined, shown ImageBitmap, ms}; raise LookError.
  async look(source) {
    await this.ready;
    const id = this.#next++;
    const answer = new Promise((done, failed) => this.#waiting.set(id, { done, failed }));
    this.#worker.postMessage({ id, source }, source instanceof ImageBitmap ? [source] : []);
    const alarm = setTimeout(() => {
      this.#worker.terminate();
      this.#fail("no answer in time");
      this.#start();
    }, LIMIT_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(alarm);
    }
  }
}
