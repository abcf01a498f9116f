// What stands around the app: building it, and this folder's run.sh, on machines that lack something.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fixture, ROOT } from "./harness.mjs";

const BIN = fixture("bin");
const NODE = ["node", "npm"];

before(() => {
  rmSync(BIN, { recursive: true, force: true });
  for (const folder of ["plain", "node"]) mkdirSync(join(BIN, folder), { recursive: true });
  for (const name of ["bash", "sh", "dirname", "make"]) link(name, "plain");
  for (const name of NODE) link(name, "node");
  stub("id", "echo $FAKE_UID");
  stub("apt-get", "exit 100");
});

function link(name, folder) {
  const { stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  symlinkSync(stdout.trim(), join(BIN, folder, name));
}

function stub(name, script) {
  const path = join(BIN, "plain", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

// Run a command with nothing on its PATH but what `before` put there.
function run(command, { node = false, uid = 1000 } = {}) {
  const path = ["plain", ...(node ? ["node"] : [])].map((folder) => join(BIN, folder)).join(":");
  const env = { PATH: path, HOME: process.env.HOME, FAKE_UID: String(uid) };
  const done = spawnSync(join(BIN, "plain", command[0]), command.slice(1), { cwd: ROOT, env, encoding: "utf8" });
  return { code: done.status, said: `${done.stdout}${done.stderr}` };
}

for (const [missing, options] of Object.entries({ node: {}, Chromium: { node: true } })) {
  test(`run.sh without ${missing}: skipped without root, failed as root`, () => {
    const skipped = run(["bash", "web/test/run.sh"], options);
    assert.equal(skipped.code, 0, skipped.said);
    assert.match(skipped.said, new RegExp(`^test-web: SKIPPED: no ${missing} on the PATH`, "m"));
    const failed = run(["bash", "web/test/run.sh"], { ...options, uid: 0 });
    assert.equal(failed.code, 1, failed.said);
    assert.match(failed.said, new RegExp(`^test-web: FAILED: no ${missing} on the PATH`, "m"));
  });
}

test("make web without npm is one sentence", () => {
  const { code, said } = run(["make", "-o", ".venv/.ready", "web"]);
  assert.equal(code, 2);
  assert.match(said, /^error: there is no npm on the PATH; install Node.js 20 or newer, with npm\nmake: .*\n$/);
});

const MISTAKES = {
  "--bogus x": "Unknown option '--bogus'",
  "a --out": "Option '--out",
  "a b": "one model is wanted",
  "": "one model is wanted",
};
for (const [words, said] of Object.entries(MISTAKES)) {
  test(`build.mjs ${words}: one line that says what is wrong`, () => {
    const build = join(ROOT, "web", "build.mjs");
    const done = spawnSync(process.execPath, [build, ...words.split(" ").filter(Boolean)], { encoding: "utf8" });
    assert.equal(done.status, 2);
    assert.ok(done.stderr.startsWith(`error: ${said}`), done.stderr);
    assert.match(done.stderr, /^.*; usage: node web\/build.mjs FOLDER.*\n$/);
  });
}

test("build.mjs refuses a model that is not what its SHA256SUMS lists", () => {
  const model = join(BIN, "model");
  mkdirSync(model);
  const files = { "model_int8.onnx": "weights", "labels.json": '{"task": "a", "classes": []}' };
  const line = (name) => `${createHash("sha256").update(files[name]).digest("hex")}  ${name}\n`;
  for (const [name, content] of Object.entries(files)) writeFileSync(join(model, name), content);
  const build = (list) => {
    writeFileSync(join(model, "SHA256SUMS"), list);
    const words = [join(ROOT, "web", "build.mjs"), model, "--out", join(BIN, "dist")];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    rmSync(join(BIN, "dist"), { recursive: true, force: true });
    return status === 0 ? "built" : stderr;
  };
  assert.equal(build(Object.keys(files).map(line).join("")), "built");
  assert.ok(build(line("model_int8.onnx")).startsWith(`error: ${join(model, "labels.json")}: not the file`));
  const other = line("labels.json") + line("model_int8.onnx").replace(/^./, "x");
  assert.ok(build(other).startsWith(`error: ${join(model, "model_int8.onnx")}: not the file`));
});

test("one version of Node.js is asked for everywhere", () => {
  const read = (...path) => readFileSync(join(ROOT, ...path), "utf8");
  assert.equal(JSON.parse(read("web", "package.json")).engines.node, ">=20");
  assert.equal(JSON.parse(read("web", "package-lock.json")).packages[""].engines.node, ">=20");
  assert.match(read("web", "test", "run.sh"), /^NODE=20$/m);
  assert.match(read("docs", "app.md"), /Node\.js 20 is needed/);
});
