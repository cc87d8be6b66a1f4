/* The playground's page: controls, the loop that asks for the next frame, and what is shown.

   The server trains; the page asks for a frame when it has drawn the one before, at most twenty
   times a second, and not at all while it is hidden. So nothing queues up, however slow it is. */

import {AWAY, Away, answers, command} from "/static/frames.js";
import {
  FEATURE_NAMES, drawNetwork, drawPlane, drawUnit, keyMarker, nearestWeight, onColoursChange, toPlane,
} from "/static/drawing.js";
import {showExplanation} from "/static/explained.js";
import {readHash, writeHash} from "/static/address.js";

const $ = (id) => document.getElementById(id);
const charts = globalThis.dlframeCharts;
const format = charts.format;
const short = (value) => (value === null ? "–" : format(Number(value.toPrecision(4))));
const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);

const PAUSE = 50; // milliseconds between updates: twenty a second
const BEAT = 2000; // milliseconds between looks for the server while nothing is asked of it
const CHART_PAUSE = 250; // a chart is read, not watched
const SPEEDS = [
  ["a batch each second", {steps: 1}, 1000],
  ["a batch in each update", {steps: 1}, PAUSE],
  ["5 batches in each update", {steps: 5}, PAUSE],
  ["an epoch in each update", {epochs: 1}, PAUSE],
  ["5 epochs in each update", {epochs: 5}, PAUSE],
  ["25 epochs in each update", {epochs: 25}, PAUSE],
];

let choices = null;
let settings = null; // of the last frame
let wanted = null; // with the changes that are under way
let changes = 0;
let id = null; // of the session
let running = false;
let away = false; // nobody answers
let numbers = null;
let history = null;
let tool = "0";
let sample = 0;
const view = {
  decision: null, train: null, trainLabels: null, test: null, testLabels: null,
  count: {train: 0}, cross: null, maps: [], scales: [], weights: [], biases: [], features: [],
  unit: null, focus: null, feature: null,
};
const timing = {updates: 0, began: 0, draw: 0, wait: 0}; // read by the tests
globalThis.playground = {timing, state: () => ({settings, numbers, history, running})};

// --- messages ------------------------------------------------------------------------------------

const unmarked = (sentence) => sentence.replace(/^playground: /, "");

function say(sentence) {
  const shown = unmarked(sentence).replace(/^\w+/, (name) => LABELS[name] ?? name);
  $("message").textContent = shown.charAt(0).toUpperCase() + shown.slice(1);
  $("message").hidden = !sentence;
}

/* One after the other, so that answers come in the order of the questions. */
let last = Promise.resolve();
function inOrder(ask) {
  const next = last.then(ask);
  last = next.catch(() => {});
  return next;
}

async function send(path, body = {}) {
  const known = {since: history?.epoch.at(-1) ?? undefined, drawn: numbers?.drawn};
  return command(path, {id, focus: view.unit && view.unit[0] >= 0 ? view.unit : null, ...known, ...body});
}

/* Ask for a frame and show it; what is refused is said. */
function ask(path, body) {
  return inOrder(async () => {
    try {
      const before = performance.now();
      const frame = await send(path, body);
      timing.wait += performance.now() - before;
      take(frame);
      return frame;
    } catch (error) {
      pause();
      away = error instanceof Away;
      say(error.message);
      return null;
    }
  });
}

/* Say that the server is gone also while nothing is asked of it, and go on when it is back. */
async function beat() {
  if (id && !document.hidden && !running) await inOrder(look);
  setTimeout(beat, BEAT);
}

async function look() {
  if (!(await answers())) {
    away = true;
    say(AWAY);
    return;
  }
  if (!away) return;
  away = false;
  try {
    take(await send("/api/frame"));
    say("");
  } catch (error) {
    if (error instanceof Away) away = true;
    else await again();
  }
}

/* The server was started anew and knows no network of this page: begin with the same settings. */
async function again() {
  try {
    await open(settings);
    say("The server was started again, so the training began again, with the same settings.");
  } catch (error) {
    away = error instanceof Away;
    say(error.message);
  }
}

