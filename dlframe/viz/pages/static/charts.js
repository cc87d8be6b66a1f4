/* dlframe's charts: lines over epochs, steps or time, drawn as SVG. One file, no dependencies;
   page.css has their colours.

     const chart = dlframeCharts.line(element, {
       series: [
         {name: "loss", x: [1, 2, 3], y: [0.9, 0.5, null]},
         {name: "five seeds", runs: [{x: [1, 2], y: [3, 4]}, {x: [1, 2], y: [5, 6]}]},
         {name: "estimate", y: [2, 3], band: {low: [1, 2], high: [3, 4]}},
       ],
       xLabel: "epoch",
       yLabel: "loss",
     });
     chart.update({series: [...]});   // in place; what is hidden or looked at stays so
     chart.destroy();

   Options, all of which `update` takes as well:
     series      see above. `x` is 1, 2, 3 … where it is not given. null, NaN and infinities are
                 gaps; a point between two gaps is a dot. `runs` become their mean, with a band from
                 the lowest to the highest. `look` from 1 to 8 chooses colour and dashes, which
                 otherwise follow the order. `hidden: true` begins hidden.
     xLabel, yLabel   the quantities, with their units
     label       what the chart shows, for those who cannot see it (default: yLabel)
     logY        whether the y axis is logarithmic; values that are not above 0 are left out then
     smoothing   the weight of the past in a running mean, from 0 to below 1; the values
                 themselves stay visible, pale
     marks       [{x, text}]: vertical lines, such as the best epoch
     controls    false: without the buttons for the logarithmic axis and for smoothing
     height      pixels of the plot (default 260)

   Every value can be read: with the mouse, with a finger, and with the keyboard (Tab to the plot,
   then the arrow keys, Page up, Page down, Home, End; Escape hides the values). A name in the
   legend hides its line, and a double click hides all others.

   Where points are closer than pixels, each column of pixels keeps its first, lowest, highest and
   last point, so no extreme is lost.

   In a page, a `<div data-chart>` becomes a chart when the page has loaded, if it holds its options
   as `<script type="application/json">` (`dlframeCharts.mount()`); `dlframeCharts.of(div)` is the
   chart then.
   `dlframeCharts.format(number)` writes a number as charts do. */
"use strict";

