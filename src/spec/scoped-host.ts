// --scoped-host and `scoped-hosts`: an address that serves a part of the API only. Gantry's own; docs/daemon.md tells of it.
//   host=unix:///run/gantry/read-only.sock,scope=read-only,group=monitoring
//   host=unix:///run/gantry/web.sock,scope=label,label=team=web

import { invalid } from "#base/errors.ts";

export type Scope =
  | { readonly kind: "read-only" }
  /** Containers that carry it, and those alone. */
  | { readonly kind: "label"; readonly name: string; readonly value: string };

export interface ScopedHost {
  readonly host: string;
  readonly scope: Scope;
  /** Of the unix socket; "" is the daemon's own. */
  readonly group: string;
}

/** Attributes of events have these names, too: a label could not be told from them. */
const reserved = [
  ...["comment", "container", "execDuration", "execID", "exitCode", "height", "image", "imageID", "imageRef"],
  ...["name", "oldName", "signal", "width"],
];

const keys = ["host", "scope", "label", "group"];

/** Throws `invalid`. */
export const decodeScopedHosts = (texts: readonly string[]): readonly ScopedHost[] =>
  gather(texts).map(decodeScopedHost);

/** A flag's commas have separated what belongs together: each "host=" begins a new one. */
function gather(texts: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const text of texts)
    if (text.startsWith("host=") || whole.length === 0) whole.push(text);
    else whole.push(`${whole.pop()},${text}`);
  return whole;
}

function decodeScopedHost(text: string): ScopedHost {
  const fields = new Map(text.split(",").map((field) => splitField(text, field)));
  const host = fields.get("host") ?? "";
  if (host === "") throw invalid(`invalid scoped-host "${text}": host=… is missing`);
  return { host, scope: decodeScope(text, fields), group: fields.get("group") ?? "" };
}

function splitField(text: string, field: string): readonly [string, string] {
  const at = field.indexOf("=");
  const name = field.slice(0, at);
  if (at < 0 || !keys.includes(name))
    throw invalid(`invalid scoped-host "${text}": ${field}: expected host=, scope=, label= or group=`);
  return [name, field.slice(at + 1)];
}

function decodeScope(text: string, fields: ReadonlyMap<string, string>): Scope {
  const [scope, label] = [fields.get("scope"), fields.get("label")];
  if (scope === "read-only" && label === undefined) return { kind: "read-only" };
  const [, name = "", value = ""] = /^([^=]+)=(.*)$/.exec(label ?? "") ?? [];
  if (reserved.includes(name))
    throw invalid(`invalid scoped-host "${text}": a label named ${name} is no scope`);
  if (scope === "label" && name !== "") return { kind: "label", name, value };
  throw invalid(
    `invalid scoped-host "${text}": expected scope=read-only, or scope=label with label=NAME=VALUE`,
  );
}
