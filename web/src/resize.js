// Grey pictures {data Uint8Array, width, height} made smaller or larger as Pillow does it, to the last level.

const BITS = 22; // of a weight's fraction, as in Pillow's Resample.c

// A filter's half width, in pixels of the coarser picture, and its weight at `x` of them from its middle.
export const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
export const BILINEAR = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };

export function resize(grey, width, height, filter) {
  // It rounds to whole levels between the two directions, so their order shows. This is Pillow's.
  const down = grey.height - height;
  if (down > 0 && down > 2 * (grey.width - width)) return inRows(inColumns(grey, height, filter), width, filter);
  return inColumns(inRows(grey, width, filter), height, filter);
}

function inRows({ data, width, height }, wanted, filter) {
  const result = new Uint8Array(wanted * height);
  for (let x = 0; x < wanted; x++) {
    const { first, weights } = reach(x, width, wanted, filter);
    for (let y = 0; y < height; y++) result[y * wanted + x] = weighed(data, y * width + first, 1, weights);
  }
  return { data: result, width: wanted, height };
}

function inColumns({ data, width, height }, wanted, filter) {
  const result = new Uint8Array(width * wanted);
  for (let y = 0; y < wanted; y++) {
    const { first, weights } = reach(y, height, wanted, filter);
    for (let x = 0; x < width; x++) result[y * width + x] = weighed(data, first * width + x, width, weights);
  }
  return { data: result, width, height: wanted };
}

function weighed(data, from, step, weights) {
  let sum = 1 << (BITS - 1);
  for (let i = 0; i < weights.length; i++) sum += weights[i] * data[from + i * step];
  return sum >> BITS;
}

// The pixels that the new pixel `place` is made of: the first one, and the weights of it and those after it.
function reach(place, length, wanted, { support, weight }) {
  const scale = length / wanted;
  const stretch = Math.max(scale, 1);
  const middle = (place + 0.5) * scale;
  const first = Math.max(0, Math.trunc(middle - support * stretch + 0.5));
  const end = Math.min(length, Math.trunc(middle + support * stretch + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) => weight((first + i - middle + 0.5) / stretch));
  const total = weights.reduce((sum, one) => sum + one, 0);
  return { first, weights: weights.map((one) => Math.trunc(0.5 + (one / total) * 2 ** BITS)) };
}
