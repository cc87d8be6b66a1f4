/* The pictures: the plane, the network, and the map of one unit. */

const media = matchMedia("(prefers-color-scheme: dark)");

/** The colours of the page at present. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    paper: get("--paper"), ink: get("--ink"), muted: get("--muted"), hairline: get("--hairline"),
    accent: get("--accent"), zero: get("--class-0"), one: get("--class-1"), dark: media.matches,
  };
}

export function onColoursChange(then) {
  media.addEventListener("change", then);
}

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

const mixed = (a, b, share) => a.map((x, i) => Math.round(x + (b[i] - x) * share));

/* 256 colours from one end through the middle to the other. They grow lighter all the way, so that
   a grey copy shows the same. */
function ramp([low, middle, high]) {
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i += 1) {
    const t = i / 127.5 - 1;
    const colour = mixed(rgb(middle), rgb(t < 0 ? low : high), Math.abs(t));
    table.set([...colour, 255], 4 * i);
  }
  return table;
}

const ENDS = {
  light: {plane: ["#6d93c2", "#c4cad0", "#ffdda6"], unit: ["#123e73", "#98a2ad", "#ffd484"]},
  dark: {plane: ["#1f4470", "#59626d", "#b98336"], unit: ["#1b4a86", "#7d8794", "#ffd079"]},
};
const ramps = {};
function rampsFor(c) {
  const name = c.dark ? "dark" : "light";
  ramps[name] ??= {plane: ramp(ENDS[name].plane), unit: ramp(ENDS[name].unit)};
  return ramps[name];
}

/** Fit a canvas to its size on the page; its context, in CSS pixels. */
export function fitted(canvas) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return {context, width: canvas.clientWidth, height: canvas.clientHeight};
}

const small = document.createElement("canvas");
let smallImage = null;

/* Squares of values 0 … 255 as a small canvas, ready to be drawn larger. */
function squares(data, offset, size, table, shift) {
  if (small.width !== size) {
    small.width = size;
    small.height = size;
    smallImage = null;
  }
  const context = small.getContext("2d");
  smallImage ??= context.createImageData(size, size);
  const words = new Uint32Array(smallImage.data.buffer);
  const colours32 = new Uint32Array(table.buffer);
  for (let i = 0; i < size * size; i += 1) words[i] = colours32[(data[offset + i] + shift) | 0];
  context.putImageData(smallImage, 0, 0);
  return small;
}

// --- the plane -----------------------------------------------------------------------------------

/** Where a place of the plane is in a canvas, and back. */
export const toPixels = (x, y, side) => [((x + 1) / 2) * side, ((1 - y) / 2) * side];
export const toPlane = (px, py, side) => [(px / side) * 2 - 1, 1 - (py / side) * 2];

export function marker(context, x, y, size, label, filled, c, own) {
  context.beginPath();
  if (label === 0) {
    context.arc(x, y, size, 0, 2 * Math.PI);
  } else {
    const r = size * 1.25;
    context.moveTo(x, y - r);
    context.lineTo(x + r * 0.95, y + r * 0.75);
    context.lineTo(x - r * 0.95, y + r * 0.75);
    context.closePath();
  }
  const colour = label === 0 ? c.zero : c.one;
  context.lineWidth = 1;
  if (filled) {
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = label === 0 || c.dark ? c.paper : c.ink;
  } else {
    context.fillStyle = c.paper;
    context.fill();
    context.strokeStyle = c.dark || label === 0 ? colour : "#8a4a00";
    context.lineWidth = 1.6;
  }
  context.stroke();
  if (own) {
    context.beginPath();
    context.arc(x, y, size * 2, 0, 2 * Math.PI);
    context.strokeStyle = c.ink;
    context.lineWidth = 1;
    context.stroke();
  }
}

/* The line where the decision is 0.5, in the squares of the grid (marching squares). */
function boundary(context, data, size, side) {
  const at = (i, j) => data[j * size + i] - 0.5;
  const place = (i) => ((i + 0.5) / size) * side;
  context.beginPath();
  for (let j = 0; j + 1 < size; j += 1) {
    for (let i = 0; i + 1 < size; i += 1) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const values = corners.map(([a, b]) => at(a, b));
      const cuts = [];
      for (let k = 0; k < 4; k += 1) {
        const [v, w] = [values[k], values[(k + 1) % 4]];
        if (v < 0 === w < 0) continue;
        const t = v / (v - w);
        const [a, b] = [corners[k], corners[(k + 1) % 4]];
        cuts.push([place(a[0] + (b[0] - a[0]) * t), place(a[1] + (b[1] - a[1]) * t)]);
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        context.moveTo(...cuts[k]);
        context.lineTo(...cuts[k + 1]);
      }
    }
  }
  context.stroke();
}