// --- frames --------------------------------------------------------------------------------------

let due = false;
let chartDrawn = 0;

function take({numbers: found, arrays}) {
  const began = numbers === null || found.began || found.id;
  numbers = found;
  if (found.id) id = found.id;
  if (began) history = found.history;
  else for (const name of Object.keys(history)) history[name].push(...found.history[name]);
  if (history.epoch.length > 4000) thin(history);
  settings = found.settings;
  if (changes === 0) wanted = settings;
  view.features = settings.features;
  view.decision = arrays.decision;
  const layers = found.layers.length;
  for (const name of ["maps", "scales", "weights", "biases"]) {
    view[name] = Array.from({length: layers}, (_, i) => arrays[`${name}${i}`]);
  }
  if (arrays.train) {
    [view.train, view.trainLabels] = [arrays.train, arrays.train_labels];
    [view.test, view.testLabels] = [arrays.test, arrays.test_labels];
    view.count.train = view.trainLabels.data.length - settings.own.length;
  }
  view.focus = arrays.focus ?? null;
  if (view.unit && !exists(view.unit)) choose(null);
  if (found.stopped) {
    pause();
    say(found.stopped);
  } else if (found.began || found.made) {
    say("");
  }
  soon();
}

/* Every second row, but for the first and the last. */
function thin(rows) {
  const count = rows.epoch.length;
  for (const name of Object.keys(rows)) {
    rows[name] = rows[name].filter((_, i) => i % 2 === 0 || i === count - 1);
  }
}

/* Draw before the next picture of the screen; several frames before it are drawn once. */
function soon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    draw();
  });
}

let places = null;

function draw() {
  if (!numbers) return;
  const before = performance.now();
  drawPlane($("plane"), view);
  places = drawNetwork($("network"), view);
  drawUnit($("unit-map"), view);
  showNumbers();
  const now = performance.now();
  if (!running || now - chartDrawn > CHART_PAUSE) {
    chartDrawn = now;
    showChart();
    showLayers();
  }
  timing.draw += performance.now() - before;
}

function showNumbers() {
  if (!numbers) return;
  const measures = numbers.measures;
  const texts = {
    "n-epoch": format(numbers.epoch), "n-step": format(numbers.step),
    "n-train": short(measures.train_loss), "n-test": short(measures.test_loss),
    "n-train-accuracy": percent(measures.train_accuracy),
    "n-test-accuracy": percent(measures.test_accuracy),
  };
  for (const [name, text] of Object.entries(texts)) $(name).textContent = text;
  if (view.unit) describeUnit();
}

let chart = null;

function showChart() {
  const x = history.epoch;
  const series = [{name: "training", x, y: history.train_loss}];
  if (settings.test_share > 0 && settings.data !== "own") {
    series.push({name: "test", x, y: history.test_loss});
  }
  const options = {series, xLabel: "epoch", yLabel: "loss", label: "Loss by epoch", height: 200};
  if (chart) chart.update(options);
  else chart = charts.line($("loss-chart"), options);
}

function showLayers() {
  const body = $("layer-bars");
  const most = (name) => Math.max(...numbers.layers.map((layer) => layer[name] ?? 0), 1e-30);
  const largest = {gradient: most("gradient"), update: most("update")};
  if (body.children.length !== numbers.layers.length) {
    body.replaceChildren(...numbers.layers.map(() => layerRow()));
  }
  numbers.layers.forEach((layer, i) => {
    const cells = body.children[i].children;
    cells[0].textContent = layer.name;
    ["gradient", "update"].forEach((name, k) => {
      const share = layer[name] === null ? 0 : layer[name] / largest[name];
      const [svg, text] = cells[k + 1].firstChild.children;
      svg.lastChild.setAttribute("width", `${(100 * share).toFixed(2)}%`);
      text.textContent = layer[name] === null ? "–" : layer[name].toPrecision(2);
    });
  });
}

