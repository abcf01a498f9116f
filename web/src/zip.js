// A zip of files that are stored as they are: photos are compressed already. PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

export function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ TABLE[(sum ^ byte) & 0xff];
  return (sum ^ 0xffffffff) >>> 0;
}

// `files`: [name in ASCII, Uint8Array] each; up to 65,535 of them and 4 GB in all. The date is that of no file: 1980.
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, data] of files) {
    const path = new TextEncoder().encode(name);
    const shared = [20, 2, 0, 2, 0, 2, 0, 2, 0x21, 2, crc32(data), 4, data.length, 4, data.length, 4, path.length, 2, 0, 2];
    parts.push(fields(0x04034b50, 4, ...shared), path, data);
    directory.push(fields(0x02014b50, 4, 20, 2, ...shared, 0, 2, 0, 2, 0, 2, 0, 4, offset, 4), path);
    offset += 30 + path.length + data.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  const end = fields(0x06054b50, 4, 0, 2, 0, 2, files.length, 2, files.length, 2, size, 4, offset, 4, 0, 2);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

// Little-endian numbers, each with its bytes.
function fields(...pairs) {
  const sizes = pairs.filter((_, place) => place % 2);
  const view = new DataView(new ArrayBuffer(sizes.reduce((sum, size) => sum + size)));
  let at = 0;
  for (let place = 0; place < pairs.length; place += 2) {
    const [value, size] = [pairs[place], pairs[place + 1]];
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}