/** Draw the plane: decision, boundary, points, and the cross of the keyboard. */
export function drawPlane(canvas, view) {
  const {context, width: side} = fitted(canvas);
  const c = colours();
  context.clearRect(0, 0, side, side);
  const {decision, train, test} = view;
  if (decision) {
    const size = decision.shape[0];
    const image = squares(decision.data.map((share) => 255 * share), 0, size, rampsFor(c).plane, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, side, side);
    context.strokeStyle = c.ink;
    context.lineWidth = 1.8;
    boundary(context, decision.data, size, side);
  }
  const radius = Math.max(2.2, Math.min(4.2, side / 110));
  const count = view.count.train;
  const points = (plane, labels, filled, first) => {
    if (!plane) return;
    for (let n = 0; n < labels.data.length; n += 1) {
      const [x, y] = toPixels(plane.data[2 * n], plane.data[2 * n + 1], side);
      marker(context, x, y, radius, labels.data[n], filled, c, filled && n >= first);
    }
  };
  points(test, view.testLabels, false, 0);
  points(train, view.trainLabels, true, count);
  if (view.cross) {
    const [x, y] = toPixels(...view.cross, side);
    for (const [colour, wide] of [[c.paper, 4], [c.ink, 1.6]]) {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.beginPath();
      context.moveTo(x - 11, y);
      context.lineTo(x + 11, y);
      context.moveTo(x, y - 11);
      context.lineTo(x, y + 11);
      context.stroke();
    }
  }
}

// --- the network ---------------------------------------------------------------------------------

/** Where the units stand: for each column [{x, y, side}], the inputs first. */
export function placesOf(counts, width, height) {
  const columns = counts.length;
  const top = 20;
  const room = height - top - 6;
  const largest = Math.max(4, Math.min(44, ((width - 8) / columns) * 0.62));
  const wide = (width - largest - 8) / Math.max(1, columns - 1);
  return counts.map((count, i) => {
    const pitch = Math.min(room / count, largest * 1.5);
    const side = Math.max(2, Math.min(largest, pitch - (pitch > 12 ? 4 : 1)));
    const first = top + (room - pitch * count) / 2 + pitch / 2;
    const x = 4 + largest / 2 + wide * i;
    return Array.from({length: count}, (_, k) => ({x, y: first + k * pitch, side}));
  });
}

const WIDTHS = 6;
const MOST_LINES = 700; // of a layer; the largest weights have one

/* The size below which weights have no line. */
function smallest(data, most) {
  if (data.length <= MOST_LINES) return 0.03 * most;
  const sizes = data.map(Math.abs).sort();
  return Math.max(sizes[sizes.length - MOST_LINES], 0.03 * most);
}

