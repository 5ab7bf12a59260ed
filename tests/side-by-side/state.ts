// What an engine holds after a step: inspect, the list's entry and the volume of everything that the step's words name.

import { get } from "node:http";
import { isRecord } from "#base/decode.ts";
import type { Client } from "../system/engine.ts";

type Json = Readonly<Record<string, unknown>>;

/** The parsed answer of GET, at the version that the peer speaks. */
async function ask(client: Client, path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  get({ socketPath: client.socket, path: `/v1.41${path}`, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () => resolve(JSON.parse(text)));
    response.on("error", reject);
  }).on("error", reject);
  return promise;
}

/** Fields whose values are an engine's own: where it keeps things, and what it hands out by chance. */
const own: ReadonlySet<string> = new Set([
  ...["Id", "ID", "Image", "ImageID", "Pid", "SandboxID", "EndpointID", "NetworkID", "ExecIDs"],
  ...["ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "SandboxKey", "GraphDriver"],
  ...["Created", "CreatedAt", "Status", "Log", "FailingStreak"],
  // Which address a container gets depends on what other walks run meanwhile.
  ...["IPAddress", "MacAddress"],
  // The newer daemon, whose words we print, knows more to hide.
  ...["MaskedPaths", "ReadonlyPaths"],
  // Fields of newer releases; an older client ignores them.
  ...["DNSNames", "GwPriority"],
]);

const isTime = (value: string): boolean => /^\d{4}-\d\d-\d\dT/.test(value);

function comparableText(key: string, value: string): string {
  if (isTime(value)) return value.startsWith("0001") ? "NEVER" : "TIME";
  // Since 26.0 the record says which network it is.
  if (key === "NetworkMode" && value === "default") return "bridge";
  if (key === "HostPort" && Number(value) >= 32768) return "PORT";
  return value
    .replace(/^failed to set up container networking: /, "") // newer words
    .replaceAll(/\/tmp\/gantry-(engine|peer)-\w+/g, "DIR")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT");
}

/** The value without what may differ; keys in order. */
function comparable(key: string, value: unknown): unknown {
  if (typeof value === "string") return comparableText(key, value);
  if (key === "PublicPort" && Number(value) >= 32768) return "PORT";
  // The 28.2 client sends variables and binds in the order of a hash table.
  if (["Binds", "Env"].includes(key) && Array.isArray(value)) return value.toSorted();
  if (Array.isArray(value)) return value.map((item: unknown) => comparable(key, item));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      // State.Status is a fact; the list's Status is a text with a time in it.
      .filter(([name]) => !own.has(name) || (name === "Status" && key === "State"))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => [comparableText("", name), comparable(name, item)]),
  );
}

/** The list's entry by its name, mounts in order. */
async function listed(client: Client, name: string): Promise<unknown> {
  const filters = encodeURIComponent(JSON.stringify({ name: [`^/${name}$`] }));
  return ask(client, `/containers/json?all=1&filters=${filters}`);
}

const sortMounts = (value: unknown): unknown => {
  if (!isRecord(value) || !Array.isArray(value.Mounts)) return value;
  const mounts: readonly Json[] = value.Mounts.filter(isRecord);
  const byPlace = mounts.toSorted((one, other) =>
    String(one.Destination) < String(other.Destination) ? -1 : 1,
  );
  // dockerd's list does not tell where an anonymous volume is.
  const isAnonymous = ({ Name }: Json): boolean => /^[0-9a-f]{64}$/.test(String(Name));
  return {
    ...value,
    Mounts: byPlace.map((mount) => (isAnonymous(mount) ? { ...mount, Source: "" } : mount)),
  };
};

async function stateOf(client: Client, name: string): Promise<unknown> {
  const path = encodeURIComponent(name);
  const [inspected, entries, volume] = await Promise.all([
    ask(client, `/containers/${path}/json`),
    listed(client, name),
    ask(client, `/volumes/${path}`),
  ]);
  const entry = Array.isArray(entries) ? entries.map(sortMounts) : entries;
  return comparable("", { inspected: sortMounts(inspected), entry, volume });
}

const NAME = /^[a-zA-Z0-9][\w.-]+$/;

/** Names that a walk gives to containers and volumes: `--name x`, `rename x y`, `volume create x`, `-v x:/d`, `src=x`. */
export function namesGiven(words: readonly string[]): readonly string[] {
  const [verb, noun] = words;
  const named = words.flatMap((word, at) => {
    const before = words[at - 1] ?? "";
    if (before === "--name" || (verb === "rename" && at > 0)) return [word];
    if (verb === "volume" && noun === "create" && at > 1) return [word];
    if (before === "-v") return [word.split(":")[0] ?? ""];
    return [/\b(?:src|source)=([^,]+)/.exec(word)?.[1] ?? ""];
  });
  return [...new Set(named.filter((name) => NAME.test(name)))];
}

/** By name: what the engine has of it. */
export async function readState(client: Client, names: readonly string[]): Promise<unknown> {
  const states = await Promise.all(names.map((name) => stateOf(client, name)));
  return Object.fromEntries(states.map((state, at) => [names[at] ?? "", state]));
}
