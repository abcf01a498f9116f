// The live camera when things come in the wrong order, or fail: no stream is left on, and the page says what happened.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build, chooseAndWait, closeBrowser, open, strangers } from "./harness.mjs";

const TASK = "sample";
const PHOTO = "star.png";

let app;
before(() => (app = build(TASK)));
after(closeBrowser);

// The page with a camera that opens only when `release` is called, the oldest request first.
async function slowCamera(context) {
  const page = await open(context, app, { permissions: ["camera"] });
  await page.evaluate(() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    Object.assign(window, { streams: [], waiting: [] });
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await real(wanted);
      window.streams.push(stream);
      await new Promise((done) => window.waiting.push(done));
      return stream;
    };
  });
  return page;
}

async function clickLive(page, requests) {
  await page.click("#live");
  await page.waitForFunction((requests) => window.waiting.length === requests, requests);
}

const release = (page) => page.evaluate(() => window.waiting.forEach((done) => done()));
const liveTracks = (page) =>
  page.evaluate(() => window.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === "live").length);

async function assertOff(page) {
  await page.waitForTimeout(300); // what must not happen would happen now
  assert.equal(await liveTracks(page), 0);
  assert.ok(await page.isHidden("#video"));
  assert.ok(await page.isHidden("#keep"));
  assert.equal(await page.textContent("#live"), "Live camera");
}

test("a second click while the camera opens stops it", async (context) => {
  const page = await slowCamera(context);
  await clickLive(page, 1);
  assert.equal(await page.textContent("#live"), "Stop the camera");
  await page.click("#live");
  await release(page);
  await assertOff(page);
  assert.equal(await page.textContent("#status"), "");
});

test("stopped and started again while it opens: one stream, and none after the stop", async (context) => {
  const page = await slowCamera(context);
  await clickLive(page, 1);
  await page.click("#live");
  await clickLive(page, 2);
  await release(page);
  await page.waitForSelector("#video:not([hidden])");
  assert.equal(await liveTracks(page), 1);
  await page.click("#live");
  await assertOff(page);
});

test("a photo chosen while the camera opens is what is shown", async (context) => {
  const page = await slowCamera(context);
  await clickLive(page, 1);
  await chooseAndWait(page, TASK, PHOTO);
  await release(page);
  await assertOff(page);
  assert.ok(await page.isVisible("#picture"));
});

for (const [name, fail] of Object.entries({
  "unplugged or taken away": () => window.streams[0].getTracks()[0].dispatchEvent(new Event("ended")),
  "without a frame to give": () => (window.createImageBitmap = () => Promise.reject(new DOMException("", "InvalidStateError"))),
})) {
  test(`a camera that is ${name}: off, with a sentence`, async (context) => {
    const page = await slowCamera(context);
    await clickLive(page, 1);
    await release(page);
    await page.waitForSelector("#guesses li");
    await page.evaluate(fail);
    await page.waitForSelector("#error:not([hidden])");
    assert.match(await page.textContent("#error"), /camera stopped/);
    await assertOff(page);
  });
}

test("where digits are read, a frame without one is no fault: the camera waits for one", async (context) => {
  const page = await open(context, build(TASK, { changed: { reads: "digits" }, name: "reads-digits" }));
  await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const pen = canvas.getContext("2d");
    let stroke = 0;
    setInterval(() => {
      pen.fillStyle = "white";
      pen.fillRect(0, 0, 320, 240);
      pen.fillStyle = "black";
      pen.fillRect(150, 60, 16, stroke);
    }, 50);
    window.write = () => (stroke = 120);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
  });
  await page.click("#live");
  await page.waitForFunction(() => document.getElementById("status").textContent.startsWith("No digit"));
  assert.ok(await page.isVisible("#video"));
  assert.ok(await page.isHidden("#verdict"));
  await page.evaluate(() => window.write());
  await page.waitForSelector("#guesses li");
  assert.ok(await page.isVisible("#video"));
});

test("nothing left this machine", () => assert.deepEqual(strangers, []));
