// Work for a daemon: containers are created, started, changed, looked into, copied to, committed, stopped and removed, each step written
// down when it is acknowledged. It goes on until the daemon is gone.

import assert from "node:assert/strict";
import type { Api } from "../system/api.ts";
import { type Entry, newEntry } from "./ledger.ts";
import type { Chance } from "./seed.ts";

interface Work {
  readonly api: Api;
  readonly chance: Chance;
  readonly ledger: Entry[];
  /** An archive with the file "copied". */
  readonly archive: Uint8Array;
}

/** Asks, and remembers that it asked until the answer is there. */
export async function step(
  entry: Entry,
  pending: NonNullable<Entry["pending"]>,
  act: () => Promise<unknown>,
): Promise<unknown> {
  entry.pending = pending;
  const answer = await act();
  delete entry.pending;
  return answer;
}

async function oneThatEnds(work: Work, entry: Entry): Promise<void> {
  const { api } = work;
  const { name, exitCode = 0 } = entry;
  const config = { Image: "busybox", Cmd: ["sh", "-c", `exit ${exitCode}`] };
  await step(entry, "create", () => api.ask("POST", `/containers/create?name=${name}`, config));
  entry.status = "created";
  await step(entry, "start", () => api.ask("POST", `/containers/${name}/start`));
  entry.status = "running";
  const waited = Object(await step(entry, "other", () => api.ask("POST", `/containers/${name}/wait`)));
  assert.equal(waited.StatusCode, exitCode);
  entry.status = "exited";
}

async function oneThatStays(work: Work, entry: Entry): Promise<void> {
  const { api } = work;
  const { name } = entry;
  const config = { Image: "busybox", Cmd: ["sleep", "9999"], StopSignal: "SIGKILL" };
  await step(entry, "create", () => api.ask("POST", `/containers/create?name=${name}`, config));
  entry.status = "created";
  await step(entry, "start", () => api.ask("POST", `/containers/${name}/start`));
  entry.status = "running";
  for (let changes = work.chance.pick(4); changes > 0; changes--) await change(work, entry);
  if (work.chance.pick(3) === 0) return;
  await step(entry, "stop", () => api.ask("POST", `/containers/${name}/stop`));
  entry.status = "exited";
}

async function change(work: Work, entry: Entry): Promise<void> {
  const { api } = work;
  const { name } = entry;
  switch (work.chance.pick(3)) {
    case 0: {
      const file = `made${entry.files.length}`;
      const exec = { Cmd: ["touch", `/${file}`], AttachStdout: true };
      const { Id } = Object(
        await step(entry, "other", () => api.ask("POST", `/containers/${name}/exec`, exec)),
      );
      await step(entry, "other", () => api.send("POST", `/exec/${Id}/start`, {}));
      const { ExitCode } = Object(await step(entry, "other", () => api.ask("GET", `/exec/${Id}/json`)));
      assert.equal(ExitCode, 0);
      entry.files.push(file);
      return;
    }
    case 1:
      await step(entry, "other", () => api.ask("PUT", `/containers/${name}/archive?path=/`, work.archive));
      entry.files.push("copied");
      return;
    default: {
      const tag = `${name}:${entry.images.size}`;
      const query = `container=${name}&repo=${name}&tag=${entry.images.size}`;
      const { Id } = Object(await step(entry, "other", () => api.ask("POST", `/commit?${query}`, {})));
      entry.images.set(tag, Id);
    }
  }
}

async function remove(work: Work, entry: Entry): Promise<void> {
  await step(entry, "remove", () => work.api.ask("DELETE", `/containers/${entry.name}?force=1`));
  entry.status = "removed";
}

/** The daemon does not answer any more. */
export const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && /^E(CONN|PIPE)/.test(String(error.code));

/** One user. Ends when the daemon does not answer any more; rejects when it answers wrongly. */
export async function work(work: Work, prefix: string): Promise<void> {
  try {
    for (let number = 0; ; number++) {
      const ends = work.chance.pick(2) === 0;
      const entry = newEntry(`${prefix}-${number}`, ends ? 1 + work.chance.pick(200) : undefined);
      work.ledger.push(entry);
      await (ends ? oneThatEnds(work, entry) : oneThatStays(work, entry));
      if (work.chance.pick(2) === 0) await remove(work, entry);
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
