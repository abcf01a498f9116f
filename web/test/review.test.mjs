// The page of `sortline review` in a browser: photos decided by keys in one go, the server killed in between.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { closeBrowser, open, ROOT, strangers } from "./harness.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const COUNT = 36;
const KEYS = ["k", "d", "u", "1", "2"];

// A project of its own around the sample's photos and model: decisions must not land in the real one.
let project;
before(() => {
  project = mkdtempSync(join(tmpdir(), "review-"));
  for (const place of ["data/raw/sample", "data/prepared/sample", "data/features/sample", "models/sample/head"]) {
    mkdirSync(join(project, place, ".."), { recursive: true });
    symlinkSync(join(ROOT, place), join(project, place));
  }
  const params = readFileSync(join(ROOT, "params.yaml"), "utf8");
  const changed = params.replace(/^( {2}diagnose:) .*$/gm, `$1 {outliers: ${COUNT}}`);
  assert.notEqual(changed, params);
  writeFileSync(join(project, "params.yaml"), changed);
  cpSync(join(ROOT, "dvc.yaml"), join(project, "dvc.yaml"));
});
after(async () => {
  rmSync(project, { recursive: true });
  await closeBrowser();
  assert.deepEqual(strangers, []);
});

async function review(context, port = 0) {
  const words = ["-m", "sortline.cli", "review", "sample", "--port", String(port)];
  const server = spawn(process.env.PYTHON ?? "python3", words, { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => server.kill("SIGKILL"));
  let said = "";
  const url = await new Promise((done, failed) => {
    server.stdout.on("data", (data) => {
      const found = (said += data).match(/http:\/\/127\.0\.0\.1:(\d+)\/\S+/);
      if (found) done(found[0].replace("127.0.0.1", "localhost"));
    });
    server.once("exit", () => failed(new Error(`sortline review ended: ${said}`)));
  });
  return { server, url };
}

const lines = () => readFileSync(join(project, "corrections/sample.csv"), "utf8").trim().split("\n").slice(1);
const ready = (page) => page.waitForFunction(() => document.body.dataset.ready === "yes");

async function shown(page) {
  await page.waitForFunction(() => document.body.dataset.photo);
  return (await page.textContent("#name")).split(" (")[0];
}

async function changed(page, name) {
  await page.waitForFunction((before) => {
    const end = !document.getElementById("end").hidden;
    return end || !document.getElementById("name").textContent.startsWith(`${before} (`);
  }, name);
}

async function press(page, key) {
  const name = await shown(page);
  await page.keyboard.press(key);
  await changed(page, name);
  return name;
}

test(`${COUNT} photos by keys; kill -9 in between loses none`, async (context) => {
  let { server, url } = await review(context);
  const page = await open(context, url, { ready: false });
  await ready(page);
  await page.selectOption("#queue", "outliers");
  const decided = [];
  for (let number = 0; number < COUNT; number++) {
    decided.push([await press(page, KEYS[number % KEYS.length]), KEYS[number % KEYS.length]]);
    if (number !== 16) continue;
    server.kill("SIGKILL");
    assert.equal(lines().length, 17);
    ({ server, url } = await review(context));
    await page.goto(url);
    await ready(page);
    await page.selectOption("#queue", "outliers");
    assert.match(await page.textContent("#left"), new RegExp(`^${COUNT - 17} of ${COUNT} left`));
  }
  assert.ok(await page.isVisible("#end"));
  const rows = lines().map((line) => line.split(","));
  assert.deepEqual(rows.map((row) => row[1]), decided.map(([name]) => name));
  for (const [place, [, key]] of decided.entries()) {
    const [, , old, wanted] = rows[place];
    if (key === "k") assert.equal(wanted, old);
    if (key === "d") assert.equal(wanted, "drop");
    if (key === "u") assert.equal(wanted, "unsure");
  }
  await page.keyboard.press("z");
  await page.waitForFunction(() => document.getElementById("end").hidden);
  assert.equal(await shown(page), decided.at(-1)[0]);
  assert.equal(lines().length, COUNT + 1); // undone by one line more
});

test("two tabs: the second is told what the first has decided, and overwrites nothing", async (context) => {
  rmSync(join(project, "corrections"), { recursive: true, force: true });
  const { url } = await review(context);
  const tabs = [await open(context, url, { ready: false }), await open(context, url, { ready: false })];
  for (const page of tabs) {
    await ready(page);
    await page.selectOption("#queue", "outliers");
  }
  const name = await press(tabs[0], "d");
  assert.equal(await shown(tabs[1]), name);
  await tabs[1].keyboard.press("k");
  await tabs[1].waitForFunction(() => document.getElementById("now").classList.contains("taken"));
  assert.match(await tabs[1].textContent("#now"), /Another tab has decided.*dropped/);
  assert.equal(lines().length, 1);
  await press(tabs[1], "k"); // seen now
  assert.equal(lines().length, 2);
});

test("a class is found by typing, and one can be added", async (context) => {
  rmSync(join(project, "corrections"), { recursive: true, force: true });
  const { url } = await review(context);
  const page = await open(context, url, { ready: false });
  await ready(page);
  await page.selectOption("#queue", "outliers");
  for (const [typed, wanted] of [["tri", "Triangle"], ["Spiral (round)", "Spiral (round)"]]) {
    const name = await shown(page);
    await page.keyboard.press("r");
    await page.fill("#typed", typed);
    await page.keyboard.press("Enter");
    await changed(page, name);
    assert.equal(lines().at(-1).split(",")[3], wanted);
  }
});

test("a decision's word is no class to be added", async (context) => {
  rmSync(join(project, "corrections"), { recursive: true, force: true });
  const { url } = await review(context);
  const page = await open(context, url, { ready: false });
  await ready(page);
  await shown(page);
  for (const typed of ["drop", "Unsure"]) {
    await page.keyboard.press("r");
    await page.fill("#typed", typed);
    assert.doesNotMatch(await page.textContent("#matches"), /add the class/);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  }
  assert.deepEqual(lines(), []);
});

test("Enter on a button does what the button says", async (context) => {
  rmSync(join(project, "corrections"), { recursive: true, force: true });
  const { url } = await review(context);
  const page = await open(context, url, { ready: false });
  await ready(page);
  const name = await shown(page);
  await page.focus("summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.evaluate(() => document.getElementById("apply").open));
  await page.focus("#keys button:has-text('drop')");
  await page.keyboard.press("Enter");
  await changed(page, name);
  assert.deepEqual(lines().map((line) => line.split(",")[3]), ["drop"]);
});

test("a decision that is refused or lost is told, and can be made again", async (context) => {
  rmSync(join(project, "corrections"), { recursive: true, force: true });
  const { server, url } = await review(context);
  const page = await open(context, url, { ready: false });
  await ready(page);
  const told = (text) => page.waitForFunction((text) => document.querySelector("#now.taken")?.textContent.includes(text), text);
  const name = await shown(page);
  await page.keyboard.press("r");
  await page.fill("#typed", "cup/mug");
  await page.keyboard.press("Enter");
  await told("cup/mug");
  assert.deepEqual(lines(), []);
  await page.keyboard.press("d");
  await changed(page, name);
  await shown(page);
  server.kill("SIGKILL");
  for (const key of ["z", "d", "z"]) {
    await page.keyboard.press(key);
    await told("does not answer");
    await page.evaluate(() => { document.getElementById("now").textContent = ""; });
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`nothing serious for people with a screen reader or weak eyes, ${colorScheme}; no scrolling aside on a phone`, async (context) => {
    const { url } = await review(context);
    const page = await open(context, url, { ready: false, colorScheme, viewport: { width: 390, height: 844 } });
    await ready(page);
    await shown(page);
    // Through the debugger: the page's policy lets no other script in.
    const session = await page.context().newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: AXE });
    const found = await page.evaluate(() => axe.run());
    const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });
}
