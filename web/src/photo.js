// From a file or a camera frame to the pixels that the model takes. Runs in the worker.

export const MAX_MB = 100;
export const MAX_PIXELS = 100e6;
const [RIFF, WEBP] = [0x52494646, 0x57454250];
const TILE = 2048; // canvas side; phones refuse canvases of many megapixels
const PLENTY = 16e6; // pixels that the model gets as they are: it resizes itself, antialiased
const FEW = 1024; // pixels a side that are never made fewer
const PREVIEW = 1024;

// A fault of the photo that the user can mend: `kind` is a key of the page's errors, `detail` its number, rounded up, or it
// could read as the very limit that was passed.
export class PhotoError extends Error {
  constructor(kind, detail) {
    super(kind);
    this.kind = kind;
    this.detail = detail;
  }
}

// Return the upright photo in a Blob as an ImageBitmap, colours as stored; as open_rgb does it in Python.
export async function open(blob) {
  if (blob.size === 0) throw new PhotoError("empty");
  if (blob.size > MAX_MB * 2 ** 20) throw new PhotoError("tooBig", Math.ceil(blob.size / 2 ** 20));
  const size = announced(new DataView(await blob.slice(0, 2 ** 20).arrayBuffer()));
  if (size) check(...size);
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(blob, options)
    // Older browsers know other options; upright is what they do without.
    .catch((error) => (error instanceof TypeError ? createImageBitmap(blob) : Promise.reject(error)))
    .catch(() => {
      throw new PhotoError("notAPicture");
    });
  check(bitmap.width, bitmap.height);
  return bitmap;
}

function check(width, height) {
  if (width * height > MAX_PIXELS) throw new PhotoError("tooManyPixels", Math.ceil((width * height) / 1e6));
}

// The width and height that a PNG's, WebP's or JPEG's header announces, before anything is decoded; null for other files.
export function announced(head) {
  const at = (place) => (place + 8 <= head.byteLength ? head.getUint16(place) : 0);
  if (head.byteLength > 24 && head.getUint32(0) === 0x89504e47) return [head.getUint32(16), head.getUint32(20)];
  if (head.byteLength >= 30 && head.getUint32(0) === RIFF && head.getUint32(8) === WEBP) return announcedWebp(head);
  if (at(0) !== 0xffd8) return null;
  for (let place = 2; at(place) >= 0xffc0; place += 2 + at(place + 2)) {
    const marker = at(place) & 0xff;
    const startOfFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (startOfFrame && place + 9 <= head.byteLength) return [head.getUint16(place + 7), head.getUint16(place + 5)];
  }
  return null;
}

// By the kind of its first chunk: lossy, lossless, or extended, which says the size of the whole canvas.
function announcedWebp(head) {
  const three = (place) => head.getUint16(place, true) + (head.getUint8(place + 2) << 16);
  switch (String.fromCharCode(...[12, 13, 14, 15].map((place) => head.getUint8(place)))) {
    case "VP8 ":
      return [head.getUint16(26, true) & 0x3fff, head.getUint16(28, true) & 0x3fff];
    case "VP8L": {
      const bits = head.getUint32(21, true);
      return [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)];
    }
    case "VP8X":
      return [1 + three(24), 1 + three(27)];
    default:
      return null;
  }
}

// Return {data: Uint8Array (height, width, 3) RGB, width, height}; transparent pixels lie on white. A photo of more than
// PLENTY pixels is averaged over whole boxes of pixels first, as phones are short of memory. The boxes are `square`, or of
// as few rows as will do: the model resizes along the rows first and rounds each, and so answers nearly the same.
export function pixels(bitmap, square = false) {
  const count = bitmap.width * bitmap.height;
  const box = (side, count) => Math.max(1, Math.min(Math.ceil(count / PLENTY), Math.floor(side / FEW)));
  const across = square ? Math.ceil(Math.sqrt(count / PLENTY)) : box(bitmap.width, count);
  const down = square ? across : box(bitmap.height, count / across);
  const [width, height] = [Math.ceil(bitmap.width / across), Math.ceil(bitmap.height / down)];
  const data = new Uint8Array(width * height * 3);
  const [tileWidth, tileHeight] = [TILE - (TILE % across), TILE - (TILE % down)];
  const canvas = new OffscreenCanvas(Math.min(tileWidth, bitmap.width), Math.min(tileHeight, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  for (let top = 0; top < bitmap.height; top += tileHeight) {
    for (let left = 0; left < bitmap.width; left += tileWidth) {
      const [w, h] = [Math.min(tileWidth, bitmap.width - left), Math.min(tileHeight, bitmap.height - top)];
      context.fillRect(0, 0, w, h);
      context.drawImage(bitmap, left, top, w, h, 0, 0, w, h);
      const tile = context.getImageData(0, 0, w, h);
      if (across * down === 1) copy(tile, data, width, left, top);
      else average(tile, across, down, data, width, left / across, top / down);
    }
  }
  return { data, width, height };
}

// Write an RGBA tile into `data`, RGB of `width`, from (left, top) on.
function copy(tile, data, width, left, top) {
  const from = new Uint32Array(tile.data.buffer);
  for (let y = 0, place = 0; y < tile.height; y++) {
    let to = ((top + y) * width + left) * 3;
    for (const end = place + tile.width; place < end; place++) {
      const rgba = from[place];
      data[to++] = rgba;
      data[to++] = rgba >> 8;
      data[to++] = rgba >> 16;
    }
  }
}

// The same with the means of boxes of `across` x `down` pixels. What rounding one of them leaves goes to the next: a half
// rounded up in every box makes the photo brighter, and the model's own rounding then tips over.
function average(tile, across, down, data, width, left, top) {
  const columns = Math.ceil(tile.width / across);
  const sums = new Uint32Array(columns * 3);
  for (let row = 0; row * down < tile.height; row++) {
    sums.fill(0);
    const end = Math.min((row + 1) * down, tile.height);
    for (let y = row * down; y < end; y++) {
      let from = y * tile.width * 4;
      for (let column = 0; column < columns; column++) {
        const last = Math.min((column + 1) * across, tile.width);
        let [red, green, blue] = [0, 0, 0];
        for (let x = column * across; x < last; x++, from += 4) {
          red += tile.data[from];
          green += tile.data[from + 1];
          blue += tile.data[from + 2];
        }
        sums[3 * column] += red;
        sums[3 * column + 1] += green;
        sums[3 * column + 2] += blue;
      }
    }
    const to = ((top + row) * width + left) * 3;
    const rest = new Array(3).fill((across * (end - row * down)) / 2);
    for (let column = 0; column < columns; column++) {
      const count = (end - row * down) * (Math.min((column + 1) * across, tile.width) - column * across);
      for (let colour = 0; colour < 3; colour++) {
        const sum = sums[3 * column + colour] + rest[colour];
        const level = Math.min(255, Math.floor(sum / count));
        rest[colour] = sum - level * count;
        data[to + 3 * column + colour] = level;
      }
    }
  }
}

// A smaller copy to show.
export function preview(bitmap) {
  const scale = Math.min(1, PREVIEW / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.transferToImageBitmap();
}
