/* The page of `dlframe watch`: asks the server for what is new, and draws it. All texts of runs
   are written as text, never as HTML. */
"use strict";

(() => {
  const SHOWN_AT_FIRST = 10; // runs, the newest
  const QUANTITIES_AT_FIRST = 8; // charts
  const COLOURS = 8; // of lines, in page.css
  const DASHES = 6; // in watch.css
  const SYMBOLS = {running: "●", finished: "✓", interrupted: "◐", failed: "✗", ended: "○"};
  const RANKS = ["running", "failed", "interrupted", "ended", "finished"];
  const X_LABELS = {epoch: "epoch", step: "step", time: "seconds of training"};
  const LAST = ["lr", "seconds"]; // quantities that come after the others

  const $ = (id) => document.getElementById(id);
  const {format} = dlframeCharts;
  const runs = new Map(); // by their keys: what the server told, and `numbers`
  const charts = new Map(); // by quantity
  let order = []; // keys of all runs that there are
  let shown = new Set(); // keys of runs whose box is checked
  let chosen = null; // quantities that have a chart; null: the first ones
  let looks = new Map(); // key → look, 0, 1, 2 …
  let sorting = {by: "name", up: true}; // of the table
  let openRun = null; // the key of the run whose dialog is open
  let started = false;

  /* What an object of the server has by that name, and not what all objects have: `constructor`. */
  const own = (object, name) => (object && Object.hasOwn(object, name) ? object[name] : undefined);

  function element(tag, attributes, ...content) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "class") made.className = value;
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...content.filter((one) => one !== null && one !== undefined));
    return made;
  }

  /* A name whose line may end after any of _ / - . and the like, so that words stay whole. */
  function wrapping(name) {
    return name.split(/(?<=[_/\\.,:;=+-])(?=[^_/\\.,:;=+-])/u)
      .flatMap((part, place) => (place ? [document.createElement("wbr"), part] : [part]));
  }

  /* Replaces the children only if the text of what they show changed, so that focus stays. */
  function fill(parent, signature, make) {
    const text = JSON.stringify(signature);
    if (parent.dataset.shows === text) return;
    const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    parent.dataset.shows = text;
    parent.replaceChildren(...make());
    if (focused) parent.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  // --- what the server knows -------------------------------------------------------------------

  let asking = false;
  let again = false;

  async function ask() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      do {
        again = false;
        const have = {};
        for (const key of order) {
          const {version, numbers} = runs.get(key);
          have[key] = [version, numbers?.generation ?? -1, numbers?.records ?? 0];
        }
        const body = JSON.stringify({have, shown: started ? [...shown] : []});
        const headers = {"Content-Type": "application/json"};
        const answer = await fetch("/update", {method: "POST", headers, body});
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        take(await answer.json());
      } while (again);
      connected(true);
    } catch (error) {
      connected(false);
      console.info(error.message);
    } finally {
      asking = false;
    }
  }

  function take(told) {
    for (const [key, news] of Object.entries(told.runs)) {
      const run = runs.get(key) ?? {key, numbers: null};
      const {numbers, ...summary} = news;
      Object.assign(run, summary);
      if (numbers) run.numbers = joined(run.numbers, numbers);
      runs.set(key, run);
    }
    const before = new Set(order);
    order = told.order;
    for (const key of runs.keys()) if (!order.includes(key)) runs.delete(key);
    shown = new Set([...shown].filter((key) => runs.has(key)));
    const fresh = order.filter((key) => !before.has(key)).sort(newestFirst);
    const room = started ? fresh.length : SHOWN_AT_FIRST;
    for (const key of fresh.slice(0, room)) shown.add(key);
    if (fresh.length && order.length) {
      if (!started) again = true; // for the numbers of what is shown
      started = true;
      if (fresh.length && before.size) again = true;
    }
    giveLooks();
    notes(told);
    draw();
  }

  const newestFirst = (a, b) => runs.get(b).changed - runs.get(a).changed || (a < b ? -1 : 1);

  function joined(old, news) {
    if (news.from === 0 || !old) return news;
    for (const kind of ["x", "columns"]) {
      for (const [name, column] of Object.entries(news[kind])) {
        const kept = own(old[kind], name) ?? Array(news.from).fill(null);
        news[kind][name] = kept.slice(0, news.from).concat(column);
      }
    }
    return news;
  }

  /* Runs keep their looks; the first ones to be listed get the most different ones. */
  function giveLooks() {
    const free = (function* numbers() {
      const taken = new Set(looks.values());
      for (let n = 0; ; n += 1) if (!taken.has(n)) yield n;
    })();
    for (const key of looks.keys()) if (!runs.has(key)) looks.delete(key);
    const inOrder = [...order].sort((a, b) => shown.has(b) - shown.has(a) || byName(a, b));
    for (const key of inOrder) if (!looks.has(key)) looks.set(key, free.next().value);
  }

  const byName = (a, b) => runs.get(a).name.localeCompare(runs.get(b).name, "en", {numeric: true});

  function look(number) {
    const colour = (number % COLOURS) + 1;
    return number < COLOURS ? `${colour}` : `${colour} dash-${Math.floor(number / COLOURS + number) % DASHES}`;
  }

  // --- which runs are listed -------------------------------------------------------------------

  function matcher() {
    const text = $("filter").value;
    $("filter-fault").textContent = "";
    if (!text) return () => true;
    if ($("regular").checked) {
      try {
        const expression = new RegExp(text, "iu");
        return (run) => expression.test(searched(run));
      } catch (error) {
        $("filter-fault").textContent = `This is no regular expression: ${error.message.split(": ").at(-1)}`;
        return () => true;
      }
    }
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (run) => {
      const all = searched(run).toLowerCase();
      return words.every((word) => all.includes(word));
    };
  }

  function searched(run) {
    const settings = Object.entries(run.config).map(([name, value]) => `${name}=${value}`);
    return [run.name, run.status, ...settings].join("\n");
  }

  /* The quantity by which runs are compared: that of validation, if there is one. */
  function goal() {
    const known = new Set(order.flatMap((key) => Object.keys(runs.get(key).best)));
    return ["val_loss", "loss"].find((name) => known.has(name)) ?? [...known][0];
  }

  function bestOf(run, name) {
    return own(run.best, name)?.[1] ?? null;
  }

  function lowIsGood(name) {
    return order.every((key) => (own(runs.get(key).best, name)?.[2] ?? "min") === "min");
  }

  function listed() {
    const matches = matcher();
    const keys = order.filter((key) => matches(runs.get(key)));
    const name = goal();
    const sign = name && !lowIsGood(name) ? -1 : 1;
    const value = (key) => bestOf(runs.get(key), name) ?? sign * Infinity;
    const compare = {
      name: byName,
      changed: newestFirst,
      status: (a, b) => RANKS.indexOf(runs.get(a).status) - RANKS.indexOf(runs.get(b).status),
      best: (a, b) => sign * (value(a) - value(b)) || 0,
    }[$("order").value];
    return keys.sort((a, b) => compare(a, b) || byName(a, b));
  }

  // --- settings and groups ---------------------------------------------------------------------

  const text = (value) => (value === null ? "none" : value === undefined ? "" : String(value));

  /* Names of settings, those first in which the runs differ. */
  function settings(keys) {
    const names = new Set(keys.flatMap((key) => Object.keys(runs.get(key).config)));
    const differing = [];
    const equal = [];
    for (const name of names) {
      const values = new Set(keys.map((key) => text(own(runs.get(key).config, name))));
      (values.size > 1 ? differing : equal).push(name);
    }
    // those that most runs have come first, dlframe's version last
    const owners = (name) => keys.filter((key) => Object.hasOwn(runs.get(key).config, name)).length;
    differing.sort((a, b) => (a === "dlframe") - (b === "dlframe") || owners(b) - owners(a));
    return {differing, equal};
  }

  const isSeed = (name) => /(^|[._])seed$/.test(name);

  /* Lists of keys: runs that are equal but for their seed are together. */
  function groups(keys) {
    if (!$("group").checked) return keys.map((key) => [key]);
    const found = new Map();
    for (const key of keys) {
      const config = Object.entries(runs.get(key).config).filter(([name]) => !isSeed(name));
      const identity = config.length ? JSON.stringify(config.sort()) : key;
      if (!found.has(identity)) found.set(identity, []);
      found.get(identity).push(key);
    }
    return [...found.values()];
  }

  /* The looks of all runs; those of a group are that of its first run. */
  function looksOfGroups() {
    const found = new Map();
    for (const keys of groups([...order])) {
      const first = Math.min(...keys.map((key) => looks.get(key)));
      for (const key of keys) found.set(key, first);
    }
    return found;
  }

  function groupName(keys) {
    const names = keys.map((key) => runs.get(key).name);
    if (names.length === 1) return names[0];
    let common = names[0];
    for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1);
    common = common.replace(/[\s\-_./]*(seed|s)?[\s\-_=]*$/i, "");
    return `${common || names[0]} (${names.length} seeds)`;
  }

  // --- charts ----------------------------------------------------------------------------------

  const isValidation = (name) => name.startsWith("val_");
  const base = (name) => (isValidation(name) ? name.slice(4) : name);

  function quantities(keys) {
    const found = new Set();
    for (const key of keys) for (const name of Object.keys(runs.get(key).last)) found.add(base(name));
    const rank = (name) => (name === "loss" ? 0 : LAST.includes(name) ? 2 : 1);
    return [...found].sort((a, b) => rank(a) - rank(b));
  }

  function isChosen(name, all) {
    if (chosen) return chosen.has(name);
    return name !== "seconds" && all.indexOf(name) < QUANTITIES_AT_FIRST;
  }

  function seriesOf(quantity, together, numbers, x) {
    const roles = $("roles").value;
    const series = [];
    for (const keys of together) {
      const number = numbers.get(keys[0]);
      for (const name of [`val_${quantity}`, quantity]) {
        if (roles === "train" && isValidation(name)) continue;
        const parts = keys
          .map((key) => runs.get(key).numbers)
          .filter((one) => own(one?.columns, name) && own(one.x, x))
          .map((one) => ({x: one.x[x], y: one.columns[name], epochs: one.x.epoch}));
        if (x === "time" && parts.length > 1) meanTimes(parts);
        // of what was never validated, training is shown
        const alone = !isValidation(name) && !keys.some((key) => own(runs.get(key).numbers?.columns, `val_${quantity}`));
        if (!parts.length || (roles === "val" && !isValidation(name) && !alone)) continue;
        const thin = !isValidation(name) && !alone && roles === "both";
        const line = {name: groupName(keys) + (thin ? ", training" : ""), look: look(number) + (thin ? " is-training" : "")};
        if (parts.length > 1) line.runs = parts;
        else Object.assign(line, parts[0]);
        series.push(line);
      }
    }
    return unique(series);
  }

  /* Runs of a group reach an epoch at different times: their mean is drawn at the mean of these. */
  function meanTimes(parts) {
    const times = new Map();
    for (const {x, epochs} of parts) {
      epochs.forEach((epoch, i) => times.set(epoch, [...(times.get(epoch) ?? []), x[i]]));
    }
    const means = new Map([...times].map(([epoch, all]) => [epoch, all.reduce((a, b) => a + b) / all.length]));
    for (const part of parts) part.x = part.epochs.map((epoch) => means.get(epoch));
  }

  /* Two runs may have one name, which a chart would take for one line. */
  function unique(series) {
    const seen = new Map();
    for (const one of series) {
      const times = (seen.get(one.name) ?? 0) + 1;
      seen.set(one.name, times);
      if (times > 1) one.name += ` (${times})`;
    }
    return series;
  }

  function drawCharts(keys) {
    const x = $("x").value;
    const all = quantities(keys);
    const together = groups(keys);
    const numbers = looksOfGroups();
    const wanted = all.filter((name) => isChosen(name, all));
    for (const [name, {box, chart}] of charts) {
      if (!wanted.includes(name)) {
        chart.destroy();
        box.remove();
        charts.delete(name);
      }
    }
    wanted.forEach((name, i) => {
      const options = {
        series: seriesOf(name, together, numbers, x),
        xLabel: X_LABELS[x],
        yLabel: name,
        logY: $("log").checked,
        smoothing: Number($("smoothing").value),
      };
      if (!charts.has(name)) charts.set(name, makeChart(options));
      else charts.get(name).chart.update(options);
      const {box} = charts.get(name);
      if ($("charts").children[i] !== box) $("charts").insertBefore(box, $("charts").children[i] ?? null);
    });
    const pair = $("roles").value === "both" && keys.some((key) => Object.keys(runs.get(key).last).some(isValidation));
    $("pair-key").hidden = !pair;
    $("band-key").hidden = !together.some((one) => one.length > 1);
    $("key").hidden = $("pair-key").hidden && $("band-key").hidden;
    for (const option of $("x").options) {
      option.disabled = option.value !== x && !keys.some((key) => own(runs.get(key).numbers?.x, option.value));
    }
    const fault = !order.length ? "" : !keys.length ? "No run is shown: check one in the list."
      : !all.length ? "The runs have no numbers yet." : !wanted.length ? "No quantity is chosen." : "";
    $("nothing").textContent = fault;
    $("nothing").hidden = !fault;
    $("chooser").hidden = all.length < 2;
    fill($("quantities"), [all, all.map((name) => isChosen(name, all))], () => all.map((name) => {
      const change = (event) => {
        chosen ??= new Set(all.filter((one) => isChosen(one, all)));
        if (event.target.checked) chosen.add(name);
        else chosen.delete(name);
        draw();
      };
      const input = element("input", {type: "checkbox", "data-id": name, onchange: change});
      input.checked = isChosen(name, all);
      return element("label", null, input, ` ${name}`);
    }));
  }

  function makeChart(options) {
    const box = element("div");
    $("charts").append(box);
    const chart = dlframeCharts.line(box, {...options, controls: false});
    const {plot} = chart;
    const follow = () => {
      for (const other of charts.values()) if (other.chart !== chart && other.chart.at !== chart.at) other.chart.show(chart.at);
    };
    // the chart's own listeners came first, so its place is the new one
    for (const event of ["pointermove", "pointerdown", "pointerleave", "keydown", "focus", "blur"]) {
      plot.addEventListener(event, follow);
    }
    return {box, chart};
  }

  // --- the list of runs ------------------------------------------------------------------------

  function sample(number) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", "30");
    svg.setAttribute("height", "10");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", "M1 5H29");
    path.setAttribute("class", `chart-line look-${look(number)}`);
    svg.append(path);
    return svg;
  }

  function epochsOf({epochs, planned}) {
    return planned ? `epoch ${epochs} of ${planned}` : epochs ? `epoch ${epochs}` : "no epoch yet";
  }

  function drawList(keys) {
    const numbers = looksOfGroups();
    const items = keys.map((key) => {
      const {name, status, epochs, planned, fault, why} = runs.get(key);
      return [key, name, status, epochs, planned, fault, why, shown.has(key), numbers.get(key)];
    });
    fill($("runs"), items, () => keys.map((key) => {
      const run = runs.get(key);
      const check = element("input", {type: "checkbox", "aria-label": `show ${run.name}`, "data-id": `show ${key}`,
        onchange: (event) => {
          if (event.target.checked) shown.add(key);
          else shown.delete(key);
          draw();
          ask();
        }});
      check.checked = shown.has(key);
      const swatch = element("button", {type: "button", class: shown.has(key) ? "swatch" : "swatch off",
        title: "another colour and other dashes", "aria-label": `another look for ${run.name}`, "data-id": `look ${key}`,
        onclick: () => {
          const next = (numbers.get(key) + 1) % (COLOURS * DASHES);
          for (const [other, number] of numbers) if (number === numbers.get(key)) looks.set(other, next);
          draw();
        }}, sample(numbers.get(key)));
      const name = element("button", {type: "button", class: "name", "data-id": `name ${key}`, title: "settings and pictures",
        onclick: () => openDialog(key)}, ...wrapping(run.name));
      const state = element("span", {class: "state", title: run.why},
        element("span", {class: `status-${run.status}`}, `${SYMBOLS[run.status] ?? ""} ${run.status}`),
        `, ${epochsOf(run)}`);
      const bar = run.status === "running" && run.planned
        ? element("progress", {max: run.planned, value: Math.min(run.epochs, run.planned), "aria-label": epochsOf(run)}) : null;
      const fault = run.fault ? element("span", {class: "state bad"}, run.fault) : null;
      return element("li", {"data-run": run.name}, check, swatch, name, state, bar, fault);
    }));
    const missing = !order.length ? "No run was found. A run is a folder with metrics.jsonl, metrics.csv or history.json, "
      + "which JSONLogger, CSVLogger and History.save write; one that begins later will appear."
      : !keys.length ? "No run matches the filter." : "";
    $("no-runs").textContent = missing;
    $("no-runs").hidden = !missing;
    const counts = new Map();
    for (const key of order) counts.set(runs.get(key).status, (counts.get(runs.get(key).status) ?? 0) + 1);
    const parts = RANKS.filter((one) => counts.has(one)).map((one) => `${counts.get(one)} ${one}`);
    const summary = `${order.length} ${order.length === 1 ? "run" : "runs"}${parts.length ? `: ${parts.join(", ")}` : ""}`;
    const listedOnly = keys.length < order.length ? `; the filter lists ${keys.length}` : "";
    if ($("counts").textContent !== summary + listedOnly) $("counts").textContent = summary + listedOnly;
  }

  function notes({notes: sentences, places}) {
    fill($("notes"), sentences, () => sentences.map((one) => element("li", null, one)));
    document.title = `${places.map((one) => one.split("/").at(-1) || one).join(", ")} – dlframe watch`;
  }

  // --- the table -------------------------------------------------------------------------------

  let table = []; // what it shows, for the CSV file

  const bestColumn = (name) => (
    {id: `best ${name}`, title: `best ${name}`, number: true, of: (run) => bestOf(run, name), best: name}
  );

  function drawTable(keys) {
    const measured = new Set(keys.flatMap((key) => Object.keys(runs.get(key).best)));
    measured.delete("seconds");
    // what runs are compared by, then their settings, then the rest
    const values = [...measured].sort((a, b) => isValidation(b) - isValidation(a));
    const first = Math.max(1, values.filter(isValidation).length);
    const {differing, equal} = settings(keys);
    const names = [...differing, ...($("equal").checked ? equal : [])];
    const columns = [
      {id: "name", title: "run", of: (run) => run.name},
      {id: "status", title: "status", of: (run) => run.status},
      {id: "epochs", title: "epochs done", number: true, of: (run) => run.epochs},
      {id: "seconds", title: "seconds", number: true, of: (run) => (run.seconds ? run.seconds : null)},
      ...values.slice(0, first).map(bestColumn),
      ...names.map((name) => ({id: `set ${name}`, title: name, of: (run) => own(run.config, name), setting: name})),
      ...values.slice(first).map(bestColumn),
    ];
    const by = columns.find((column) => column.id === sorting.by) ?? columns[0];
    const rows = [...keys].sort((a, b) => {
      const [one, other] = [by.of(runs.get(a)), by.of(runs.get(b))];
      const missing = (value) => value === null || value === undefined;
      if (missing(one) || missing(other)) return missing(one) - missing(other) || byName(a, b);
      const difference = typeof one === "number" && typeof other === "number" ? one - other
        : String(one).localeCompare(String(other), "en", {numeric: true});
      return (sorting.up ? difference : -difference) || byName(a, b);
    });
    // of each quantity the best run; of each setting the usual value
    for (const column of columns) {
      const found = keys.map((key) => column.of(runs.get(key)));
      if (column.best && keys.length > 1) {
        const known = found.filter((value) => value !== null);
        column.top = lowIsGood(column.best) ? Math.min(...known) : Math.max(...known);
      }
      if (column.setting) {
        const counts = new Map();
        const there = found.filter((value) => value !== undefined).map(text);
        for (const value of there) counts.set(value, (counts.get(value) ?? 0) + 1);
        const [first, most] = [...counts].sort((a, b) => b[1] - a[1])[0];
        column.usual = most > there.length / 2 ? first : null;
        column.several = names.indexOf(column.setting) < differing.length;
      }
    }
    table = [columns.map(({title}) => title), ...rows.map((key) => columns.map((column) => column.of(runs.get(key))))];
    $("compare-text").textContent = !keys.length ? "" : `${keys.length === 1 ? "The run" : `The ${keys.length} runs`} `
      + `of the list${differing.length ? "; settings that differ from the usual value are marked" : ""}. A heading sorts.`;
    const head = $("compare").tHead;
    fill(head, [columns.map(({id}) => id), sorting], () => [element("tr", null, ...columns.map((column) => element("th", {
      scope: "col", class: column.number ? "number" : "",
      "aria-sort": column.id === by.id ? (sorting.up ? "ascending" : "descending") : null,
    }, element("button", {type: "button", "data-id": column.id, onclick: () => {
      sorting = {by: column.id, up: sorting.by === column.id ? !sorting.up : !(column.best && !lowIsGood(column.best))};
      draw();
    }}, column.title))))]);
    const shows = rows.map((key) => [key, ...columns.map((column) => [column.of(runs.get(key)), column.top, column.usual])]);
    fill($("compare").tBodies[0], shows, () => rows.map((key) => {
      const run = runs.get(key);
      return element("tr", null, ...columns.map((column) => {
        const value = column.of(run);
        if (column.id === "name") {
          return element("th", {scope: "row"}, element("button", {type: "button", class: "name", "data-id": `row ${key}`,
            onclick: () => openDialog(key)}, ...wrapping(run.name)));
        }
        if (column.id === "status") return element("td", {class: `status-${value}`}, `${SYMBOLS[value] ?? ""} ${value}`);
        if (column.best) {
          if (value === null) return element("td", {class: "number"}, "");
          const best = value === column.top;
          return element("td", {class: "number"}, element("span", {class: best ? "best" : ""}, format(value)),
            element("span", {class: "at"}, ` at ${format(run.best[column.best][0])}`));
        }
        if (column.id === "seconds") return element("td", {class: "number"}, value === null ? "" : format(Number(value.toFixed(1))));
        if (column.number) return element("td", {class: "number"}, format(value));
        const differs = value !== undefined && column.usual !== null && text(value) !== column.usual;
        const looks = [differs ? "differs" : column.several ? "" : "same", text(value).length > 20 ? "long" : ""];
        return element("td", {title: text(value), class: looks.join(" ").trim()}, text(value));
      }));
    }));
    const link = `/curves.csv?runs=${keys.filter((key) => shown.has(key)).join(",")}`;
    $("save-curves").setAttribute("href", link);
  }

  function saveTable() {
    const cell = (value) => {
      if (typeof value === "number") return String(value);
      // a spreadsheet would take a text that begins so for a formula
      const safe = text(value).replace(/^[=+\-@\t\r]/, "'$&");
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const csv = table.map((row) => row.map((value) => (value === null ? "" : cell(value))).join(",")).join("\r\n");
    const url = URL.createObjectURL(new Blob([`${csv}\r\n`], {type: "text/csv"}));
    const link = element("a", {href: url, download: "runs.csv"});
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // --- one run ---------------------------------------------------------------------------------

  function pairs(caption, object) {
    const names = Object.keys(object);
    if (!names.length) return null;
    return element("details", {open: caption === "Settings"}, element("summary", null, caption),
      element("div", {class: "scrolls"}, element("table", {class: "pairs"}, element("tbody", null,
        ...names.map((name) => element("tr", null, element("th", {scope: "row"}, name), element("td", null, text(object[name]))))))));
  }

  function openDialog(key) {
    openRun = key;
    delete $("about-body").dataset.shows;
    drawDialog();
    if (!$("about").open) $("about").showModal();
  }

  function drawDialog() {
    const run = runs.get(openRun);
    if (!run) return;
    $("about-title").replaceChildren(...wrapping(run.name));
    const file = (name, time) => `/file?run=${encodeURIComponent(run.key)}&name=${encodeURIComponent(name)}&t=${time}`;
    fill($("about-body"), [run.key, run.status, run.why, run.fault, run.pictures, run.report, run.config, run.epochs], () => [
      element("p", null, element("span", {class: `status-${run.status}`}, `${SYMBOLS[run.status] ?? ""} ${run.status}`), `: ${run.why}`),
      run.fault ? element("p", {class: "bad"}, run.fault) : null,
      element("p", {class: "muted small"}, run.path, run.changed ? `, last written ${new Date(run.changed * 1000).toLocaleString()}` : ""),
      run.report ? element("p", null, element("a", {href: file("report.html", run.report), target: "_blank", rel: "noopener"}, "The report of this run")) : null,
      pairs("Last values", Object.fromEntries(Object.entries(run.last).map(([name, value]) => [name, typeof value === "number" ? format(value) : value || "not a number"]))),
      run.pictures.length ? element("div", {class: "pictures"}, ...run.pictures.map(([name, time]) => element("figure", null,
        element("a", {href: file(name, time), target: "_blank", rel: "noopener"},
          element("img", {class: "drawing", src: file(name, time), alt: name, loading: "lazy"})),
        element("figcaption", null, name)))) : null,
      pairs("Settings", run.config),
      pairs("Environment", run.environment),
    ].filter(Boolean));
  }

  // --- all of it -------------------------------------------------------------------------------

  let frame = null;

  function draw() {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      const keys = listed();
      drawList(keys);
      drawCharts(keys.filter((key) => shown.has(key)).sort(byName));
      drawTable(keys);
      if (openRun) drawDialog();
      remember();
    });
  }

  const REMEMBERED = ["filter", "regular", "order", "x", "roles", "smoothing", "log", "group", "equal"];

  /* What is chosen stands in the address, so that a reload, and a bookmark, keep it. */
  function remember() {
    const state = new URLSearchParams();
    for (const id of REMEMBERED) {
      const control = $(id);
      const value = control.type === "checkbox" ? (control.checked ? "1" : "") : control.value;
      const usual = control.type === "checkbox" ? "" : control.dataset.usual;
      if (value !== usual) state.set(id, value);
    }
    const hash = state.size ? `#${state}` : "";
    if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname);
    $("smoothing-is").textContent = $("smoothing").value;
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const id of REMEMBERED) {
      const control = $(id);
      control.dataset.usual = control.value;
      if (!state.has(id)) continue;
      if (control.type === "checkbox") control.checked = state.get(id) === "1";
      else control.value = state.get(id);
      if (control.value === "") control.value = control.dataset.usual; // a choice that there is not
    }
  }

  function connected(yes) {
    $("link").hidden = yes;
  }

  let news = null;

  function listen() {
    // a page that nobody sees costs nothing, and browsers allow few open connections
    if (document.hidden) {
      news?.close();
      news = null;
    } else if (!news) {
      news = new EventSource("/news");
      news.onopen = () => ask();
      news.onmessage = () => ask();
      news.onerror = () => connected(false);
    }
  }

  recall();
  for (const id of REMEMBERED) $(id).addEventListener("input", draw);
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("all").addEventListener("click", () => {
    for (const key of listed()) shown.add(key);
    draw();
    ask();
  });
  $("none").addEventListener("click", () => {
    for (const key of listed()) shown.delete(key);
    draw();
  });
  $("save-table").addEventListener("click", saveTable);
  $("about").addEventListener("close", () => { openRun = null; });
  $("about").addEventListener("click", (event) => { if (event.target === $("about")) $("about").close(); });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !$("about").open) {
      event.preventDefault();
      $("panel").open = true;
      $("filter").focus();
    }
  });
  document.addEventListener("visibilitychange", listen);
  listen();
})();
