/* The panel that explains the next step: terms of a unit, terms of a weight, and all operations. */

import {mathml} from "/static/mathml.js";

const short = (value) => globalThis.dlframeCharts.format(Number(value.toPrecision(4)));

function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function math(latex) {
  const span = element("span");
  span.innerHTML = mathml(latex); // of formulas of dlframe's own, escaped
  return span;
}

/** A table; cells that are numbers are written short and to the right. */
function table(caption, head, rows, total) {
  const made = element("table", {}, element("caption", {}, ...[caption].flat()));
  const cells = (row, kind) => row.map((cell, i) => {
    const isNumber = typeof (kind === "th" && i > 0 ? rows[0]?.[i] : cell) === "number";
    const name = i === 0 && kind === "td" ? "th" : kind;
    const scope = name === "th" ? {scope: kind === "th" ? "col" : "row"} : {};
    const content = typeof cell === "number" ? short(cell) : cell;
    return element(name, {...scope, ...(isNumber ? {class: "number"} : {})}, content);
  });
  made.append(element("thead", {}, element("tr", {}, ...cells(head, "th"))));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row, "td"))));
  if (total) body.append(element("tr", {class: "total"}, ...cells(total, "td")));
  made.append(body);
  return element("div", {class: "tall scrolls", tabindex: "0", role: "region",
    "aria-label": made.caption.textContent}, made);
}

let position = 0;

/** Show what /api/explain found. */
export function showExplanation(place, found, how) {
  const {names, layer, unit, source, sample} = how;
  const from = (j) => names(layer - 1, j);
  const parts = [];
  parts.push(element("p", {}, `Step ${found.step} will take a batch of ${found.size} `
    + `${found.size === 1 ? "sample" : "samples"}; its loss is ${short(found.loss)}. `
    + "Nothing is trained by looking."));

  const samples = element("select", {id: "e-sample"});
  found.samples.forEach((row, n) => {
    const inputs = row.slice(0, -1).slice(0, 3).map(short).join(", ");
    const kind = row.at(-1) === 0 ? "circle" : "triangle";
    samples.append(element("option", {value: n}, `${n + 1}: ${inputs}, ${kind}`));
  });
  samples.value = sample;
  samples.addEventListener("change", () => how.onSample(Number(samples.value)));
  const sources = element("select", {id: "e-source"});
  sources.append(element("option", {value: ""}, "none"));
  found.unit.forward.forEach(([j]) => sources.append(element("option", {value: j}, from(j))));
  sources.value = source ?? "";
  sources.addEventListener("change", () =>
    how.onSource(sources.value === "" ? null : Number(sources.value)));
  const train = element("button", {}, "Make this step");
  train.addEventListener("click", () => how.onTrain());
  parts.push(element("div", {class: "ask"},
    element("label", {class: "inline", for: "e-sample"}, "Sample", samples),
    element("label", {class: "inline", for: "e-source"}, "Weight from", sources), train));

  parts.push(element("div", {class: "pair"}, unitTables(found, from, how),
    source === null ? element("p", {class: "muted"},
      "Choose where a weight comes from, to see its gradient term by term.")
      : weightTable(found.weight, from(source), names(layer, unit))));
  parts.push(stepper(found, sample));
  const focused = document.activeElement?.id;
  place.replaceChildren(...parts);
  if (focused && place.contains(document.getElementById(focused))) {
    document.getElementById(focused).focus();
  }
}

function unitTables(found, from, how) {
  const {unit} = found;
  const rows = unit.forward.map(([j, x, w, product]) => [from(j), x, w, product]);
  if (unit.bias !== null) rows.push(["bias", "", "", unit.bias]);
  const parts = [element("h3", {}, "Forward: the unit's sum"),
    table([math("z = \\sum_j w_j x_j + b"), `, for sample ${unit.sample + 1}`],
      ["from", "x", "w", "w · x"], rows, ["sum z", "", "", unit.sum]),
    element("p", {}, `What the unit gives: ${short(unit.output)}.`)];
  parts.push(element("h3", {}, "Backward: what comes back to it"));
  if (unit.backward.length) {
    const back = unit.backward.map(([k, g, w, product]) =>
      [how.names(found.layer + 1, k), g, w, product]);
    parts.push(table("The gradient of the loss at the unit's output, for this sample",
      ["to", "g", "w", "w · g"], back, ["sum", "", "", unit.gradient_of_output]));
  } else {
    parts.push(element("p", {}, "The loss follows at once."));
  }
  parts.push(element("p", {}, `At its sum z the gradient is ${short(unit.gradient)}.`));
  return element("div", {}, ...parts);
}

function weightTable(weight, from, to) {
  const rows = weight.terms.map(([n, x, g, product]) => [String(n + 1), x, g, product]);
  if (weight.rest[0]) rows.push([`${weight.rest[0]} others`, "", "", weight.rest[1]]);
  for (const [name, value] of weight.penalties) rows.push([name, "", "", value]);
  return element("div", {}, element("h3", {}, `The weight from ${from} to ${to}`),
    table(weight.name, ["", "value"], [["now", weight.value], ["gradient", weight.gradient],
      ["after the step", weight.after], ["change", weight.after - weight.value]]),
    table([math("\\frac{\\partial L}{\\partial w} = \\sum_n g_n x_n"), ", over the samples of the batch"],
      ["sample", "x", "g", "g · x"], rows, ["gradient", "", "", weight.gradient]));
}

function stepper(found, sample) {
  position = Math.min(position, found.steps.length - 1);
  const half = found.steps.filter((step) => step.phase === "forward").length;
  const where = element("b", {role: "status"});
  const title = element("p", {class: "title"});
  const body = element("div", {class: "scrolls"});
  const button = (text, to, name) => {
    const made = element("button", {id: `e-${name}`}, text);
    made.addEventListener("click", () => { position = to(); show(); });
    return made;
  };
  const buttons = [
    button("First", () => 0, "first"),
    button("Back", () => Math.max(0, position - 1), "back"),
    button("Next", () => Math.min(found.steps.length - 1, position + 1), "next"),
    button("Backward pass", () => half, "half"),
  ];
  function show() {
    const step = found.steps[position];
    where.textContent = `${position + 1} of ${found.steps.length}, ${step.phase}`;
    title.textContent = step.where ? `${step.title}   # ${step.where}` : step.title;
    const rows = step.lines.map(([name, latex, numbers]) => element("tr", {},
      element("td", {}, name), element("td", {}, latex ? math(latex) : ""),
      element("td", {}, numbers ? element("pre", {}, numbers) : "")));
    body.replaceChildren(element("table", {}, element("tbody", {}, ...rows)));
    buttons[1].disabled = position === 0;
    buttons[2].disabled = position === found.steps.length - 1;
  }
  show();
  const text = element("details", {}, element("summary", {}, "All of it as text"),
    element("pre", {tabindex: "0", class: "tall"}, found.text));
  return element("div", {class: "stepper"},
    element("h3", {}, "All operations, one at a time"),
    element("p", {class: "muted"}, "z is what an operation gives, g the gradient of the loss with "
      + `respect to it. Of values with a row for each sample, that of sample ${sample + 1} is shown.`),
    element("div", {class: "ask"}, ...buttons, where), title, body, text);
}