/* The lines of one layer, all of one width and sign at once. */
function lines(context, weights, from, to, c, chosen, column) {
  const [rows, inputs] = weights.shape;
  let most = 0;
  for (const w of weights.data) if (Math.abs(w) > most && Number.isFinite(w)) most = Math.abs(w);
  const least = smallest(weights.data, most);
  const buckets = new Map();
  for (let k = 0; k < rows; k += 1) {
    for (let j = 0; j < inputs; j += 1) {
      const w = weights.data[k * inputs + j];
      const share = most > 0 && Number.isFinite(w) ? Math.abs(w) / most : 0;
      const near = chosen && ((chosen[0] === column && chosen[1] === k)
        || (chosen[0] === column - 1 && chosen[1] === j));
      if (!(Math.abs(w) >= least || near)) continue;
      const key = `${Math.min(WIDTHS - 1, Math.floor(share * WIDTHS))}${w < 0 ? "-" : "+"}${near ? "!" : ""}`;
      if (!buckets.has(key)) buckets.set(key, []);
      buckets.get(key).push([j, k]);
    }
  }
  const crowded = rows * inputs > 150;
  const keys = [...buckets.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const key of keys) {
    const level = (Number(key[0]) + 0.5) / WIDTHS;
    const near = key.length > 2;
    context.strokeStyle = key[1] === "-" ? c.zero : c.one;
    context.setLineDash(key[1] === "-" ? [5, 3] : []);
    context.lineWidth = (crowded ? 0.35 : 0.6) + level * (crowded ? 2.2 : 4) + (near ? 0.9 : 0);
    const faint = chosen ? 0.25 : 1;
    context.globalAlpha = near ? 1 : faint * (crowded ? 0.12 + 0.75 * level * level : 0.3 + 0.6 * level);
    context.beginPath();
    for (const [j, k] of buckets.get(key)) {
      const [a, b] = [from[j], to[k]];
      context.moveTo(a.x + a.side / 2, a.y);
      const bend = (b.x - a.x) / 2.4;
      context.bezierCurveTo(a.x + bend, a.y, b.x - bend, b.y, b.x - b.side / 2, b.y);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/** The weight [layer, unit, source] whose line passes nearest to a place, or null. */
export function nearestWeight(view, places, x, y) {
  let best = null;
  view.weights.forEach((weights, i) => {
    const [rows, inputs] = weights.shape;
    let most = 0;
    for (const w of weights.data) most = Math.max(most, Math.abs(w) || 0);
    const least = smallest(weights.data, most);
    const [left, right] = [places[i][0].x, places[i + 1][0].x];
    if (x < left || x > right) return;
    for (let k = 0; k < rows; k += 1) {
      for (let j = 0; j < inputs; j += 1) {
        if (!(Math.abs(weights.data[k * inputs + j]) >= least)) continue;
        const [a, b] = [places[i][j], places[i + 1][k]];
        for (let n = 0; n <= 24; n += 1) {
          const [px, py] = onLine(a, b, n / 24);
          const off = Math.hypot(px - x, py - y);
          if (off < 6 && (!best || off < best[0])) best = [off, i, k, j];
        }
      }
    }
  });
  return best && best.slice(1);
}

/* A place on the line from one unit to another, 0 at its beginning and 1 at its end. */
function onLine(a, b, t) {
  const bend = (b.x - a.x) / 2.4;
  const xs = [a.x + a.side / 2, a.x + bend, b.x - bend, b.x - b.side / 2];
  const ys = [a.y, a.y, b.y, b.y];
  const s = 1 - t;
  const parts = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  const along = (values) => values.reduce((sum, value, i) => sum + parts[i] * value, 0);
  return [along(xs), along(ys)];
}

/** Draw the network: a map in each unit, and the weights between. */
export function drawNetwork(canvas, view) {
  const {context, width, height} = fitted(canvas);
  const c = colours();
  context.clearRect(0, 0, width, height);
  if (!view.maps.length) return null;
  const counts = [view.features.length, ...view.maps.map((maps) => maps.shape[0])];
  const places = placesOf(counts, width, height);
  view.weights.forEach((weights, i) => {
    lines(context, weights, places[i], places[i + 1], c, view.unit && [view.unit[0], view.unit[1]], i);
  });
  const table = rampsFor(c).unit;
  context.imageSmoothingEnabled = true;
  places.forEach((column, i) => {
    column.forEach((place, k) => {
      const left = place.x - place.side / 2;
      const top = place.y - place.side / 2;
      if (i === 0) {
        drawFeature(context, view.features[k], left, top, place.side, table, c);
      } else {
        const maps = view.maps[i - 1];
        const size = maps.shape[1];
        const image = squares(maps.data, k * size * size, size, table, 128);
        context.drawImage(image, left, top, place.side, place.side);
      }
      const chosen = view.unit && view.unit[0] === i - 1 && view.unit[1] === k;
      context.strokeStyle = chosen ? c.ink : c.muted;
      context.lineWidth = chosen ? 3 : 0.8;
      context.strokeRect(left, top, place.side, place.side);
    });
  });
  context.fillStyle = c.muted;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "top";
  const wide = width / counts.length;
  const names = counts.map((count, i) => {
    if (i === 0) return wide < 52 ? "in" : "inputs";
    if (i === counts.length - 1) return wide < 52 ? "out" : "outputs";
    return wide < 64 ? `${count}` : `layer ${i}: ${count}`;
  });
  names.forEach((name, i) => {
    const half = context.measureText(name).width / 2;
    const x = Math.min(Math.max(places[i][0].x, half + 1), width - half - 1);
    context.textAlign = "center";
    context.fillText(name, x, 2);
  });
  return places;
}

const FEATURES = {
  x: (x) => x, y: (x, y) => y, xx: (x) => x * x, yy: (x, y) => y * y, xy: (x, y) => x * y,
  sinx: (x) => Math.sin(Math.PI * x), siny: (x, y) => Math.sin(Math.PI * y),
};
export const FEATURE_NAMES = {
  x: "x", y: "y", xx: "x²", yy: "y²", xy: "xy", sinx: "sin πx", siny: "sin πy",
};
const featureMaps = {};
function featureMap(name, size) {
  featureMaps[name] ??= Int8Array.from({length: size * size}, (_, n) => {
    const x = (2 * (n % size) + 1) / size - 1;
    const y = 1 - (2 * Math.floor(n / size) + 1) / size;
    return Math.round(127 * FEATURES[name](x, y));
  });
  return featureMaps[name];
}

function drawFeature(context, name, left, top, side, table, c) {
  context.drawImage(squares(featureMap(name, 16), 0, 16, table, 128), left, top, side, side);
  if (side < 22) return;
  context.font = `${Math.round(Math.min(13, side / 3))}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const text = FEATURE_NAMES[name];
  context.lineWidth = 3;
  context.strokeStyle = c.paper;
  context.strokeText(text, left + side / 2, top + side / 2);
  context.fillStyle = c.ink;
  context.fillText(text, left + side / 2, top + side / 2);
}

/** Draw the large map of one unit, with the points pale on it. */
export function drawUnit(canvas, view) {
  const {context, width: side} = fitted(canvas);
  const c = colours();
  context.clearRect(0, 0, side, side);
  const map = view.focus ?? (view.feature ? {shape: [16, 16], data: featureMap(view.feature, 16)} : null);
  if (!map) return;
  const image = squares(map.data, 0, map.shape[0], rampsFor(c).unit, 128);
  context.imageSmoothingEnabled = true;
  context.drawImage(image, 0, 0, side, side);
}

/** A little picture for a key: a marker. */
export function keyMarker(label, filled, own) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  canvas.className = "key-marker";
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  marker(context, 10, 10, 4, label, filled, colours(), own);
  return canvas;
}