const SVG = "http://www.w3.org/2000/svg";

function layerRow() {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  row.append(head);
  for (let k = 0; k < 2; k += 1) {
    const cell = document.createElement("td");
    const inner = document.createElement("div");
    inner.className = "bar-cell";
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    for (const name of ["rail", "share"]) {
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("class", name);
      rect.setAttribute("width", "100%");
      rect.setAttribute("height", "100%");
      rect.setAttribute("rx", "2");
      svg.append(rect);
    }
    inner.append(svg, document.createElement("b"));
    cell.append(inner);
    row.append(cell);
  }
  return row;
}

// --- training ------------------------------------------------------------------------------------

let timer = 0;

function run() {
  if (running || numbers?.stopped) return;
  running = true;
  Object.assign(timing, {updates: 0, began: performance.now(), draw: 0, wait: 0});
  showRunning();
  update();
}

function pause() {
  if (!running) return;
  running = false;
  clearTimeout(timer);
  showRunning();
  soon();
}

function showRunning() {
  $("run").textContent = running ? "Pause" : "Run";
}

async function update() {
  const began = performance.now();
  const [, how, rest] = SPEEDS[$("speed").value];
  await ask("/api/frame", how);
  timing.updates += 1;
  if (!running) return;
  timer = setTimeout(next, Math.max(0, rest - (performance.now() - began)));
}

/* The next update: when the frame before it has been drawn, and the page can be seen. */
function next() {
  if (!running) return;
  if (document.hidden || due) requestAnimationFrame(next);
  else update();
}

/* Changes add up while answers are under way; what was refused is as it was. */
function change(more) {
  wanted = {...wanted, ...more};
  changes += 1;
  const body = {settings: wanted};
  return ask("/api/change", body).then((frame) => {
    changes -= 1;
    if (frame === null && numbers) wanted = numbers.settings;
    if (changes === 0) {
      if (frame !== null) writeHash(settings, choices.defaults);
      showSettings();
    }
    return frame;
  });
}

// --- controls ------------------------------------------------------------------------------------

const LABELS = {
  data: "Data set", points: "Number of points", noise: "Noise", test_share: "Share of test points",
  activation: "Activation", init: "Initial weights", loss: "Loss", optimizer: "Optimizer",
  lr: "Learning rate", batch_size: "Batch size", l1: "L1", l2: "L2", weight_decay: "Weight decay",
  dropout: "Dropout", batch_norm: "Batch normalization", seed: "Seed",
};
const DATA_NAMES = {own: "own points only", xor: "XOR"};
const STEPS = {noise: 0.01, test_share: 0.05, dropout: 0.05, points: 10};
const LOWEST = {points: 10};
const HIGHEST = {noise: 0.5};
const refresh = []; // what shows a setting

function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside);
  return made;
}

function selectControl(name) {
  const select = element("select", {id: `s-${name}`});
  for (const choice of choices.choices[name]) {
    select.append(element("option", {value: choice}, DATA_NAMES[choice] ?? choice));
  }
  select.addEventListener("change", () => change({[name]: select.value}));
  refresh.push(() => { select.value = settings[name]; });
  return element("div", {class: "control"}, label(name), select);
}

const typing = new Set(); // fields with a text that is not taken yet

/* Call when what was typed is taken; until then no answer of the server writes into the field. */
function typed(input, then) {
  input.addEventListener("input", () => typing.add(input));
  input.addEventListener("change", () => {
    typing.delete(input);
    then();
  });
  input.addEventListener("blur", () => typing.delete(input));
}

const label = (name) => element("label", {for: `s-${name}`}, LABELS[name]);

function rangeControl(name) {
  const [low, high] = choices.limits[name];
  const input = element("input", {
    type: "range", id: `s-${name}`, min: LOWEST[name] ?? low, max: HIGHEST[name] ?? high,
    step: STEPS[name],
  });
  const output = element("output", {for: `s-${name}`});
  let wait = 0;
  input.addEventListener("input", () => {
    output.textContent = input.value;
    clearTimeout(wait);
    wait = setTimeout(() => {
      wait = 0;
      change({[name]: Number(input.value)});
    }, 120);
  });
  refresh.push(() => {
    if (wait) return;
    input.value = settings[name];
    output.textContent = String(settings[name]);
  });
  return element("div", {class: "control"}, label(name), output, input);
}

