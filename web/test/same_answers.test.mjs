// The browser answers what Python answers: same class, nearly the same probabilities, for every kind of picture.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { build, closeBrowser, expected, fixture, indexOfMax, open, strangers, TASKS } from "./harness.mjs";

// Differences of a probability: the same pixels; two JPEG decoders; 8 bits.
const SAME_PIXELS = 1e-3;
const OTHER_DECODER = 0.02;
const EIGHT_BITS = 0.05;
const TIE = 0.005; // Python's own first two classes this near: either is right
const AVERAGED = "large_6000x4000.jpg";

after(closeBrowser);

// Let the page's own engine look at each file; return the probabilities by file name.
async function answers(page, task, files) {
  const contents = files.map((file) => [file, readFileSync(fixture(task, file)).toString("base64")]);
  return page.evaluate(async (contents) => {
    const { Engine } = await import("./engine.js");
    const engine = new Engine();
    const found = {};
    for (const [file, base64] of contents) {
      const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
      found[file] = [...(await engine.look(new Blob([bytes]))).probabilities];
    }
    return found;
  }, contents);
}

for (const task of TASKS) {
  for (const precision of ["fp32", "int8"]) {
    test(`${task}, ${precision}: as in Python`, async (context) => {
      const page = await open(context, build(task, { fp32: precision === "fp32" }));
      const wanted = expected(task);
      const found = await answers(page, task, Object.keys(wanted));
      const differences = {};
      for (const [file, both] of Object.entries(wanted)) {
        const [ours, theirs] = [found[file], both[precision]];
        const difference = Math.max(...ours.map((value, place) => Math.abs(value - theirs[place])));
        const pixels = file.endsWith(".png") ? SAME_PIXELS : OTHER_DECODER;
        differences[file] = difference;
        const behind = Math.max(...theirs) - theirs[indexOfMax(ours)];
        // Over 16 megapixels the app averages boxes of pixels first, and random weights make ties: these may go either way.
        const tie = file === AVERAGED ? OTHER_DECODER : task === "sample" ? TIE : 0;
        assert.ok(behind <= tie, `${file}: another class, ${behind} behind (${difference})`);
        const limit = precision === "int8" ? EIGHT_BITS : pixels;
        assert.ok(difference <= limit, `${file}: probabilities differ by ${difference}, over ${limit}`);
      }
      for (const kind of ["png", "jpg"]) {
        const [[file, most]] = Object.entries(differences).filter(([file]) => file.endsWith(kind)).sort((a, b) => b[1] - a[1]);
        console.log(`# ${task} ${precision} ${kind}: at most ${most.toExponential(1)} apart (${file})`);
      }
    });
  }
}

test("nothing left this machine", () => assert.deepEqual(strangers, []));
