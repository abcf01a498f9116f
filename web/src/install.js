// Installing, opening offline, and changing to a newer version: what the service worker needs of the page.

const $ = (id) => document.getElementById(id);
const HOUR_MS = 3_600_000;

// Register the service worker; return when this page's files come through it, or where that cannot be. On the first
// visit it fetches the model and the runtime, and the page then takes them from it: they cross the network once.
export async function keepOffline() {
  offerInstall();
  // Refused in some private windows, and on plain http://: the page works all the same, with a network.
  const registration = await navigator.serviceWorker?.register("sw.js", { updateViaCache: "none" }).catch(() => {});
  if (!registration) return;
  offerUpdate(registration);
  registration.addEventListener("updatefound", () => {
    registration.installing.addEventListener("statechange", () => offerUpdate(registration));
  });
  // An installed app may stay open for days.
  let asked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - asked < HOUR_MS) return;
    asked = Date.now();
    registration.update().catch(() => {}); // no network: later
  });
  if (!registration.active) await firstOf(registration.installing ?? registration.waiting);
}

// Wait until the first service worker has taken over, or has failed.
async function firstOf(worker) {
  await new Promise((done) => {
    navigator.serviceWorker.addEventListener("controllerchange", done, { once: true });
    worker.addEventListener("statechange", () => worker.state === "redundant" && done());
    if (navigator.serviceWorker.controller || worker.state === "redundant") done();
  });
}

function offerUpdate(registration) {
  if (!registration.waiting || !navigator.serviceWorker.controller) return;
  $("update").hidden = false;
  $("update-now").onclick = () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting.postMessage("take over");
  };
}

function offerInstall() {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    $("install").hidden = false;
    $("install").onclick = () => {
      $("install").hidden = true;
      event.prompt();
    };
  });
}