function numberControl(name, list = []) {
  const [low, high] = choices.limits[name];
  const input = element("input", {
    type: "number", id: `s-${name}`, min: low, max: high, step: "any", inputmode: "decimal",
  });
  const parts = [label(name), input];
  if (list.length) {
    input.setAttribute("list", `l-${name}`);
    parts.push(element("datalist", {id: `l-${name}`}, ...list.map((n) => element("option", {value: n}))));
  }
  typed(input, () => {
    if (input.value === "") {
      say(`${LABELS[name]} is a number.`);
      input.value = settings[name];
    } else {
      change({[name]: Number(input.value)});
    }
  });
  refresh.push(() => {
    const same = input.value !== "" && Number(input.value) === settings[name]; // 1e-3 stays so
    if (!typing.has(input) && !same) input.value = settings[name];
  });
  return element("div", {class: "control"}, ...parts);
}

function checkControl(name) {
  const input = element("input", {type: "checkbox", id: `s-${name}`});
  input.addEventListener("change", () => change({[name]: input.checked}));
  refresh.push(() => { input.checked = settings[name]; });
  return element("div", {class: "control check"}, input, label(name));
}

function featureControl() {
  const boxes = choices.choices.features.map((name) => {
    const box = element("input", {type: "checkbox", value: name});
    box.addEventListener("change", () => {
      const chosen = [...fieldset.querySelectorAll("input")].filter((b) => b.checked);
      change({features: chosen.map((b) => b.value)});
    });
    refresh.push(() => { box.checked = settings.features.includes(name); });
    return element("label", {}, box, FEATURE_NAMES[name]);
  });
  const fieldset = element("fieldset", {}, element("legend", {}, "Inputs of the network"),
    element("div", {class: "features"}, ...boxes));
  return fieldset;
}

function layersControl() {
  const place = $("c-layers");
  const fewer = element("button", {"aria-label": "One hidden layer less"}, "−");
  const more = element("button", {"aria-label": "One hidden layer more"}, "+");
  const count = element("span");
  const units = element("span", {class: "layers"});
  fewer.addEventListener("click", () => change({layers: wanted.layers.slice(0, -1)}));
  more.addEventListener("click", () =>
    change({layers: [...wanted.layers, wanted.layers.at(-1) ?? 8]}));
  place.append(fewer, count, more, units);
  refresh.push(() => {
    const n = settings.layers.length;
    count.textContent = `${n} hidden ${n === 1 ? "layer" : "layers"}`;
    fewer.disabled = n === 0;
    more.disabled = n === choices.most_layers;
    while (units.children.length > n) units.lastChild.remove();
    while (units.children.length < n) {
      const i = units.children.length;
      const input = element("input", {
        type: "number", min: 1, max: choices.most_units, step: 1, "aria-label": `Units of layer ${i + 1}`,
      });
      typed(input, () => {
        const layers = [...wanted.layers];
        layers[i] = Number(input.value);
        change({layers});
      });
      units.append(input);
    }
    settings.layers.forEach((size, i) => {
      if (!typing.has(units.children[i])) units.children[i].value = size;
    });
  });
}

