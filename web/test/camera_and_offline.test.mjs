// The live camera with Chromium's fake one; and what the service worker does: offline, small, up to date.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build, chooseAndWait, closeBrowser, open, serve, strangers, TASKS } from "./harness.mjs";

const TASK = "sample";
const PHOTO = "star.png";
const FIRST_LOAD = 20e6;

let app;
before(() => (app = build(TASK)));
after(closeBrowser);

const offlineReady = (page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => caches.keys()));

// What the page would see if its tab went behind another, or came back.
const hide = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

test("live: one or two frames a second, none while hidden, one kept on request", async (context) => {
  const page = await open(context, app, { permissions: ["camera"] });
  await page.evaluate(() => {
    window.looks = 0;
    new MutationObserver(() => window.looks++).observe(document.getElementById("guesses"), { childList: true });
  });
  await page.click("#live");
  await page.waitForFunction(() => window.looks >= 3, null, { timeout: 20_000 });
  assert.ok(await page.isVisible("#video"));
  assert.equal(await page.textContent("#live"), "Stop the camera");
  const before = await page.evaluate(() => window.looks);
  await page.waitForTimeout(3000);
  const rate = ((await page.evaluate(() => window.looks)) - before) / 3;
  assert.ok(rate > 0.3 && rate <= 2.4, `${rate} frames a second`);

  await hide(page, true);
  await page.waitForTimeout(1000); // the frame under way
  const paused = await page.evaluate(() => window.looks);
  assert.ok(await page.$eval("#video", (video) => video.srcObject.getTracks().every((track) => !track.enabled)));
  await page.waitForTimeout(2000);
  assert.equal(await page.evaluate(() => window.looks), paused);
  await hide(page, false);
  await page.waitForFunction((paused) => window.looks > paused, paused);

  await page.click("#keep");
  await page.waitForSelector("#kept li");
  assert.ok(await page.isHidden("#video"));
  assert.ok(await page.isVisible("#picture"));
  assert.equal(await page.$eval("#video", (video) => video.srcObject), null);
});

test("no camera, or not allowed: a sentence", async (context) => {
  const page = await open(context, app);
  for (const [name, sentence] of Object.entries({ NotAllowedError: /not allowed/, NotFoundError: /No camera/ })) {
    await page.evaluate((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
    }, name);
    await page.click("#live");
    await page.waitForSelector("#error:not([hidden])");
    assert.match(await page.textContent("#error"), sentence);
    assert.equal(await page.textContent("#live"), "Live camera");
  }
});

test("after the first visit it opens and answers without a server; that visit took at most 20 MB", async (context) => {
  const task = TASKS.at(-1); // the larger model where it is there
  const server = await serve(context, build(task));
  const page = await open(context, server.url);
  await offlineReady(page);
  console.log(`# first load: ${(server.received() / 1e6).toFixed(1)} MB`);
  assert.ok(server.received() > 14e6 && server.received() <= FIRST_LOAD, `${server.received()} bytes`);
  const cutOff = () => page.evaluate(() => crossOriginIsolated); // only then does the model get threads
  assert.ok(await cutOff());
  await server.close();
  await page.reload();
  await page.waitForFunction(() => document.body.dataset.ready === "true");
  assert.ok(await cutOff());
  await chooseAndWait(page, task, PHOTO);
  assert.ok((await page.textContent("#about")).includes(task));
});

test("a new model is a new version: offered, taken on request, the old one deleted", async (context) => {
  const folder = build(TASK, { changed: {}, name: "updated" });
  const page = await open(context, folder);
  const [old] = await offlineReady(page);
  build(TASK, { changed: { note: "the second model" }, name: "updated" });

  await page.reload();
  await page.waitForSelector("#update:not([hidden])");
  assert.doesNotMatch(await page.textContent("#note"), /second/); // never half old, half new
  await page.click("#update-now");
  await page.waitForFunction(() => document.getElementById("note").textContent === "the second model");
  const now = await offlineReady(page);
  assert.ok(now.length === 1 && now[0] !== old, `${now}`);
});

test("Chromium would install it", async (context) => {
  const page = await open(context, app);
  await offlineReady(page);
  const session = await page.context().newCDPSession(page);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  const faults = installabilityErrors.map((one) => one.errorId).filter((id) => id !== "in-incognito");
  assert.deepEqual(faults, []);
});

test("the page cannot reach another host even if it tried", async (context) => {
  const page = await open(context, app);
  const refused = await page.evaluate(() => fetch("http://127.0.0.2:9/").then(() => "sent", String));
  assert.match(refused, /Failed to fetch|Content Security Policy/);
  const blocked = await page.evaluate(
    () =>
      new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
        new Image().src = "http://127.0.0.2:9/pixel.png";
      }),
  );
  assert.equal(blocked, "img-src");
});

test("nothing left this machine", () => {
  assert.deepEqual(strangers.filter((one) => !one.startsWith("http://127.0.0.2:9/")), []);
});
