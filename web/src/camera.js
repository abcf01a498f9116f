// The live camera: a frame or two a second to whoever wants them; nothing while the page is hidden.

import { LookError } from "./engine.js";

const PAUSE_MS = 500;
const REASONS = { NotAllowedError: "cameraDenied", SecurityError: "cameraDenied" };

export class Camera {
  #video;
  #stream = null;

  constructor(video) {
    this.#video = video;
    document.addEventListener("visibilitychange", () => {
      for (const track of this.#stream?.getTracks() ?? []) track.enabled = !document.hidden;
    });
  }

  get on() {
    return this.#stream !== null;
  }

  // Open the camera and call `look(frame ImageBitmap)` for one frame after the other until `stop`.
  async start(look) {
    if (!navigator.mediaDevices?.getUserMedia) throw new LookError("cameraInsecure");
    const wanted = { video: { facingMode: { ideal: "environment" }, width: { ideal: 640 } }, audio: false };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia(wanted);
    } catch (error) {
      throw new LookError(REASONS[error.name] ?? "cameraMissing");
    }
    const stream = this.#stream;
    this.#video.srcObject = stream;
    await this.#video.play();
    this.#loop(stream, look);
  }

  async #loop(stream, look) {
    while (this.#stream === stream) {
      if (!document.hidden && this.#video.videoWidth) await look(await this.frame());
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  frame() {
    return createImageBitmap(this.#video);
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
