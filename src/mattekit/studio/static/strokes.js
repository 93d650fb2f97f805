// Paints strokes into a trimap, one byte a pixel, with the same integers as the server's own rasteriser.
// A trimap is {width, height, data: Uint8Array}; every function returns the box it may have changed, or null.

const reach = new Map(); // diameter -> half-open spans of a disc, a row each

/** The closed rectangle that holds two boxes [x0, y0, x1, y1), either of which may be null. */
export function joined(one, other) {
  if (!one || !other) return one || other;
  return [
    Math.min(one[0], other[0]), Math.min(one[1], other[1]),
    Math.max(one[2], other[2]), Math.max(one[3], other[3]),
  ];
}

/** Rows [dy, from, to) of a disc of diameter d around (0, 0): (2x)^2 + (2y)^2 <= d^2, half a pixel off where d is even. */
export function disc(diameter) {
  let rows = reach.get(diameter);
  if (rows) return rows;
  rows = [];
  const odd = diameter % 2 === 0 ? 1 : 0;
  const limit = diameter * diameter;
  const half = (diameter >> 1) + 1;
  for (let y = -half; y <= half; y++) {
    const rest = limit - (2 * y + odd) ** 2;
    if (rest < 0) continue;
    let from = -half - 1;
    while (from <= half && (2 * from + odd) ** 2 > rest) from++;
    let to = from;
    while ((2 * to + odd) ** 2 <= rest) to++;
    if (to > from) rows.push([y, from, to]);
  }
  reach.set(diameter, rows);
  return rows;
}

/** Every pixel of the line between two points, both included (Bresenham). */
export function* line([x, y], [endX, endY]) {
  const dx = Math.abs(endX - x), dy = Math.abs(endY - y);
  const stepX = endX > x ? 1 : -1, stepY = endY > y ? 1 : -1;
  let error = dx - dy;
  for (;;) {
    yield [x, y];
    if (x === endX && y === endY) return;
    const twice = 2 * error;
    if (twice > -dy) { error -= dy; x += stepX; }
    if (twice < dx) { error += dx; y += stepY; }
  }
}

function row(trimap, y, from, to, value) {
  if (y < 0 || y >= trimap.height) return;
  const start = Math.max(0, from), end = Math.min(trimap.width, to);
  if (start < end) trimap.data.fill(value, y * trimap.width + start, y * trimap.width + end);
}

function clipped(trimap, box) {
  const inside = [
    Math.max(0, box[0]), Math.max(0, box[1]), Math.min(trimap.width, box[2]), Math.min(trimap.height, box[3]),
  ];
  return inside[0] < inside[2] && inside[1] < inside[3] ? inside : null;
}

function around(points, margin) {
  let box = null;
  for (const [x, y] of points) box = joined(box, [x - margin, y - margin, x + margin + 1, y + margin + 1]);
  return box;
}

/** A brush along a path of points; one point makes one dab. */
export function brush(trimap, points, diameter, value) {
  const rows = disc(diameter);
  const margin = (diameter >> 1) + 1;
  const dab = ([x, y]) => {
    if (x + margin < 0 || y + margin < 0 || x - margin > trimap.width || y - margin > trimap.height) return;
    for (const [dy, from, to] of rows) row(trimap, y + dy, x + from, x + to, value);
  };
  dab(points[0]);
  for (let index = 1; index < points.length; index++) {
    for (const point of line(points[index - 1], points[index])) dab(point);
  }
  return clipped(trimap, around(points, margin));
}

/** All pixels of the closed rectangle between two corners. */
export function box(trimap, [[x0, y0], [x1, y1]], value) {
  const edges = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1) + 1, Math.max(y0, y1) + 1];
  const inside = clipped(trimap, edges);
  if (inside) for (let y = inside[1]; y < inside[3]; y++) row(trimap, y, inside[0], inside[2], value);
  return inside;
}

/** A polygon by the even-odd rule at pixel centres, and its outline. */
export function polygon(trimap, points, value) {
  const inside = clipped(trimap, around(points, 0));
  for (let y = inside ? inside[1] : 0; inside && y < inside[3]; y++) {
    const first = crossings(points, y);
    for (let index = 0; index + 1 < first.length; index += 2) row(trimap, y, first[index], first[index + 1], value);
  }
  points.forEach((point, index) => {
    for (const [x, y] of line(point, points[(index + 1) % points.length])) row(trimap, y, x, x + 1, value);
  });
  return inside;
}

/** Where row y is crossed, rounded up to whole pixels and sorted: pixel x is left of a crossing where x < it. */
function crossings(points, y) {
  const found = [];
  points.forEach(([x0, y0], index) => {
    const [x1, y1] = points[(index + 1) % points.length];
    if ((y0 <= y) === (y1 <= y)) return;
    found.push(x0 + Math.ceil(((y - y0) * (x1 - x0)) / (y1 - y0)));
  });
  return found.sort((one, other) => one - other);
}

/** The region of equal value around a point, over its four neighbours. */
export function fill(trimap, [x, y], value) {
  const { width, height, data } = trimap;
  if (x < 0 || y < 0 || x >= width || y >= height || data[y * width + x] === value) return null;
  const old = data[y * width + x];
  const waiting = [y * width + x];
  let changed = null;
  while (waiting.length) {
    const place = waiting.pop();
    if (data[place] !== old) continue;
    const begin = place - (place % width);
    let from = place, to = place + 1;
    while (from > begin && data[from - 1] === old) from--;
    while (to < begin + width && data[to] === old) to++;
    data.fill(value, from, to);
    changed = joined(changed, [from - begin, begin / width, to - begin, begin / width + 1]);
    for (const beside of [-width, width]) {
      if (begin + beside < 0 || begin + beside >= data.length) continue;
      for (let at = from + beside; at < to + beside; at++) {
        if (data[at] === old && (at === from + beside || data[at - 1] !== old)) waiting.push(at);
      }
    }
  }
  return changed;
}

/** Paint a stroke as it goes over the wire; returns the changed box, or undefined for what only the server computes. */
export function paint(trimap, { tool, points, size, value }) {
  if (tool === "brush") return brush(trimap, points, size, value);
  if (tool === "box") return box(trimap, points, value);
  if (tool === "polygon") return polygon(trimap, points, value);
  if (tool === "fill") return fill(trimap, points[0], value);
  return undefined;
}

const table = new Uint32Array(256);
for (let index = 0; index < 256; index++) {
  let remainder = index;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  table[index] = remainder;
}

/** CRC-32 of bytes, as zlib computes it. */
export function crc32(bytes) {
  let remainder = 0xffffffff;
  for (let index = 0; index < bytes.length; index++) {
    remainder = table[(remainder ^ bytes[index]) & 255] ^ (remainder >>> 8);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
