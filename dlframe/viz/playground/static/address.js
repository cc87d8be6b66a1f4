/* The settings in the page's address, after the #: those that differ from the defaults. */

const isList = (value) => Array.isArray(value);

/** Write the settings into the address, without a new entry in the browser's history. */
export function writeHash(settings, defaults) {
  const parts = [];
  for (const [name, value] of Object.entries(settings)) {
    if (JSON.stringify(value) === JSON.stringify(defaults[name])) continue;
    parts.push(`${name}=${encodeURIComponent(text(name, value)).replaceAll("%2C", ",")}`);
  }
  if (!parts.length) parts.push(`data=${settings.data}`); // the server may begin with others
  window.history.replaceState(null, "", `#${parts.join("&")}`);
}

function text(name, value) {
  if (name === "own") return value.map((point) => point.join(",")).join("_");
  return isList(value) ? value.join(",") : String(value);
}

/** The settings of the address; null if there are none. What cannot be, the server refuses. */
export function readHash(defaults) {
  const hash = window.location.hash.slice(1);
  if (!hash) return null;
  const found = {};
  for (const part of hash.split("&")) {
    const [name, ...rest] = part.split("=");
    let value = rest.join("=");
    try {
      value = decodeURIComponent(value);
    } catch {
      // as it stands: the server says what is wrong with it
    }
    found[name] = parsed(name, value, defaults[name]);
  }
  return found;
}

function parsed(name, value, like) {
  if (name === "own") {
    return value === "" ? [] : value.split("_").map((point) => point.split(",").map(number));
  }
  if (isList(like)) {
    const parts = value === "" ? [] : value.split(",");
    return typeof like[0] === "number" ? parts.map(number) : parts;
  }
  if (typeof like === "boolean") return value === "true" ? true : value === "false" ? false : value;
  return typeof like === "number" ? number(value) : value;
}

/* A number, or the text itself, which the server refuses with its name. */
function number(value) {
  return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