function makeControls() {
  $("c-data").append(selectControl("data"), rangeControl("points"), rangeControl("noise"),
    rangeControl("test_share"), numberControl("seed"), featureControl());
  $("c-training").append(selectControl("activation"), selectControl("init"), selectControl("loss"),
    selectControl("optimizer"),
    numberControl("lr", ["0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "10"]),
    numberControl("batch_size", ["1", "8", "16", "32", "64", "128"]),
    numberControl("l1", ["0", "0.0001", "0.001", "0.01"]),
    numberControl("l2", ["0", "0.0001", "0.001", "0.01"]),
    numberControl("weight_decay", ["0", "0.0001", "0.001", "0.01", "0.1"]),
    rangeControl("dropout"), checkControl("batch_norm"));
  layersControl();
  SPEEDS.forEach(([name], i) => $("speed").append(element("option", {value: i}, name)));
  $("speed").value = 3;
  for (const lesson of choices.lessons) {
    const begin = element("button", {class: "lesson"}, lesson.title);
    begin.addEventListener("click", () => {
      pause();
      change({...lesson.settings});
    });
    $("lessons").append(element("li", {}, begin, element("span", {}, lesson.task)));
  }
  $("run").addEventListener("click", () => (running ? pause() : run()));
  $("step").addEventListener("click", () => { pause(); ask("/api/frame", {steps: 1}); });
  $("epoch").addEventListener("click", () => { pause(); ask("/api/frame", {epochs: 1}); });
  $("reset").addEventListener("click", () => { pause(); ask("/api/reset"); });
  $("defaults").addEventListener("click", () => { pause(); change({...choices.defaults}); });
  $("no-own").addEventListener("click", () => change({own: []}));
  for (const radio of document.getElementsByName("tool")) {
    radio.addEventListener("change", () => { if (radio.checked) tool = radio.value; });
  }
  document.addEventListener("keydown", (event) => {
    if (event.altKey && event.key.toLowerCase() === "r") {
      event.preventDefault();
      $("run").click();
    }
  });
}

function showSettings() {
  for (const show of refresh) show();
  const n = settings.own.length;
  $("n-own").textContent = n === 0 ? "" : `${n} of your own`;
  $("no-own").disabled = n === 0;
  showKey();
  if (!$("code").hidden) showCode();
}

function showKey() {
  const parts = [[0, true, "circle, label 0"], [1, true, "triangle, label 1"]];
  if (settings.test_share > 0 && settings.data !== "own") parts.push([0, false, "hollow: for the test"]);
  $("plane-key").replaceChildren(...parts.map(([kind, filled, text]) =>
    element("span", {}, keyMarker(kind, filled, false), text)));
}

// --- the plane -----------------------------------------------------------------------------------

const rounded = (x) => Math.round(Math.max(-1, Math.min(1, x)) * 1000) / 1000;

function put(x, y, kind) {
  change({own: [...wanted.own, [rounded(x), rounded(y), kind]]});
}

function remove(x, y) {
  const distances = wanted.own.map(([a, b]) => Math.hypot(a - x, b - y));
  const nearest = distances.indexOf(Math.min(...distances));
  if (nearest < 0 || distances[nearest] > 0.15) {
    $("plane-says").textContent = "None of your own points is near.";
    return;
  }
  change({own: wanted.own.filter((_, i) => i !== nearest)});
}

function watchPlane() {
  const canvas = $("plane");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return toPlane(event.clientX - box.left, event.clientY - box.top, box.width);
  };
  canvas.addEventListener("click", (event) => {
    const [x, y] = place(event);
    if (tool === "remove") remove(x, y);
    else put(x, y, Number(tool));
  });
  canvas.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const [x, y] = place(event);
    put(x, y, tool === "1" ? 0 : 1);
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) view.cross ??= [0, 0];
    soon();
  });
  canvas.addEventListener("blur", () => { view.cross = null; soon(); });
  const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    view.cross ??= [0, 0];
    const [x, y] = view.cross;
    if (event.key in moves) {
      const step = event.shiftKey ? 0.2 : 0.04;
      const [dx, dy] = moves[event.key];
      view.cross = [rounded(x + dx * step), rounded(y + dy * step)];
      sayCross();
      soon();
    } else if (event.key === "1" || event.key === "2") {
      put(x, y, Number(event.key) - 1);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      remove(x, y);
    } else {
      return;
    }
    event.preventDefault();
  });
}

