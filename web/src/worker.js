// The model, in a thread of its own so that the page stays alive: photos in, answers out, one after the other.

import * as ort from "./ort/ort.wasm.bundle.min.mjs";
import { readDigit } from "./digit.js";
import { open, PhotoError, pixels, preview } from "./photo.js";

// More than one only where the page is cut off from others by headers, which not every host can send.
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
ort.env.wasm.wasmPaths = { wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };

async function fetched(name) {
  const response = await fetch(new URL(`./model/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

async function load() {
  const [model, labels] = await Promise.all([
    fetched("model.onnx").then((response) => response.arrayBuffer()),
    fetched("labels.json").then((response) => response.json()),
  ]);
  const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
  return { session: await ort.InferenceSession.create(new Uint8Array(model), options), digits: labels.reads === "digits" };
}

// `source` is a Blob (a file) or an ImageBitmap (a camera frame).
async function look({ session, digits }, source) {
  const start = performance.now();
  const bitmap = source instanceof Blob ? await open(source) : source;
  const photo = pixels(bitmap, digits); // a digit keeps its proportions
  const shown = preview(bitmap);
  bitmap.close();
  const { data, width, height } = digits ? readDigit(photo) : photo;
  const output = await session.run({ image: new ort.Tensor("uint8", data, [height, width, 3]) });
  const cam = output.cam && { data: output.cam.data, height: output.cam.dims[1], width: output.cam.dims[2] };
  const similarity = output.similarity?.data[0];
  const setScores = output.set_scores?.data;
  const familiarity = output.familiarity?.data[0];
  const numbers = [...output.probabilities.data, ...(setScores ?? []), similarity ?? 0, familiarity ?? 0];
  if (!numbers.every(Number.isFinite)) throw new Error("the model answers without a number; it is damaged");
  return { probabilities: output.probabilities.data, similarity, familiarity, setScores, cam, shown, ms: performance.now() - start };
}

const model = load();
model.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ ready: false, error: String(error) }),
);

let queue = Promise.resolve();
addEventListener("message", ({ data: { id, source } }) => {
  queue = queue.then(async () => {
    try {
      const answer = await look(await model, source);
      postMessage({ id, answer }, [answer.shown]);
    } catch (error) {
      const known = error instanceof PhotoError;
      postMessage({ id, kind: known ? error.kind : "engine", detail: error.detail, error: String(error) });
    }
  });
});
