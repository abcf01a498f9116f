// The model, in a thread of its own so that the page stays alive: photos in, answers out, one after the other.

import * as ort from "./ort/ort.wasm.bundle.min.mjs";
import { open, PhotoError, pixels, preview } from "./photo.js";

ort.env.wasm.numThreads = 1; // more would need headers that not every host can send
ort.env.wasm.wasmPaths = { wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };

async function load() {
  const response = await fetch(new URL("./model/model.onnx", import.meta.url));
  if (!response.ok) throw new Error(`model: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
}

// `source` is a Blob (a file) or an ImageBitmap (a camera frame).
async function look(session, source) {
  const start = performance.now();
  const bitmap = source instanceof Blob ? await open(source) : source;
  const { data, width, height } = pixels(bitmap);
  const shown = preview(bitmap);
  bitmap.close();
  const output = await session.run({ image: new ort.Tensor("uint8", data, [height, width, 3]) });
  const cam = output.cam && { data: output.cam.data, height: output.cam.dims[1], width: output.cam.dims[2] };
  return { probabilities: output.probabilities.data, cam, shown, ms: performance.now() - start };
}

const session = load();
session.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ ready: false, error: String(error) }),
);

let queue = Promise.resolve();
addEventListener("message", ({ data: { id, source } }) => {
  queue = queue.then(async () => {
    try {
      const answer = await look(await session, source);
      postMessage({ id, answer }, [answer.shown]);
    } catch (error) {
      const known = error instanceof PhotoError;
      postMessage({ id, kind: known ? error.kind : "engine", detail: error.detail, error: String(error) });
    }
  });
});