function sayCross() {
  const [x, y] = view.cross;
  const size = view.decision.shape[0];
  const column = Math.min(size - 1, Math.floor(((x + 1) / 2) * size));
  const line = Math.min(size - 1, Math.floor(((1 - y) / 2) * size));
  const share = view.decision.data[line * size + column];
  const kind = share >= 0.5 ? "triangle" : "circle";
  const sure = Math.round(100 * Math.max(share, 1 - share));
  $("plane-says").textContent = `At ${x.toFixed(2)}, ${y.toFixed(2)}: ${kind}, ${sure} %.`;
}

// --- units ---------------------------------------------------------------------------------------

function exists([layer, unit]) {
  if (layer < 0) return unit < view.features.length;
  return layer < view.maps.length && unit < view.maps[layer].shape[0];
}

const unitName = ([layer, unit]) => {
  if (layer < 0) return `Input ${FEATURE_NAMES[view.features[unit]]}`;
  if (layer === view.maps.length - 1) return `Output ${unit}`;
  return `Layer ${layer + 1}, unit ${unit + 1}`;
};

/* Choose a unit [layer, unit]; layer -1 are the inputs. */
function choose(unit) {
  const same = unit && view.unit && unit[0] === view.unit[0] && unit[1] === view.unit[1];
  if (same) return;
  view.unit = unit;
  view.focus = null;
  view.feature = unit && unit[0] < 0 ? view.features[unit[1]] : null;
  $("explain").disabled = !unit || unit[0] < 0;
  if (!unit) {
    $("unit-name").textContent = "No unit is chosen";
    $("network-says").textContent = "Point at a unit, or choose one with the keyboard.";
  } else {
    describeUnit();
    if (unit[0] >= 0 && !running) ask("/api/frame", {});
  }
  soon();
}

function describeUnit() {
  const [layer, unit] = view.unit;
  $("unit-name").textContent = unitName(view.unit);
  $("unit-map").setAttribute("aria-label", `Map of ${unitName(view.unit)}`);
  if (layer < 0) {
    $("network-says").textContent = "What the network gets of each place of the plane.";
    return;
  }
  const weights = view.weights[layer];
  const inputs = weights.shape[1];
  const own = Array.from(weights.data.subarray(unit * inputs, (unit + 1) * inputs));
  const order = own.map((_, j) => j).sort((a, b) => Math.abs(own[b]) - Math.abs(own[a]));
  const strongest = order.slice(0, 3).map((j) =>
    `${unitName([layer - 1, j]).replace("Layer ", "layer ").replace("Input ", "")} (${short(own[j])})`);
  $("network-says").textContent = `Bias ${short(view.biases[layer].data[unit])}. Largest output `
    + `${short(view.scales[layer].data[unit])}. Strongest from ${strongest.join("; ")}.`;
}

function watchNetwork() {
  const canvas = $("network");
  const nearest = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    (places ?? []).forEach((column, i) => column.forEach((place, k) => {
      const off = Math.max(Math.abs(place.x - x), Math.abs(place.y - y));
      if (off < Math.max(place.side / 2 + 3, 8) && (!best || off < best[0])) best = [off, i - 1, k];
    }));
    return best && [best[1], best[2]];
  };
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") {
      const unit = nearest(event);
      if (unit) choose(unit);
    }
  });
  canvas.addEventListener("click", (event) => {
    const unit = nearest(event);
    const box = canvas.getBoundingClientRect();
    const weight = unit || !places ? null
      : nearestWeight(view, places, event.clientX - box.left, event.clientY - box.top);
    choose(weight ? weight.slice(0, 2) : unit);
    if (weight && !numbers.stopped) explain(weight[2]);
  });
  canvas.addEventListener("dblclick", () => { if (!$("explain").disabled) explain(); });
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !view.maps.length) return;
    const [layer, unit] = view.unit ?? [0, 0];
    const count = (i) => (i < 0 ? view.features.length : view.maps[i].shape[0]);
    let next = null;
    if (event.key === "ArrowDown") next = [layer, Math.min(unit + 1, count(layer) - 1)];
    else if (event.key === "ArrowUp") next = [layer, Math.max(unit - 1, 0)];
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const to = Math.max(-1, Math.min(view.maps.length - 1, layer + (event.key === "ArrowRight" ? 1 : -1)));
      next = [to, Math.min(count(to) - 1, Math.round((unit / Math.max(1, count(layer) - 1)) * (count(to) - 1)))];
    } else if (event.key === "Enter" && !$("explain").disabled) {
      explain();
      event.preventDefault();
      return;
    } else {
      return;
    }
    event.preventDefault();
    if (!view.unit) next = [0, 0];
    choose(next);
  });
  canvas.addEventListener("focus", () => {
    if (!view.unit && canvas.matches(":focus-visible")) choose([0, 0]);
  });
}

