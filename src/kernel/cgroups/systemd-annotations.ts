// Properties of the unit that the container's annotations ask for: "org.systemd.property.TimeoutStopUSec": "uint64 5000000".

import { invalid } from "#base/errors.ts";
import type { DbusVariant } from "#formats/dbus/signature.ts";
import type { UnitProperty } from "../systemd/units.ts";

const prefix = "org.systemd.property.";

export const annotatedProperties = (
  annotations: Readonly<Record<string, string>> = {},
): readonly UnitProperty[] =>
  Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => {
      const name = key.slice(prefix.length);
      if (!/^[A-Za-z]{3,}$/.test(name)) throw invalid(`annotation ${key} name incorrect: ${name}`);
      const value = parseVariant(text);
      if (value === undefined) throw invalid(`annotation ${key}=${text} value parse error`);
      return inMicroseconds(name, value) ?? { name, value };
    });

const numberTypes: Readonly<Record<string, string>> = {
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
  byte: "y",
};

/** GVariant text, as much as units need: strings, booleans, numbers with or without their type, lists of strings. */
function parseVariant(text: string): DbusVariant | undefined {
  const trimmed = text.trim();
  if (trimmed === "true" || trimmed === "false") return { signature: "b", value: trimmed === "true" };
  const quoted = /^(['"])(.*)\1$/.exec(trimmed);
  if (quoted !== null && !/['"\\]/.test(quoted[2] ?? "")) return { signature: "s", value: quoted[2] ?? "" };
  const list = /^\[\s*('[^']*'(?:\s*,\s*'[^']*')*)?\s*\]$/.exec(trimmed);
  if (list !== null)
    return { signature: "as", value: [...(list[1] ?? "").matchAll(/'([^']*)'/g)].map(([, one = ""]) => one) };
  const [, type = "int32", digits] = /^(?:(\w+) )?(-?\d+)$/.exec(trimmed) ?? [];
  const signature = numberTypes[type];
  return digits === undefined || signature === undefined ? undefined : { signature, value: BigInt(digits) };
}

/** Seconds of a unit file are microseconds over D-Bus: "TimeoutStopSec" is "TimeoutStopUSec". */
function inMicroseconds(name: string, { value }: DbusVariant): UnitProperty | undefined {
  if (!name.endsWith("Sec") || name.endsWith("USec") || typeof value !== "bigint") return undefined;
  return {
    name: `${name.slice(0, -"Sec".length)}USec`,
    value: { signature: "t", value: value * 1_000_000n },
  };
}
