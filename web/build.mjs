// Build the app around an exported model, see USAGE.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const RUNTIME = join(HERE, "node_modules", "onnxruntime-web", "dist");
// The smallest build with every operator: plain WebAssembly, no GPU.
const RUNTIME_FILES = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
const USAGE = "node web/build.mjs FOLDER_OF_THE_EXPORTED_MODEL [--out web/dist] [--fp32]";
const COLOUR = "#1d6b3a";
const ABOUT = ["task", "classes", "precision", "mb", "load_mb", "version"]; // the keys of about.json

class UserError extends Error {}

function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true }).map((path) => path.split(sep).join(posix.sep));
  return entries.filter((path) => statSync(join(folder, path)).isFile()).sort();
}

function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

// Raise `UserError` for files of the exported folder that are not what its SHA256SUMS lists, where it has one.
function check(model, files) {
  const list = join(model, "SHA256SUMS");
  if (!existsSync(list)) return;
  const lines = readFileSync(list, "utf8").split("\n");
  for (const file of files) {
    const digest = sha256(readFileSync(file));
    if (![`${digest}  ${basename(file)}`, `${digest} *${basename(file)}`].some((line) => lines.includes(line))) {
      throw new UserError(`${file}: not the file that ${list} lists: damaged, or changed since; get or export the model again`);
    }
  }
}

function writeJson(path, content) {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}

function manifest(task) {
  const icon = (file, size, purpose) => ({ src: `icons/${file}`, sizes: `${size}x${size}`, type: "image/png", purpose });
  return {
    name: `sortline: ${task}`,
    short_name: "sortline",
    description: "Says what is on a photo, on this device alone",
    start_url: "./",
    scope: "./",
    display: "standalone",
    background_color: "#f6f7f4",
    theme_color: COLOUR,
    icons: [icon("192.png", 192, "any"), icon("512.png", 512, "any"), icon("maskable.png", 512, "maskable")],
  };
}

// Fill the new folder `out`; return what was built.
function build(model, out, precision) {
  const file = join(model, precision === "int8" ? "model_int8.onnx" : "model.onnx");
  const needed = [file, join(model, "labels.json")];
  for (const one of needed) {
    if (!existsSync(one)) throw new UserError(`${one}: no such file; export the model first, for example: make run`);
  }
  check(model, needed);
  if (!existsSync(RUNTIME)) throw new UserError(`${RUNTIME}: not installed; run: npm ci --prefix web --ignore-scripts`);
  const labels = JSON.parse(readFileSync(join(model, "labels.json"), "utf8"));

  cpSync(join(HERE, "src"), out, { recursive: true });
  for (const folder of ["ort", "model"]) mkdirSync(join(out, folder));
  for (const name of RUNTIME_FILES) cpSync(join(RUNTIME, name), join(out, "ort", name));
  cpSync(file, join(out, "model", "model.onnx"));
  cpSync(join(model, "labels.json"), join(out, "model", "labels.json"));
  writeJson(join(out, "manifest.webmanifest"), manifest(labels.task));

  const worker = readFileSync(join(out, "sw.js"), "utf8");
  rmSync(join(out, "sw.js"));
  const names = filesIn(out);
  const sums = [...names.map((name) => `${sha256(readFileSync(join(out, name)))}  ${name}`), sha256(worker)];
  const version = sha256(sums.join("\n")).slice(0, 8);
  const bytes = names.reduce((sum, name) => sum + statSync(join(out, name)).size, worker.length);
  const about = {
    task: labels.task,
    classes: labels.classes.length,
    precision,
    mb: statSync(file).size / 1e6,
    load_mb: Math.ceil(bytes / 1e6),
    version,
  };
  writeJson(join(out, "about.json"), about);
  const cached = JSON.stringify([...names, "about.json"], null, 2);
  const filled = worker.replace("__NAME__", `sortline-${labels.task}-${version}`).replace("__FILES__", cached);
  writeFileSync(join(out, "sw.js"), filled);
  return { ...about, bytes };
}

// Whether `folder` is an app that this script built: then it may be replaced, as an empty folder may.
function isReplaceable(folder) {
  if (!statSync(folder).isDirectory()) return false;
  if (readdirSync(folder).length === 0) return true;
  try {
    const about = JSON.parse(readFileSync(join(folder, "about.json"), "utf8"));
    return ABOUT.every((key) => key in about) && existsSync(join(folder, "sw.js"));
  } catch {
    return false;
  }
}

function commandLine() {
  const options = { out: { type: "string", default: join(HERE, "dist") }, fp32: { type: "boolean", default: false } };
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options });
  } catch (error) {
    if (!error.code?.startsWith("ERR_PARSE_ARGS")) throw error;
    throw new UserError(`${error.message.split(/[.\n]/)[0]}; usage: ${USAGE}`);
  }
  if (parsed.positionals.length !== 1) throw new UserError(`one model is wanted; usage: ${USAGE}`);
  return parsed;
}

function main() {
  const { values, positionals } = commandLine();
  if (existsSync(values.out) && !isReplaceable(values.out)) {
    throw new UserError(`${values.out}: is there and is no app that was built before; name a new or an empty folder with --out`);
  }
  const unfinished = join(dirname(values.out), `.tmp-${basename(values.out)}`);
  rmSync(unfinished, { recursive: true, force: true });
  try {
    const made = build(positionals[0], unfinished, values.fp32 ? "fp32" : "int8");
    rmSync(values.out, { recursive: true, force: true });
    renameSync(unfinished, values.out);
    console.log(`${values.out}: ${made.task}, ${made.precision}, ${(made.bytes / 1e6).toFixed(1)} MB, version ${made.version}`);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(2);
}
