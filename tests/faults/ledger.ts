// What a daemon has acknowledged, and what it must therefore still know after it was killed.

import assert from "node:assert/strict";
import type { Api } from "../system/api.ts";

type Status = "created" | "running" | "exited";

/** One container as its user knows it. */
export interface Entry {
  readonly name: string;
  /** How it ends by itself once it is started; undefined: it does not. */
  readonly exitCode?: number;
  /** What was acknowledged last; undefined: nothing yet. */
  status?: Status | "removed";
  /** Something was asked and not answered: the daemon may have done it or not. */
  pending?: "create" | "start" | "stop" | "remove" | "other";
  /** Files that are in it. */
  readonly files: string[];
  /** Images that were made of it, by name. */
  readonly images: Map<string, string>;
}

export const newEntry = (name: string, exitCode?: number): Entry => ({
  name,
  files: [],
  images: new Map(),
  ...(exitCode !== undefined && { exitCode }),
});

/** Every fact of the ledger, of a daemon that has started again. */
export async function checkEntry(api: Api, entry: Entry): Promise<void> {
  const { status, body } = await api.send("GET", `/containers/${entry.name}/json`);
  const state = status === 200 ? JSON.parse(body.toString()).State : undefined;
  const story = `${entry.name}: acknowledged ${entry.status}, asked ${entry.pending}, found ${JSON.stringify(state ?? status)}`;
  for (const [reference, id] of entry.images) {
    const image = Object(await api.ask("GET", `/images/${reference}/json`));
    assert.equal(image.Id, id, story);
  }
  if (state === undefined) {
    const mayBeGone = entry.status === undefined || entry.status === "removed" || entry.pending === "remove";
    assert.ok(mayBeGone, story);
    return;
  }
  assert.notEqual(entry.status, "removed", story);
  assert.ok(allowed(entry).includes(state.Status), story);
  if (state.Status === "exited") assert.equal(state.ExitCode, entry.exitCode ?? 137, story);
  for (const file of entry.files) {
    const found = await api.send("HEAD", `/containers/${entry.name}/archive?path=/${file}`);
    assert.equal(found.status, 200, `${story}; ${file}`);
  }
}

function allowed({ status, pending, exitCode }: Entry): readonly string[] {
  const started = exitCode === undefined ? ["running"] : ["running", "exited"];
  if (status === undefined || status === "created")
    return pending === "start" ? ["created", ...started] : ["created"];
  if (status === "running")
    return pending === "stop" || pending === "remove" ? ["running", "exited", "removing"] : started;
  return ["exited", "removing"];
}
