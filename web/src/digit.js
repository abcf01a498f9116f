// A handwritten digit out of a photo, made to look as MNIST's do: light on dark, 28 x 28, centred by mass. The same steps
// as src/sortline/data/handwriting.py, number for number: a model that reads digits was measured with those.

import { PhotoError } from "./photo.js";
import { BILINEAR, BOX, resize } from "./resize.js";

const [SIDE, INSIDE] = [28, 20]; // MNIST: fitted into 20 x 20, in 28 x 28
const WORKING = 280; // pixels of the longer side that the digit is looked for at
const CONTRAST = 24; // levels of 255 between paper and ink, at least
const FEWEST = 12; // pixels that a digit's darkest part has
const STROKE = 2.6; // pixels of 28 that MNIST's pens are wide, about

// Return the digit of RGB pixels {data, width, height} as such pixels, 28 x 28, or throw that there is none.
export function readDigit(photo) {
  const grey = greyOf(photo);
  const small = Math.max(grey.width, grey.height) > WORKING ? fitted(grey, WORKING, BOX) : grey;
  const ink = thickened(cropped(mainParts(inkOf(small))));
  const levels = { ...ink, data: Uint8Array.from(ink.data, (share) => roundHalfEven(255 * share)) };
  return centred(fitted(levels, INSIDE, BILINEAR));
}

// Python's round: a half goes to the even neighbour.
function roundHalfEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

function greyOf({ data, width, height }) {
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    grey[i] = (19595 * data[from] + 38470 * data[from + 1] + 7471 * data[from + 2] + 0x8000) >> 16; // Pillow's "L"
  }
  return { data: grey, width, height };
}

// Resize to a longer side of `side`.
function fitted(grey, side, filter) {
  const scale = side / Math.max(grey.width, grey.height);
  const [width, height] = [grey.width, grey.height].map((one) => Math.max(1, roundHalfEven(one * scale)));
  return resize(grey, width, height, filter);
}

// How much each pixel stands out, 0 to 1, whichever of dark and light the ink is.
function inkOf(grey) {
  const paper = background(grey);
  const away = Float64Array.from(grey.data, (level, i) => level - paper[i]);
  // Counted in pixels, not in shares: a digit may be small in its photo.
  const ranked = away.slice().sort();
  const [low, high] = [ranked[Math.min(FEWEST, ranked.length) - 1], ranked[Math.max(0, ranked.length - FEWEST)]];
  const strongest = high > -low ? high : low;
  if (Math.abs(strongest) < CONTRAST) throw new PhotoError("noDigit");
  return { ...grey, data: away.map((one) => Math.min(1, Math.max(0, one / strongest))) };
}

// The plane of least squares through the pixels of the edge, those far from its median left out: a shadow is no ink.
function background({ data, width, height }) {
  const rim = Math.max(1, roundHalfEven(0.03 * Math.min(width, height)));
  const [rows, columns] = [new Float64Array(data.length), new Float64Array(data.length)];
  const edge = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      [rows[i], columns[i]] = [y / height, x / width];
      if (y < rim || y >= height - rim || x < rim || x >= width - rim) edge.push(i);
    }
  }
  const middle = median(edge.map((i) => data[i]));
  const near = edge.filter((i) => Math.abs(data[i] - middle) <= 64);
  const dot = (a, b) => near.reduce((sum, i) => sum + a[i] * b[i], 0);
  const plane = new Float64Array(data.length);
  // Each term at right angles to those before it, so that each has its share of the plane alone.
  const terms = [];
  for (const term of [new Float64Array(data.length).fill(1), rows, columns]) {
    for (const one of terms) addTimes(term, -dot(term, one) / dot(one, one), one);
    if (dot(term, term) < 1e-9) continue; // an edge of a single row or column, or none: no slope to be found
    terms.push(term);
    addTimes(plane, dot(data, term) / dot(term, term), term);
  }
  return plane;
}

function addTimes(sums, factor, values) {
  values.forEach((value, i) => (sums[i] += factor * value));
}

function median(values) {
  const ranked = values.sort((a, b) => a - b);
  return (ranked[(ranked.length - 1) >> 1] + ranked[ranked.length >> 1]) / 2;
}

