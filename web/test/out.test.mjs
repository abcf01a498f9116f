// build.mjs replaces a folder that it built, or an empty one, and no other.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

const MODEL = join(ROOT, "models", "sample", "export");

function build(out) {
  const words = [join(ROOT, "web", "build.mjs"), MODEL, "--out", out];
  return spawnSync(process.execPath, words, { encoding: "utf8" });
}

test("a folder or file that the build did not make stays as it is", () => {
  const place = mkdtempSync(join(tmpdir(), "out-"));
  writeFileSync(join(place, "mine.txt"), "mine");
  writeFileSync(join(place, "about.json"), "{}");
  for (const out of [place, join(place, "mine.txt")]) {
    const done = build(out);
    assert.equal(done.status, 2);
    assert.match(done.stderr, /^error: .*no app that was built before.*\n$/);
  }
  assert.equal(readFileSync(join(place, "mine.txt"), "utf8"), "mine");
});

test("an empty folder and an app that was built before are replaced", () => {
  const out = join(mkdtempSync(join(tmpdir(), "out-")), "app");
  mkdirSync(out);
  for (const _ of [1, 2]) {
    const done = build(out);
    assert.equal(done.status, 0, done.stderr);
    assert.ok(existsSync(join(out, "sw.js")));
    writeFileSync(join(out, "left.txt"), "of the first");
  }
  assert.ok(existsSync(join(out, "left.txt")));
});
