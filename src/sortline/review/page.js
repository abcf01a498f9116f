// A person looks at one photo after another and decides; the server writes each decision down before the next is shown.
import { choose } from "./choose.js";
import { byId, put } from "./elements.js";
import { bind } from "./keys.js";
import { get, post } from "./server.js";

const WORDS = { drop: "dropped", unsure: "put off: not sure" };
const state = { queues: [], queue: null, at: 0, decisions: {}, shown: null, undo: [], times: [], busy: false };
let about;

const decided = (photo) => state.decisions[photo] !== undefined;
const left = (queue) => queue.photos.filter((photo) => !decided(photo)).length;

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}

function fillQueues() {
  const select = byId("queue"), chosen = state.queue?.name;
  select.replaceChildren();
  for (const queue of state.queues.filter((one) => !one.cell)) put(select, "option", `${queue.title} (${left(queue)} of ${queue.photos.length} left)`, { value: queue.name });
  if (state.queue?.cell) put(select, "option", state.queue.title, { value: chosen });
  select.value = chosen;
}

function progress() {
  const total = state.queue.photos.length, open = left(state.queue), seconds = [...state.times].sort((a, b) => a - b);
  byId("bar").value = total ? 1 - open / total : 1;
  const each = seconds.length ? seconds[Math.floor(seconds.length / 2)] : null;
  const guess = each === null || !open ? "" : `, about ${open * each < 90 ? `${Math.ceil(open * each)} s` : `${Math.ceil(open * each / 60)} min`}`;
  byId("left").textContent = `${open} of ${total} left${guess}`;
}

// Photos that a reviewer put off, and those decided, are queues of their own: they change as one goes.
function ownQueues() {
  const all = Object.keys(state.decisions).map(Number);
  const own = [["put-off", "Put off", all.filter((photo) => state.decisions[photo] === "unsure")], ["decided", "Decided", all]];
  for (const [name, title, photos] of own) {
    const queue = state.queues.find((one) => one.name === name);
    if (queue && queue === state.queue) continue;
    if (queue) queue.photos = photos;
    else state.queues.push({ name, title, about: "what you decided", photos });
  }
}

async function refresh() {
  state.decisions = await get("decisions");
  ownQueues();
  fillQueues();
  progress();
}

function say(text, taken = false) {
  byId("now").textContent = text;
  byId("now").classList.toggle("taken", taken);
}

function describe(photo) {
  if (!photo.now) return "";
  if (photo.now === photo.given) return "kept as it is";
  return WORDS[photo.now] ?? `now: ${photo.now}`;
}

async function show() {
  const number = state.queue.photos[state.at], none = number === undefined;
  for (const id of ["photo", "facts"]) byId(id).hidden = none;
  byId("end").hidden = !none;
  state.shown = null;
  delete document.body.dataset.photo;
  if (none) {
    byId("end-text").textContent = state.queue.photos.length ? "This queue is done. Choose another, or rerun the line below." : "No photo in this queue.";
    return;
  }
  const photo = await get(`photo/${number}`);
  if (state.queue.photos[state.at] !== number) return;
  state.shown = photo;
  state.since = performance.now();
  byId("picture").src = `image/${number}`;
  byId("picture").alt = photo.given || "without a label";
  byId("name").textContent = `${photo.name} (${photo.part})`;
  const guess = photo.guesses[0];
  byId("map").src = `map/${number}/${guess.class}`;
  byId("where").hidden = false;
  byId("why-map").textContent = `Where it looked for ${guess.name}`;
  byId("label").replaceChildren(photo.given || "no label yet");
  put(byId("label"), "span", `${photo.given ? "its label; " : ""}${state.queue.about}`);
  byId("note").textContent = photo.note;
  byId("why").value = photo.why;
  say(describe(photo));
  document.body.dataset.photo = number;
  byId("guesses").replaceChildren();
  photo.guesses.forEach((one, place) => {
    const button = put(put(byId("guesses"), "li"), "button", "", { type: "button", className: one.name === photo.given ? "own" : "" });
    button.style.setProperty("--p", `${100 * one.probability}%`);
    put(button, "kbd", String(place + 1));
    put(button, "span", one.name);
    put(button, "span", percent(one.probability));
    button.addEventListener("click", () => decide(one.name));
  });
  byId("nearest").replaceChildren();
  for (const one of photo.nearest) {
    const item = put(byId("nearest"), "li", "", { className: one.label === photo.given ? "" : "other" });
    put(item, "img", "", { src: `image/${one.photo}`, alt: one.label });
    put(item, "span", `${one.label} ${one.similarity.toFixed(2)}`);
  }
}

function step(by, onlyOpen) {
  const photos = state.queue.photos;
  let at = state.at + by;
  while (onlyOpen && at < photos.length && decided(photos[at])) at += by;
  state.at = Math.max(0, Math.min(at, photos.length));
  return show();
}

