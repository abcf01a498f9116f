// The live camera: a frame or two a second to whoever wants them; nothing while the page is hidden.

import { LookError } from "./engine.js";

const PAUSE_MS = 500;
const REASONS = { NotAllowedError: "cameraDenied", SecurityError: "cameraDenied" };

export class Camera {
  #video;
  #turn = null; // of the start that counts: an earlier one that comes true late must not leave its camera on
  #stream = null;

  constructor(video) {
    this.#video = video;
    document.addEventListener("visibilitychange", () => this.#pause());
  }

  // Also while it is only starting.
  get on() {
    return this.#turn !== null;
  }

  // Open the camera when `ready` is, then call `look(frame ImageBitmap)` for one frame after the other until `stop`, or
  // until something fails: that is told to `failed`. Return whether it was opened: false where `stop` came first.
  async start(ready, look, failed) {
    const turn = {};
    this.#turn = turn;
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new LookError("cameraInsecure");
      await ready;
      if (this.#turn !== turn) return false;
      const wanted = { video: { facingMode: { ideal: "environment" }, width: { ideal: 640 } }, audio: false };
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      if (this.#turn !== turn) {
        for (const track of stream.getTracks()) track.stop();
        return false;
      }
      const ended = () => this.#fail(turn, new LookError("cameraEnded"), failed);
      for (const track of stream.getTracks()) track.addEventListener("ended", ended);
      this.#stream = stream;
      this.#pause();
      this.#video.srcObject = stream;
      await this.#video.play();
    } catch (error) {
      if (this.#turn !== turn) return false;
      this.stop();
      throw error instanceof LookError ? error : new LookError(REASONS[error.name] ?? "cameraMissing", undefined, error);
    }
    if (this.#turn !== turn) return false;
    this.#loop(turn, look).catch((error) => this.#fail(turn, error, failed));
    return true;
  }

  async #loop(turn, look) {
    while (this.#turn === turn) {
      if (!document.hidden && this.#video.videoWidth) await look(await this.frame());
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  async frame() {
    try {
      return await createImageBitmap(this.#video);
    } catch (error) {
      throw new LookError("cameraEnded", undefined, error);
    }
  }

  #fail(turn, error, failed) {
    if (this.#turn !== turn) return;
    this.stop();
    failed(error);
  }

  #pause() {
    for (const track of this.#stream?.getTracks() ?? []) track.enabled = !document.hidden;
  }

  stop() {
    this.#turn = null;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
