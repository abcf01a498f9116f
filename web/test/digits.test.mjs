// A model that reads digits gets the digit alone, cut out of the photo as Python cuts it out, and so answers the same.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { build, choose, chooseAndWait, closeBrowser, fixture, indexOfMax, open, ROOT, strangers } from "./harness.mjs";

const FOLDER = "digits";
const CROPS = JSON.parse(readFileSync(fixture(FOLDER, "crops.json"), "utf8"));
const READABLE = Object.keys(CROPS).filter((file) => CROPS[file]);
const TASK = ["mnist", "digits"].find((task) => existsSync(join(ROOT, "models", task, "export", "model_int8.onnx")));
const skip = TASK ? false : "neither models/mnist/export nor models/digits/export is there: dvc repro export@digits";
const model = join(ROOT, "models", TASK ?? "", "export");

after(closeBrowser);

// What `sortline predict --json` says: by file, the probability of each class.
function predicted() {
  const words = ["-m", "sortline.cli", "predict", "--json", "--top", "10", "--model", model];
  const files = READABLE.map((file) => fixture(FOLDER, file));
  const done = spawnSync(process.env.PYTHON ?? "python3", [...words, ...files], { cwd: ROOT, encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  const byClass = ({ top }) => Object.fromEntries(top.map((one) => [one.class.code, one.probability]));
  return JSON.parse(done.stdout).map(byClass);
}

const inPage = (page, files, work) =>
  page.evaluate(work, files.map((file) => [file, readFileSync(fixture(FOLDER, file)).toString("base64")]));

test("the digit is cut out as Python does it, level for level", async (context) => {
  const page = await open(context, build("sample"));
  const found = await inPage(page, Object.keys(CROPS), async (contents) => {
    const [{ readDigit }, photo] = [await import("./digit.js"), await import("./photo.js")];
    const cut = {};
    for (const [file, base64] of contents) {
      const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
      const pixels = photo.pixels(await photo.open(new Blob([bytes])), true);
      try {
        cut[file] = [...readDigit(pixels).data].filter((_, place) => place % 3 === 0);
      } catch (error) {
        cut[file] = error.kind;
      }
    }
    return cut;
  });
  for (const [file, wanted] of Object.entries(CROPS)) {
    if (!wanted) {
      assert.equal(found[file], "noDigit", file);
      continue;
    }
    const apart = Math.max(...wanted.map((level, place) => Math.abs(level - found[file][place])));
    // Two JPEG decoders, and the averaging over 16 megapixels, are a level or so apart before the contrast is raised.
    assert.ok(apart <= (file.endsWith(".png") ? 0 : 24), `${file}: ${apart} levels apart`);
  }
});

for (const precision of ["fp32", "int8"]) {
  test(`${precision}: the same digit as sortline predict, and nearly its probability`, { skip }, async (context) => {
    const page = await open(context, build(TASK, { fp32: precision === "fp32" }));
    const found = await inPage(page, READABLE, async (contents) => {
      const { Engine } = await import("./engine.js");
      const engine = new Engine();
      const answers = [];
      for (const [, base64] of contents) {
        const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
        answers.push([...(await engine.look(new Blob([bytes]))).probabilities]);
      }
      return answers;
    });
    const { classes } = JSON.parse(readFileSync(join(model, "labels.json"), "utf8"));
    let most = 0;
    predicted().forEach((theirs, number) => {
      const [file, ours] = [READABLE[number], found[number]];
      const wanted = classes.map(({ code }) => theirs[code]);
      const apart = Math.max(...ours.map((share, place) => Math.abs(share - wanted[place])));
      const limit = precision === "int8" ? 0.1 : file.endsWith(".png") ? 1e-3 : 0.02;
      // Of two that are as probable, either may be first.
      const behind = Math.max(...wanted) - wanted[indexOfMax(ours)];
      assert.ok(behind <= limit, `${file}: its class is ${behind} behind the best`);
      assert.ok(apart <= limit, `${file}: probabilities differ by ${apart}, over ${limit}`);
      most = Math.max(most, apart);
    });
    console.log(`# ${TASK} ${precision}: at most ${most.toExponential(1)} apart`);
  });
}

test("the page shows the digit, and where there is none says so, in both languages", { skip }, async (context) => {
  const page = await open(context, build(TASK));
  const wanted = predicted();
  for (const file of ["dark_2.png", "light_3.png", "large_4.jpg"]) {
    await chooseAndWait(page, FOLDER, file);
    const shares = wanted[READABLE.indexOf(file)];
    const best = Object.keys(shares).reduce((a, b) => (shares[a] >= shares[b] ? a : b));
    assert.equal(await page.textContent("#card .large"), best, file);
  }
  for (const sentence of [/No digit/, /没有找到数字/]) {
    await choose(page, FOLDER, "blank.png");
    await page.waitForSelector("#error:not([hidden])");
    assert.match(await page.textContent("#error"), sentence);
    await page.click("#language");
  }
});

test("nothing left this machine", () => assert.deepEqual(strangers, []));
