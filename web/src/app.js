// The page: what its buttons do, what is shown when.

import { judge, show, showHeat, spoken } from "./answer.js";
import { Camera } from "./camera.js";
import { Doubtful } from "./doubtful.js";
import { Engine, LookError } from "./engine.js";
import { History } from "./history.js";
import { keepOffline } from "./install.js";
import { language, LANGUAGES, say, speak } from "./text.js";

const $ = (id) => document.getElementById(id);
const LANGUAGE = "sortline-language";

const engine = keepOffline().then(() => new Engine());
const camera = new Camera($("video"));
const history = new History((entry) => {
  stopCamera();
  clearError();
  showEntry(entry);
  announce(entry.answer);
  scrollTo({ top: 0 });
});
const doubtful = new Doubtful();
let labels, about;
let current = null; // the entry on the page: {shown, answer}
let asked = 0; // photos looked at, to tell a late answer from the last one
const told = {}; // by element what it says: a function, as the language may change while it stands there

// ---- language

function setLanguage(wanted) {
  speak(wanted);
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = say(one.dataset.text);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  const other = wanted === "zh" ? "en" : "zh";
  Object.assign($("language"), { textContent: LANGUAGES[other].languageName, lang: other });
  showCameraState();
  history.show();
  doubtful.show();
  if (labels) introduce();
  if (current) show(current.answer);
  for (const id in told) tell(id, told[id]);
}

// Where storage is blocked, touching it throws: the choice then lasts as long as the page.
function remembered() {
  try {
    return localStorage.getItem(LANGUAGE);
  } catch {
    return null;
  }
}

function remember(wanted) {
  try {
    localStorage.setItem(LANGUAGE, wanted);
  } catch {
    // Nothing to be done.
  }
}

function introduce() {
  const title = say(labels.bins.length ? "titleBins" : "titlePlain");
  $("title").textContent = document.title = title;
  $("note").textContent = labels.note;
  $("note").hidden = !labels.note;
  $("about").textContent = say("about", about);
  doubtful.offer(labels, about.version);
}

// ---- what is shown

function tell(id, text = () => "") {
  told[id] = text;
  // Screen readers say again what is set again.
  if ($(id).textContent !== text()) $(id).textContent = text();
}

function status(key, ...details) {
  tell("status", () => say(key, ...details));
}

// Have the answer read out, even if it is the same as the one before.
function announce(answer) {
  tell("spoken");
  tell("spoken", () => spoken(answer));
}

function fail(error) {
  if (!(error instanceof LookError)) console.error(error);
  tell("status");
  tell("error", () => say(`errors.${error.kind ?? "engine"}`, error.detail));
  $("error").hidden = false;
}

function showEntry(entry) {
  current = entry;
  const [picture, heat] = [$("picture"), $("heat")];
  for (const canvas of [picture, heat]) [canvas.width, canvas.height] = [entry.shown.width, entry.shown.height];
  picture.getContext("2d").drawImage(entry.shown, 0, 0);
  picture.hidden = false;
  show(entry.answer);
  doubtful.ask(entry, $("video").hidden);
}

function clearError() {
  $("error").hidden = true;
  tell("error");
}

// ---- photos

async function look(file) {
  stopCamera();
  clearError();
  const turn = ++asked;
  status("looking");
  try {
    const found = await (await engine).look(file);
    if (turn !== asked) return;
    const entry = { shown: found.shown, answer: judge(labels, found) };
    showEntry(entry);
    history.add(entry);
    doubtful.add(entry);
    announce(entry.answer);
    tell("status");
  } catch (error) {
    if (turn === asked) fail(error);
  }
}

function lookAt(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"));
  // A file of unknown kind may still be a picture; one that is not gets its sentence.
  const file = pictures[0] ?? files[0];
  if (file) look(file);
  else fail(new LookError("noPicture"));
}

for (const name of ["take", "pick"]) {
  const input = $(`${name}-file`);
  $(name).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) lookAt(input.files);
    input.value = ""; // the same photo may be chosen again
  });
}

addEventListener("paste", (event) => lookAt(event.clipboardData.files));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  lookAt(event.dataTransfer.files);
});

if (navigator.clipboard?.read) {
  $("paste").hidden = false;
  $("paste").addEventListener("click", async () => {
    const items = await navigator.clipboard.read().catch(() => null);
    if (!items) return fail(new LookError("clipboardDenied"));
    const type = (item) => item.types.find((one) => one.startsWith("image/"));
    const item = items.find(type);
    lookAt(item ? [await item.getType(type(item))] : []);
  });
}

// ---- live camera

async function lookLive(frame) {
  const found = await (await engine).look(frame).catch((error) => {
    if (error.kind !== "noDigit") throw error;
    return null; // none yet, or none any more: the next frame may have one
  });
  if ($("video").hidden) return; // stopped in the meantime
  if (!found) {
    current = null;
    $("verdict").hidden = true;
    status("errors.noDigit");
    return;
  }
  const answer = judge(labels, found);
  showEntry({ shown: found.shown, answer });
  $("picture").hidden = true; // the moving one is shown
  status("watching");
  tell("spoken", () => spoken(answer).replace(/, [^,]*$/, "")); // the percentage would never be still
}

async function startCamera() {
  clearError();
  asked++;
  status("opening");
  const opened = camera.start(engine.then((one) => one.ready), lookLive, cameraFailed);
  showCameraState();
  try {
    if (!(await opened)) return;
    $("video").hidden = $("keep").hidden = $("answer").hidden = false;
    $("picture").hidden = true;
    $("verdict").hidden = !current;
    status("watching");
  } catch (error) {
    cameraFailed(error);
  }
}

function stopCamera() {
  if (!camera.on) return;
  camera.stop();
  showStopped();
}

function cameraFailed(error) {
  showStopped();
  fail(error);
}

function showStopped() {
  $("video").hidden = $("keep").hidden = true;
  $("picture").hidden = $("answer").hidden = !current;
  tell("status");
  showCameraState();
}

function showCameraState() {
  $("live").textContent = say(camera.on ? "liveStop" : "live");
}

$("live").addEventListener("click", () => (camera.on ? stopCamera() : startCamera()));
$("keep").addEventListener("click", async () => {
  try {
    look(await camera.frame());
  } catch (error) {
    stopCamera();
    fail(error);
  }
});

// ---- the rest

$("looked").addEventListener("click", () => {
  const wanted = $("looked").getAttribute("aria-pressed") !== "true";
  $("looked").setAttribute("aria-pressed", String(wanted));
  if (current) showHeat(current.answer, wanted);
});

$("language").addEventListener("click", () => {
  const wanted = language() === "zh" ? "en" : "zh";
  remember(wanted);
  setLanguage(wanted);
});

async function start() {
  setLanguage(remembered() ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  try {
    const files = ["model/labels.json", "about.json"].map((file) => fetch(file).then((response) => response.json()));
    [labels, about] = await Promise.all(files).catch((error) => {
      throw new LookError("model", undefined, error);
    });
    introduce();
    if (!asked) status("loading", about.load_mb);
    await (await engine).ready;
    if (!asked) tell("status"); // a photo chosen in the meantime has its own to say
    document.body.dataset.ready = "true";
  } catch (error) {
    fail(error);
  }
}

start();
