// What every browser test needs: the app built and served, a count of what goes over the wire, a browser.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "..");
export const ROOT = join(WEB, "..");
export const FIXTURES = join(WEB, ".test");
export const TASKS = ["sample", "garbage"].filter((task) => existsSync(join(FIXTURES, task)));

export const fixture = (...path) => join(FIXTURES, ...path);
export const expected = (task) => JSON.parse(readFileSync(fixture(task, "expected.json"), "utf8"));
export const labelsOf = (task) => JSON.parse(readFileSync(join(ROOT, "models", task, "export", "labels.json"), "utf8"));

// Build the app of a task into a folder of its own; `changed` are labels to change, `weights` a model.onnx to take in the
// place of the task's, and then `name` says of what.
export function build(task, { fp32 = false, changed = null, weights = null, name = task } = {}) {
  let model = join(ROOT, "models", task, "export");
  if (changed || weights) {
    const copy = fixture("models", name);
    rmSync(copy, { recursive: true, force: true });
    cpSync(model, copy, { recursive: true });
    // The cache of DVC is read-only, and so may be a copy from it.
    for (const file of ["SHA256SUMS", "labels.json"]) rmSync(join(copy, file), { force: true });
    writeFileSync(join(copy, "labels.json"), JSON.stringify({ ...labelsOf(task), ...changed }));
    if (weights) {
      rmSync(join(copy, "model.onnx"));
      cpSync(weights, join(copy, "model.onnx"));
    }
    model = copy;
  }
  const out = fixture("dist", `${name}-${fp32 ? "fp32" : "int8"}`);
  const words = [join(WEB, "build.mjs"), model, "--out", out, ...(fp32 ? ["--fp32"] : [])];
  const done = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return out;
}

// Serve a built app with `sortline serve`, behind a proxy that counts, until the test `context` ends.
export async function serve(context, folder) {
  const python = process.env.PYTHON ?? "python3";
  const words = ["-m", "sortline.cli", "serve", "--folder", folder, "--port", "0"];
  const server = spawn(python, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((done, failed) => {
    server.stdout.once("data", (data) => done(String(data)));
    server.once("exit", () => failed(new Error("sortline serve ended")));
  });
  const port = Number(line.match(/:(\d+)\//)[1]);
  const requests = [];
  let received = 0;
  const proxy = http.createServer((request, response) => {
    requests.push(request.url);
    const { url: path, method, headers } = request;
    const passed = http.request({ host: "localhost", port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.on("data", (data) => (received += data.length));
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise((done) => proxy.listen(0, "localhost", done));
  const close = async () => {
    server.kill();
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  };
  context.after(close);
  return { url: `http://localhost:${proxy.address().port}/`, received: () => received, requests, close };
}

export const strangers = []; // requests to any other host, by any page of this run

let browser;

// Open an app in a fresh profile, for the test `context`: a folder, which is then served, or a served app's address.
// `prepare(profile)` comes before the page does; without `ready` the model is not waited for.
export async function open(context, where, { prepare, ready = true, ...options } = {}) {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
    ],
  });
  const url = where.startsWith("http") ? where : (await serve(context, where)).url;
  const profile = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
  context.after(() => profile.close());
  profile.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "localhost") strangers.push(request.url());
  });
  profile.setDefaultTimeout(60_000); // a busy machine is slow
  const page = await profile.newPage();
  page.on("pageerror", (error) => strangers.push(`error on the page: ${error}`));
  // From the first on, or a dialog that opens early is not caught.
  page.on("filechooser", () => {});
  await prepare?.(profile);
  await page.goto(url);
  if (ready) await page.waitForFunction(() => document.body.dataset.ready === "true");
  return page;
}

export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

// Choose a file with the page's own button, as a person does.
export async function choose(page, ...path) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#pick")]);
  await chooser.setFiles(fixture(...path));
}

export async function chooseAndWait(page, ...path) {
  await page.evaluate(() => document.getElementById("guesses").replaceChildren());
  await choose(page, ...path);
  await page.waitForSelector("#guesses li");
}

export function indexOfMax(values) {
  return values.indexOf(Math.max(...values));
}