// --- explaining ----------------------------------------------------------------------------------

function explain(source = null, keep = false) {
  pause();
  const [layer, unit] = view.unit;
  if (!keep) sample = 0;
  return inOrder(async () => {
    try {
      const found = await command("/api/explain", {id, layer, unit, source, sample});
      const names = (i, k) => unitName([i, k]);
      $("explained").hidden = false;
      showExplanation($("explained-body"), found, {
        names, layer, unit, source, sample,
        onSource: (j) => explain(j, true),
        onSample: (n) => { sample = n; explain(source, true); },
        onTrain: () => ask("/api/frame", {steps: 1}).then(() => explain(source, true)),
      });
      $("h-explained").textContent = `The next step: ${unitName(view.unit)}`;
      if (!keep) $("h-explained").focus();
    } catch (error) {
      say(error.message);
    }
  });
}

// --- the code ------------------------------------------------------------------------------------

async function showCode() {
  try {
    const found = await inOrder(() => command("/api/program", {id}));
    $("code").textContent = found.program;
    $("code-says").textContent = found.as_printed ? ""
      : "Settings were changed during the training; after Reset, page and program give the same.";
  } catch (error) {
    say(error.message);
  }
}

function watchCode() {
  $("show-code").addEventListener("click", () => {
    const hidden = !$("code").hidden;
    $("code").hidden = hidden;
    $("copy-code").hidden = hidden;
    $("show-code").setAttribute("aria-expanded", String(!hidden));
    $("show-code").textContent = hidden ? "Show the code" : "Hide the code";
    if (hidden) $("code-says").textContent = "";
    else showCode();
  });
  $("copy-code").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText($("code").textContent);
      $("code-says").textContent = "Copied.";
    } catch {
      $("code-says").textContent = "The browser does not allow it: mark the text, and copy it.";
    }
  });
  $("explain").addEventListener("click", () => explain());
  const close = () => {
    $("explained").hidden = true;
    $("network").focus();
  };
  $("close-explained").addEventListener("click", close);
  $("explained").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}

// --- beginning and end ---------------------------------------------------------------------------

async function open(wanted) {
  const frame = await command("/api/open", {settings: wanted});
  take(frame);
  showSettings();
}

async function begin() {
  try {
    choices = await (await fetch("/api/choices")).json();
    settings = choices.settings;
    makeControls();
    watchPlane();
    watchNetwork();
    watchCode();
    const given = readHash(choices.defaults);
    try {
      await open(given ? {...choices.defaults, ...given} : choices.settings);
    } catch (error) {
      await open(choices.settings);
      say(`The address has settings that cannot be. ${unmarked(error.message)}`);
    }
  } catch (error) {
    say(error.message);
  }
}

addEventListener("hashchange", () => {
  const given = readHash(choices.defaults);
  if (given) change({...choices.defaults, ...given});
});
addEventListener("pagehide", (event) => {
  if (event.persisted || !id) return; // it may come back
  navigator.sendBeacon("/api/close", new Blob([JSON.stringify({id})], {type: "application/json"}));
});
new ResizeObserver(soon).observe($("plane"));
new ResizeObserver(soon).observe($("network"));
onColoursChange(() => { if (settings) showKey(); soon(); });

begin().then(beat);