globalThis.dlframeCharts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LOOKS = 8; // of lines, in page.css
  const MOST_ROWS = 14; // lines whose values are shown at once
  const WORTH_SMOOTHING = 10; // points
  const MARGIN = {top: 26, right: 14, bottom: 42};
  const DIGIT = 7; // pixels
  const charts = new WeakMap();

  // --- numbers ---------------------------------------------------------------------------------

  function format(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    const digits = size >= 1e4 ? 7 : 5;
    const whole = Number.isInteger(value) && size < 1e15;
    const text = String(whole ? value : Number(value.toPrecision(digits)));
    return text.replaceAll("-", "−");
  }

  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

  /* Round numbers from low to high, about `count` of them, a whole distance apart if asked. */
  function linearTicks(low, high, count, whole) {
    const rough = (high - low) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((s) => s >= rough * 0.999);
    if (whole) step = Math.max(1, Math.ceil(step));
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) {
      ticks.push(Number((i * step).toPrecision(12)));
    }
    return ticks;
  }

  /* Powers of ten; in a narrow range also 2 and 5 times these, or round numbers. */
  function logTicks(low, high, count) {
    const powers = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
      powers.push(power);
    }
    const chosen = (factors, every) => powers
      .filter((power) => power % every === 0)
      .flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
    for (let every = 1; every < powers.length; every += 1) {
      const ticks = chosen([1], every);
      if (ticks.length >= 3 && ticks.length <= count + 1) return ticks;
    }
    const more = chosen([1, 2, 5], 1);
    return more.length >= 3 && more.length <= 2 * count ? more : linearTicks(low, high, count, false);
  }

  /* The labels of ticks; on a linear axis all with the same number of decimals. */
  function tickLabels(ticks, log) {
    const texts = ticks.map(format);
    if (log || texts.some((text) => text.includes("e"))) return texts;
    const decimals = Math.max(0, ...texts.map((text) => (text.split(".")[1] ?? "").length));
    return ticks.map((tick) => tick.toFixed(decimals).replace("-", "−"));
  }

  // --- series ----------------------------------------------------------------------------------

  function sorted(x, y, others) {
    let inOrder = true;
    for (let i = 1; i < x.length && inOrder; i += 1) inOrder = x[i - 1] <= x[i];
    if (inOrder) return [x, y, ...others];
    const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
    return [x, y, ...others].map((column) => column && order.map((i) => column[i]));
  }

  /* The mean of several runs at every x that one of them has, and the lowest and highest there. */
  function meanOf(runs) {
    const places = new Map();
    for (const run of runs) {
      const x = run.x ?? run.y.map((_, i) => i + 1);
      run.y.forEach((value, i) => {
        if (!places.has(x[i])) places.set(x[i], []);
        if (isNumber(value)) places.get(x[i]).push(value);
      });
    }
    const x = [...places.keys()].sort((a, b) => a - b);
    const values = x.map((place) => places.get(place));
    const each = (f) => values.map((found) => (found.length ? f(found) : NaN));
    return {
      x,
      y: each((found) => found.reduce((sum, value) => sum + value, 0) / found.length),
      band: {low: each((found) => Math.min(...found)), high: each((found) => Math.max(...found))},
    };
  }

  /* The running mean, without the weight that its start would have; gaps stay gaps. */
  function smoothed(y, weight) {
    let mean = 0;
    let total = 0;
    return y.map((value) => {
      if (!isNumber(value)) return NaN;
      total = weight * total + (1 - weight);
      mean += ((1 - weight) / total) * (value - mean); // equal numbers keep every digit
      return mean;
    });
  }

  function prepared(given, index) {
    const source = given.runs ? {...given, ...meanOf(given.runs)} : given;
    const length = source.y.length;
    const own = source.x ?? Array.from({length}, (_, i) => i + 1);
    if (own.length !== length) {
      throw new RangeError(`${given.name}: ${own.length} x values for ${length} y values`);
    }
    // a place that is no number cannot be drawn
    const good = own.every(isNumber) ? null : own.map(isNumber);
    const kept = (column) => (column && good ? column.filter((_, i) => good[i]) : column);
    const [x, y, low, high] = sorted(
      kept(own), kept(source.y), [kept(source.band?.low), kept(source.band?.high)],
    );
    const look = given.look ?? (index % LOOKS) + 1;
    return {name: String(given.name), look, x, y, band: low && high ? {low, high} : null};
  }

  /* The index of the number nearest to `value` in an ascending list. */
  function nearest(list, value) {
    let low = 0;
    let high = list.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle;
      else high = middle;
    }
    return Math.abs(list[high] - value) < Math.abs(list[low] - value) ? high : low;
  }

  // --- drawing ---------------------------------------------------------------------------------

  function html(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function svg(tag, attributes, text) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const place = (number) => Math.round(number * 10) / 10;

  /* The pieces of a line between gaps: lists of indices, thinned where pixels are too few. */
  function pieces(x, y, toX, shown) {
    const found = [];
    let piece = [];
    const close = () => {
      if (piece.length) found.push(thinned(piece, x, y, toX));
      piece = [];
    };
    for (let i = 0; i < x.length; i += 1) {
      if (shown(y[i])) piece.push(i);
      else close();
    }
    close();
    return found;
  }

  function thinned(piece, x, y, toX) {
    const width = toX(x[piece.at(-1)]) - toX(x[piece[0]]);
    if (piece.length <= 4 * width) return piece;
    const kept = [];
    for (let start = 0; start < piece.length; ) {
      const column = Math.floor(toX(x[piece[start]]));
      let end = start;
      let low = start;
      let high = start;
      while (end < piece.length && Math.floor(toX(x[piece[end]])) === column) {
        if (y[piece[end]] < y[piece[low]]) low = end;
        if (y[piece[end]] > y[piece[high]]) high = end;
        end += 1;
      }
      const chosen = [...new Set([start, low, high, end - 1])].sort((a, b) => a - b);
      for (const i of chosen) kept.push(piece[i]);
      start = end;
    }
    return kept;
  }

  function linePath(found, x, y, toX, toY) {
    const point = (i) => `${place(toX(x[i]))} ${place(toY(y[i]))}`;
    return found
      .filter((piece) => piece.length > 1)
      .map((piece) => `M${piece.map(point).join("L")}`)
      .join("");
  }

  /* Points that stand alone: lines without length, whose round ends are dots. */
  function dotPath(found, x, y, toX, toY) {
    return found
      .filter((piece) => piece.length === 1)
      .map(([i]) => `M${place(toX(x[i]))} ${place(toY(y[i]))}h0`)
      .join("");
  }

  /* On a logarithmic axis, a band that reaches down to 0 or below ends at the foot. */
  function bandPath(series, toX, toY, shown, foot) {
    const {x, band} = series;
    const ends = band.low.map((low, i) => (isNumber(low) && shown(band.high[i]) ? low : NaN));
    const lower = (low) => place(shown(low) ? toY(low) : foot);
    return pieces(x, ends, toX, isNumber)
      .map((piece) => {
        const above = piece.map((i) => `${place(toX(x[i]))} ${place(toY(band.high[i]))}`);
        const below = piece.map((i) => `${place(toX(x[i]))} ${lower(band.low[i])}`).reverse();
        return `M${above.concat(below).join("L")}Z`;
      })
      .join("");
  }

  function extent(values) {
    let low = Infinity;
    let high = -Infinity;
    for (const list of values) {
      for (const value of list) {
        if (isNumber(value)) {
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    return low <= high ? [low, high] : null;
  }

  /* Room around the values; a line without ups and downs is in the middle of the axis. */
  function withRoom([low, high], log) {
    if (log) {
      const room = Math.max(0.04 * Math.log10(high / low), 0.02);
      return [low / 10 ** room, high * 10 ** room];
    }
    const size = Math.max(Math.abs(low), Math.abs(high));
    if (high - low <= size * 1e-9) {
      const room = size * 0.5 || 1;
      return [low - room, high + room];
    }
    const room = 0.05 * (high - low);
    return [low - room, high + room];
  }

  // --- a chart ---------------------------------------------------------------------------------

  class Chart {
    constructor(element, options) {
      this.element = element;
      this.options = {xLabel: "", yLabel: "", logY: false, smoothing: 0, height: 260, marks: []};
      this.hidden = new Set();
      this.known = new Set();
      this.at = null; // the x whose values are shown
      this.build();
      this.take(options);
      this.draw();
      this.observer = new ResizeObserver(() => this.resized());
      this.observer.observe(this.plot);
      charts.set(element, this);
    }

    build() {
      this.root = html("div", "chart");
      this.head = html("div", "chart-head");
      this.legend = html("div", "chart-legend");
      this.legend.setAttribute("role", "group");
      this.legend.setAttribute("aria-label", "lines");
      this.controls = html("div", "chart-controls");
      this.logBox = this.makeControl("log scale", "checkbox", () => {
        this.update({logY: this.logBox.checked});
      });
      this.slider = this.makeControl("smoothing", "range", () => {
        this.update({smoothing: Number(this.slider.value)});
      });
      Object.assign(this.slider, {min: "0", max: "0.98", step: "0.02", value: "0"});
      this.head.append(this.legend, this.controls);
      this.plot = html("div", "chart-plot");
      this.plot.tabIndex = 0;
      this.plot.setAttribute("role", "slider");
      this.canvas = svg("svg", {"aria-hidden": "true"});
      this.readout = html("div", "chart-readout");
      this.readout.hidden = true;
      this.note = html("p", "chart-note");
      this.plot.append(this.canvas, this.readout);
      this.root.append(this.head, this.plot, this.note);
      this.element.replaceChildren(this.root);
      const pointed = (event) => this.pointed(event);
      this.plot.addEventListener("pointermove", pointed);
      this.plot.addEventListener("pointerdown", pointed);
      this.plot.addEventListener("pointerleave", (event) => {
        // the values that a finger asked for stay, and those of the keyboard
        if (event.pointerType === "mouse" && document.activeElement !== this.plot) this.show(null);
      });
      this.plot.addEventListener("focus", () => {
        if (this.at === null && this.places.length) this.show(this.places.at(-1));
      });
      this.plot.addEventListener("blur", () => this.show(null));
      this.plot.addEventListener("keydown", (event) => this.pressed(event));
    }

    makeControl(text, type, changed) {
      const label = html("label", "chart-control");
      const input = html("input");
      input.type = type;
      input.addEventListener("input", changed);
      if (type === "checkbox") label.append(input, text);
      else label.append(text, input);
      this.controls.append(label);
      return input;
    }

    take(options) {
      Object.assign(this.options, options);
      if (options.series) {
        this.series = options.series.map(prepared);
        for (const {name, hidden} of options.series) {
          if (hidden && !this.known.has(String(name))) this.hidden.add(String(name));
          this.known.add(String(name));
        }
        const all = new Set();
        for (const {x} of this.series) for (const value of x) all.add(value);
        this.allPlaces = Float64Array.from(all).sort();
      }
      this.series ??= [];
      this.allPlaces ??= new Float64Array();
      this.logBox.checked = Boolean(this.options.logY);
      this.slider.value = String(this.options.smoothing);
      this.makeLegend();
    }

    /* New options; the others stay. Several changes within a frame are drawn once. */
    update(options) {
      this.take(options ?? {});
      if (this.frame === undefined) {
        this.frame = requestAnimationFrame(() => {
          this.frame = undefined;
          this.draw();
        });
      }
      return this;
    }

    destroy() {
      if (this.frame !== undefined) cancelAnimationFrame(this.frame);
      this.observer.disconnect();
      charts.delete(this.element);
      this.element.replaceChildren();
    }

    resized() {
      if (this.plot.clientWidth && this.plot.clientWidth !== this.width) this.draw();
    }

    // --- the legend ---

    makeLegend() {
      const names = JSON.stringify(this.series.map(({name, look}) => [name, look]));
      if (names !== this.names) { // otherwise a button would lose the focus
        this.names = names;
        this.legend.replaceChildren(...this.series.map((series) => this.makeKey(series)));
      }
      for (const key of this.legend.children) {
        key.setAttribute("aria-pressed", String(!this.hidden.has(key.dataset.name)));
      }
      const longest = Math.max(0, ...this.series.map(({y}) => y.length));
      const positive = this.series.some(({y}) => y.some((value) => value > 0));
      this.logBox.parentElement.hidden = !positive;
      this.slider.parentElement.hidden = longest < WORTH_SMOOTHING;
      this.controls.hidden = this.options.controls === false;
      this.head.hidden = this.controls.hidden && this.series.length < 2;
      this.legend.hidden = this.series.length < 2;
    }

    makeKey({name, look}) {
      const key = html("button", "chart-key");
      key.type = "button";
      key.dataset.name = name;
      const sample = svg("svg", {width: 30, height: 10, "aria-hidden": "true"});
      sample.append(svg("path", {d: "M1 5H29", class: `chart-line look-${look}`}));
      key.append(sample, html("span", "", name));
      key.title = "shows or hides this line; a double click hides all others";
      key.addEventListener("click", () => {
        if (!this.hidden.delete(name)) this.hidden.add(name);
        this.update();
      });
      key.addEventListener("dblclick", () => {
        const others = this.series.map((series) => series.name).filter((one) => one !== name);
        const alone = others.every((one) => this.hidden.has(one));
        this.hidden = new Set(alone ? [] : others);
        this.update();
      });
      return key;
    }

    // --- the plot ---

    draw() {
      const visible = this.series.filter(({name}) => !this.hidden.has(name));
      this.width = this.plot.clientWidth || 640;
      const height = this.options.height;
      this.canvas.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
      this.canvas.replaceChildren();
      const weight = Math.min(0.999, Math.max(0, this.options.smoothing || 0));
      const lines = visible.map((series) => ({
        ...series, drawn: weight ? smoothed(series.y, weight) : series.y,
      }));
      this.lines = lines;
      this.places = this.allPlaces;
      if (visible.length < this.series.length) {
        const all = new Set();
        for (const {x} of visible) for (const value of x) all.add(value);
        this.places = Float64Array.from(all).sort();
      }
      const columns = lines.flatMap(({y, band}) => (band ? [y, band.low, band.high] : [y]));
      const positive = (list) => list.filter((value) => value > 0);
      let log = Boolean(this.options.logY);
      let range = extent(log ? columns.map(positive) : columns);
      if (log && !range) {
        log = false;
        range = extent(columns);
      }
      this.log = log;
      this.writeNote(lines, log);
      this.label(range);
      if (!range) {
        const text = this.series.length ? "no finite values" : "nothing yet";
        const attributes = {x: this.width / 2, y: height / 2, class: "chart-nothing"};
        this.canvas.append(svg("text", attributes, this.series.length && !visible.length
          ? "all lines are hidden" : text));
        this.toX = null;
        this.show(null);
        return;
      }
      this.drawAxes(range, height, lines);
      this.drawLines(lines, weight);
      this.cross = svg("g", {class: "chart-cross"});
      this.canvas.append(this.cross);
      this.show(this.at);
    }

    drawAxes(range, height, lines) {
      const {xLabel, yLabel} = this.options;
      const [low, high] = withRoom(range, this.log);
      const rows = Math.max(2, Math.floor((height - MARGIN.top - MARGIN.bottom) / 34));
      const yTicks = this.log ? logTicks(low, high, rows) : linearTicks(low, high, rows, false);
      const yTexts = tickLabels(yTicks, this.log);
      const left = 14 + DIGIT * Math.max(1, ...yTexts.map((text) => text.length));
      const right = this.width - MARGIN.right;
      const bottom = height - MARGIN.bottom;
      let [first, last] = [this.places[0], this.places.at(-1)];
      if (first === last) [first, last] = [first - 0.5, last + 0.5];
      const scale = this.log ? Math.log10 : (value) => value;
      const [from, to] = [scale(low), scale(high)];
      this.toX = (x) => left + ((x - first) / (last - first)) * (right - left);
      this.toY = (y) => bottom - ((scale(y) - from) / (to - from)) * (bottom - MARGIN.top);
      this.fromX = (pixel) => first + ((pixel - left) / (right - left)) * (last - first);
      this.box = {left, right, top: MARGIN.top, bottom};

      const grid = svg("g", {class: "chart-grid"});
      const texts = svg("g", {class: "chart-text"});
      yTicks.forEach((tick, i) => {
        const y = place(this.toY(tick));
        grid.append(svg("path", {d: `M${left} ${y}H${right}`}));
        const attributes = {x: left - 8, y: y + 4, "text-anchor": "end"};
        texts.append(svg("text", attributes, yTexts[i]));
      });
      const whole = lines.every(({x}) => x.every(Number.isInteger));
      const across = Math.max(1, Math.floor((right - left) / 80));
      const xTicks = this.places.length === 1
        ? [this.places[0]] : linearTicks(first, last, across, whole);
      const xTexts = tickLabels(xTicks);
      xTicks.forEach((tick, i) => {
        const x = place(this.toX(tick));
        grid.append(svg("path", {d: `M${x} ${bottom}v5`, class: "chart-tick"}));
        // the last label must not leave the picture
        const half = (DIGIT * xTexts[i].length) / 2;
        const at = Math.min(x, this.width - half - 1);
        const attributes = {x: at, y: bottom + 18, "text-anchor": "middle"};
        texts.append(svg("text", attributes, xTexts[i]));
      });
      grid.append(svg("path", {d: `M${left} ${bottom}H${right}`, class: "chart-axis"}));
      const titles = {class: "chart-title"};
      texts.append(svg("text", {...titles, x: 2, y: 13}, yLabel));
      const middle = {...titles, x: (left + right) / 2, y: height - 6, "text-anchor": "middle"};
      texts.append(svg("text", middle, xLabel));
      for (const {x, text} of this.options.marks ?? []) {
        if (!isNumber(x) || x < first || x > last) continue;
        const at = place(this.toX(x));
        grid.append(svg("path", {d: `M${at} ${MARGIN.top}V${bottom}`, class: "chart-mark"}));
        const end = at > (left + right) / 2;
        const attributes = {x: at + (end ? -4 : 4), y: MARGIN.top - 4};
        if (end) attributes["text-anchor"] = "end";
        texts.append(svg("text", attributes, text ?? ""));
      }
      this.canvas.append(grid, texts);
    }

    drawLines(lines, weight) {
      const shown = this.log ? (value) => isNumber(value) && value > 0 : isNumber;
      const {toX, toY} = this;
      const group = svg("g", {class: "chart-lines"});
      for (const {x, y, drawn, band, look} of lines) {
        if (band) {
          const d = bandPath({x, band}, toX, toY, shown, this.box.bottom);
          group.append(svg("path", {d, class: `chart-band look-${look}`}));
        }
        if (weight) {
          const d = linePath(pieces(x, y, toX, shown), x, y, toX, toY);
          group.append(svg("path", {d, class: `chart-line chart-pale look-${look}`}));
        }
        const found = pieces(x, drawn, toX, shown);
        const d = linePath(found, x, drawn, toX, toY);
        group.append(svg("path", {d, class: `chart-line look-${look}`}));
        const dots = dotPath(found, x, drawn, toX, toY);
        if (dots) group.append(svg("path", {d: dots, class: `chart-dot look-${look}`}));
      }
      this.canvas.append(group);
    }

    writeNote(lines, log) {
      const counted = (text, isMissing) => {
        const parts = lines
          .map(({name, y}) => [name, y.filter(isMissing).length, y.length])
          .filter(([, count]) => count)
          .map(([name, count, all]) => `${name} (${count} of ${all} values)`);
        return parts.length ? [`${text}: ${parts.join(", ")}`] : [];
      };
      const notes = counted("not finite, or missing", (value) => !isNumber(value));
      if (log) {
        notes.push(...counted("not above 0", (value) => isNumber(value) && value <= 0));
      } else if (this.options.logY && lines.length) {
        notes.push("no value is above 0, so the axis is not logarithmic");
      }
      this.note.textContent = notes.join("; ");
      this.note.hidden = !notes.length;
    }

    // --- the values at an x ---

    label(range) {
      const {label, yLabel, xLabel} = this.options;
      const what = [label || yLabel || "chart", xLabel && `over ${xLabel}`].filter(Boolean);
      const about = range ? `, from ${format(range[0])} to ${format(range[1])}` : ", no values";
      this.plot.setAttribute("aria-label", what.join(" ") + about);
      const [first, last] = this.places.length ? [this.places[0], this.places.at(-1)] : [0, 0];
      this.plot.setAttribute("aria-valuemin", first);
      this.plot.setAttribute("aria-valuemax", last);
      this.say(this.at ?? last);
    }

    say(x) {
      this.plot.setAttribute("aria-valuenow", x);
      const values = this.valuesAt(x).map(({name, text}) => `${name} ${text}`);
      const where = `${this.options.xLabel || "x"} ${format(x)}`;
      this.plot.setAttribute("aria-valuetext", [where, ...values].join(", "));
    }

    /* What each visible line has at an x: its own point there, or the nearest one. */
    valuesAt(x) {
      return this.lines.map(({name, look, x: places, y, drawn, band}) => {
        const row = {name, look, text: "–", y: null};
        if (!places.length || x < places[0] || x > places.at(-1)) return row;
        const i = nearest(places, x);
        row.x = places[i];
        row.y = drawn[i];
        row.text = format(y[i]);
        if (drawn !== y && isNumber(drawn[i])) row.text += ` (mean ${format(drawn[i])})`;
        if (band && isNumber(band.low[i])) {
          row.text += ` (${format(band.low[i])} to ${format(band.high[i])})`;
        }
        if (places[i] !== x) row.text += ` at ${format(places[i])}`;
        return row;
      });
    }

    show(x) {
      this.at = x !== null && this.toX && this.places.length
        ? this.places[nearest(this.places, x)] : null;
      this.readout.hidden = this.at === null;
      this.cross?.replaceChildren();
      if (this.at === null) return;
      const rows = this.valuesAt(this.at);
      this.say(this.at);
      const pixel = place(this.toX(this.at));
      const {top, bottom} = this.box;
      this.cross.append(svg("path", {d: `M${pixel} ${top}V${bottom}`}));
      for (const {x: own, y, look} of rows) {
        if (!isNumber(y) || (this.log && y <= 0)) continue;
        const attributes = {cx: place(this.toX(own)), cy: place(this.toY(y)), r: 4};
        this.cross.append(svg("circle", {...attributes, class: `chart-point look-${look}`}));
      }
      this.fillReadout(rows);
      this.placeReadout(pixel);
    }

    fillReadout(rows) {
      const where = `${this.options.xLabel || "x"} ${format(this.at)}`;
      const list = rows.slice(0, MOST_ROWS).map(({name, look, text}) => {
        const row = html("div", "chart-row");
        const sample = svg("svg", {width: 18, height: 8, "aria-hidden": "true"});
        sample.append(svg("path", {d: "M0 4H18", class: `chart-line look-${look}`}));
        row.append(sample, html("span", "chart-name", name), html("b", "", text));
        return row;
      });
      if (rows.length > MOST_ROWS) {
        list.push(html("div", "chart-row", `and ${rows.length - MOST_ROWS} more`));
      }
      this.readout.replaceChildren(html("div", "chart-where", where), ...list);
    }

    /* Beside the crosshair, on the side that has room. */
    placeReadout(pixel) {
      const scale = this.plot.clientWidth / this.width || 1;
      const width = this.readout.offsetWidth;
      const at = pixel * scale;
      const right = at + 12;
      const fits = right + width <= this.plot.clientWidth;
      const left = fits ? right : Math.max(0, at - 12 - width);
      this.readout.style.left = `${left}px`;
    }

    pointed(event) {
      if (!this.toX) return;
      const bounds = this.canvas.getBoundingClientRect();
      const pixel = ((event.clientX - bounds.left) / bounds.width) * this.width;
      this.show(this.fromX(pixel));
    }

    pressed(event) {
      const {length} = this.places;
      if (!length || event.altKey || event.ctrlKey || event.metaKey) return;
      const now = this.at === null ? length - 1 : nearest(this.places, this.at);
      const page = Math.max(1, Math.round(length / 10));
      const goals = {
        ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
        PageDown: now - page, PageUp: now + page, Home: 0, End: length - 1,
      };
      if (event.key === "Escape") this.show(null);
      else if (event.key in goals) {
        event.preventDefault();
        this.show(this.places[Math.min(length - 1, Math.max(0, goals[event.key]))]);
      }
    }
  }

  // --- charts in the text of a page ------------------------------------------------------------

  function mount() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const text = element.querySelector("script");
      if (text) charts.get(element) ?? new Chart(element, JSON.parse(text.textContent));
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
  else mount();

  return {
    line: (element, options) => new Chart(element, options),
    of: (element) => charts.get(element),
    mount,
    format,
  };
})();