// Keep what is darker than half-way between paper and ink, its soft edge, and no speck beside it.
function mainParts(ink) {
  const parts = connected(ink);
  const largest = Math.max(...parts.map((part) => part.length));
  const kept = new Float64Array(ink.data.length);
  for (const part of parts.filter((one) => one.length >= 0.1 * largest)) for (const i of part) kept[i] = 1;
  const near = strongestNear({ ...ink, data: kept }, 1, 1);
  return { ...ink, data: ink.data.map((share, i) => (near.data[i] && share > 0.1 ? share : 0)) };
}

// The places of the pixels over 0.4, those that touch, corners too, in one list.
function connected({ data, width, height }) {
  const seen = new Uint8Array(data.length);
  const parts = [];
  for (let start = 0; start < data.length; start++) {
    if (seen[start] || data[start] <= 0.4) continue;
    const part = [start];
    seen[start] = 1;
    for (const i of part) { // it grows while we go along it
      const [y, x] = [Math.floor(i / width), i % width];
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
          const next = row * width + column;
          if (seen[next] || data[next] <= 0.4) continue;
          seen[next] = 1;
          part.push(next);
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

// Each pixel becomes the largest of those from `before` pixels before it to `after` after it, in rows and in columns.
function strongestNear({ data, width, height }, before, after) {
  const result = { data: new Float64Array(data.length), width, height };
  const rows = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const x = i % width;
    for (let k = Math.max(-before, -x); k <= Math.min(after, width - 1 - x); k++) rows[i] = Math.max(rows[i], data[i + k]);
  }
  for (let i = 0; i < data.length; i++) {
    const y = Math.floor(i / width);
    for (let k = Math.max(-before, -y); k <= Math.min(after, height - 1 - y); k++) {
      result.data[i] = Math.max(result.data[i], rows[i + k * width]);
    }
  }
  return result;
}

function cropped({ data, width, height }) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  data.forEach((share, i) => {
    if (!share) return;
    const [y, x] = [Math.floor(i / width), i % width];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  });
  return moved({ data, width, height }, -left, -top, right - left, bottom - top);
}

// The picture laid on a new one of `width` x `height` zeros, its corner at (left, top).
function moved(picture, left, top, width, height) {
  const data = new picture.data.constructor(width * height);
  for (let y = Math.max(0, -top); y < picture.height && y + top < height; y++) {
    for (let x = Math.max(0, -left); x < picture.width && x + left < width; x++) {
      data[(y + top) * width + x + left] = picture.data[y * picture.width + x];
    }
  }
  return { data, width, height };
}

// Widen strokes that would be too thin once the digit is as small as MNIST's.
function thickened(ink) {
  const { data, width, height } = ink;
  const solid = (i) => data[i] > 0.5;
  let [all, outline] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    if (!solid(i)) continue;
    const [y, x] = [Math.floor(i / width), i % width];
    const border = x === 0 || y === 0 || x === width - 1 || y === height - 1;
    all++;
    if (border || ![i - 1, i + 1, i - width, i + width].every(solid)) outline++;
  }
  const wanted = (STROKE * Math.max(width, height)) / INSIDE;
  const grow = Math.trunc(wanted - (2 * all) / Math.max(1, outline));
  if (grow <= 0) return ink;
  const padded = moved(ink, grow, grow, width + 2 * grow, height + 2 * grow);
  return strongestNear(padded, Math.floor(grow / 2), Math.ceil(grow / 2));
}

// The digit as RGB, 28 x 28, its centre of mass in the middle, as far as it then still fits.
function centred(digit) {
  let [mass, down, across] = [0, 0, 0];
  digit.data.forEach((level, i) => {
    const weight = level + 1e-9; // or a digit that came out black would have no centre
    mass += weight;
    down += weight * Math.floor(i / digit.width);
    across += weight * (i % digit.width);
  });
  const corner = (centre, length) => Math.min(SIDE - length, Math.max(0, roundHalfEven((SIDE - 1) / 2 - centre)));
  const [left, top] = [corner(across / mass, digit.width), corner(down / mass, digit.height)];
  const { data } = moved(digit, left, top, SIDE, SIDE);
  return { data: Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]), width: SIDE, height: SIDE };
}