// While a decision is on its way no other is taken: none would be of the photo that one looked at.
async function send(photo, next, seen, why) {
  state.busy = true;
  try {
    const said = await post("decide", { photo, new: next, seen, why });
    if (said.now) state.decisions[photo] = said.now;
    else delete state.decisions[photo];
    return said;
  } finally {
    state.busy = false;
  }
}

// What went wrong is shown where the decision would be.
const telling = (act) => (...given) => act(...given).catch((error) => say(error.message, true));

const decide = telling(async (next) => {
  const photo = state.shown;
  if (!photo || state.busy) return;
  if (!next) return say("There is no label to keep; press r, or a number", true);
  const said = await send(photo.photo, next, photo.now, byId("why").value);
  if (said.taken) {
    photo.now = said.now;
    return say(`Another tab has decided meanwhile (${describe(photo) || "taken back"}); look again`, true);
  }
  state.undo.push({ photo: photo.photo, before: photo.now, now: said.now, queue: state.queue, at: state.at });
  state.times.push((performance.now() - state.since) / 1000);
  state.times = state.times.slice(-30);
  state.shown = null; // a key that comes too early is of no photo
  await refresh();
  await step(1, true);
});

const undo = telling(async () => {
  if (state.busy) return;
  const last = state.undo.at(-1);
  if (!last) return say("Nothing to take back", true);
  const said = await send(last.photo, last.before, last.now, "");
  state.undo.pop();
  Object.assign(state, { queue: last.queue, at: last.at });
  await refresh();
  await show();
  say(said.taken ? "Another tab has decided about it since; nothing was taken back" : "Taken back", said.taken);
});

async function rerun() {
  const out = byId("outcome");
  out.hidden = false;
  byId("rerun").disabled = true;
  try {
    let said = await post("rerun");
    while (said.state === "running") {
      out.textContent = "running ... (the terminal shows each stage)";
      await new Promise((done) => setTimeout(done, 1000));
      said = await get("rerun");
    }
    out.textContent = [said.state, ...said.lines].join("\n");
  } catch (error) {
    out.textContent = error.message;
  }
  byId("rerun").disabled = false;
}

function open(queue) {
  state.queue = queue;
  state.at = Math.max(0, queue.photos.findIndex((photo) => !decided(photo)));
  if (queue.photos.length && !left(queue) && !["decided", "put-off"].includes(queue.name)) state.at = queue.photos.length;
  fillQueues();
  progress();
  return show();
}

const ACTIONS = [
  { keys: ["k", "Enter"], title: "keep", run: () => decide(state.shown?.given) },
  { keys: ["r", "/"], title: "relabel", run: () => state.shown && choose(about, Object.keys(WORDS), decide) },
  { keys: ["d"], title: "drop", run: () => decide("drop") },
  { keys: ["u"], title: "not sure", run: () => decide("unsure") },
  { keys: ["z", "Backspace"], title: "undo", run: undo },
  { keys: ["w"], title: "why", run: () => byId("reason").showModal() },
  { keys: ["←", "ArrowLeft"], title: "back", run: () => step(-1, false) },
  { keys: ["→", "ArrowRight"], title: "on", run: () => step(1, false) },
  ...[0, 1, 2, 3, 4].map((place) => ({ keys: [String(place + 1)], run: () => decide(state.shown?.guesses[place]?.name) })),
];

async function begin() {
  about = await get("state");
  document.title = `Review of ${about.task}`;
  byId("task").textContent = about.task;
  state.queues = about.queues;
  for (const cell of about.cells) {
    put(byId("cell"), "option", `${cell.label} → ${cell.predicted} (${cell.photos.length})`, { value: `${cell.label}\t${cell.predicted}` });
  }
  byId("queue").addEventListener("change", (event) => {
    open(state.queues.find((one) => one.name === event.target.value) ?? state.queue);
    event.target.blur();
  });
  byId("cell").addEventListener("change", (event) => {
    const cell = about.cells.find((one) => `${one.label}\t${one.predicted}` === event.target.value);
    if (cell) open({ name: "cell", title: `${cell.label} → ${cell.predicted}`, about: `predicted ${cell.predicted}`, photos: cell.photos, cell: true });
    event.target.blur();
  });
  byId("map").addEventListener("error", () => { byId("where").hidden = true; });
  byId("rerun").addEventListener("click", rerun);
  bind(byId("keys"), ACTIONS);
  state.queue = state.queues.find((one) => one.photos.length) ?? state.queues[0];
  await refresh();
  await open(state.queue);
  document.body.dataset.ready = "yes";
  setInterval(async () => {
    if (state.busy) return;
    const before = state.shown && (state.decisions[state.shown.photo] ?? "");
    await telling(refresh)();
    const now = state.shown && (state.decisions[state.shown.photo] ?? "");
    if (state.shown && now !== before && now !== state.shown.now) {
      state.shown.now = now;
      say(`Another tab has decided: ${describe(state.shown) || "taken back"}`, true);
    }
  }, 4000);
}

begin();
