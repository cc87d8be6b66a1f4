/* Talks with the server: commands, and the frames that packing.py makes. */

export const AWAY = "The playground's server does not answer. Is it still running? "
  + "This page goes on when it is back.";

/** The error of a command to which nobody answers. */
export class Away extends Error {}

/** Whether the server answers. */
export async function answers() {
  try {
    return (await fetch("/api/choices", {cache: "no-store"})).ok;
  } catch {
    return false;
  }
}

/** Send a command; an Error with the server's sentence if it was refused, Away if there is none. */
export async function command(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify(body),
    });
  } catch {
    throw new Away(AWAY);
  }
  if (!response.ok) {
    const said = await response.json().catch(() => ({}));
    throw new Error(said.error ?? `The server answered with status ${response.status}.`);
  }
  const kind = response.headers.get("content-type") ?? "";
  return kind.startsWith("application/json") ? response.json() : unpack(await response.arrayBuffer());
}

const KINDS = {u1: Uint8Array, i1: Int8Array, f4: Float32Array};

/** The numbers and the arrays of a frame; each array is {shape, data}. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const {name, dtype, shape, at} of head.arrays) {
    const count = shape.reduce((product, n) => product * n, 1);
    arrays[name] = {shape, data: new KINDS[dtype](buffer, 4 + length + at, count)};
  }
  return {numbers: head.numbers, arrays};
}
