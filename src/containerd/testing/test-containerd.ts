// A containerd layer in a temporary folder, for tests; what a suite gets to work with.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalContainerd, type LocalContainerdOptions } from "../local.ts";
import type { ContainerdServices } from "../services.ts";
import type { SnapshotterName } from "../snapshots/snapshotter-name.ts";
import type { TaskUsage } from "../tasks/usage.ts";
import { FakeShims } from "./fake-shims.ts";

export interface TestContainerd extends AsyncDisposable {
  readonly services: ContainerdServices;
  readonly shims: FakeShims;
  readonly folder: string;
  /** Advances the layer's clock, in milliseconds. */
  readonly advance: (milliseconds: number) => void;
}

/** `folder`: go on with what an earlier one left there, and leave it. */
export async function openTestContainerd(
  folder?: string,
  shims = new FakeShims(),
  snapshotter: SnapshotterName = "overlayfs",
  copyTree?: LocalContainerdOptions["copyTree"],
): Promise<TestContainerd> {
  const root = folder ?? mkdtempSync(join(tmpdir(), "gantry-containerd-"));
  let now = 1_700_000_000_000;
  const services = await createLocalContainerd({
    root: join(root, "root"),
    execRoot: join(root, "run"),
    shims,
    snapshotter,
    ...(copyTree !== undefined && { copyTree }),
    openDiff: () => ({
      apply: async (_scope, layer) => ({ ...layer, mediaType: "application/vnd.oci.image.layer.v1.tar" }),
      compare: () => Promise.reject(new Error("nothing is packed here")),
    }),
    readers: {
      metrics: async () => fakeUsage,
      explain: () => [{ index: 0, host: true, why: "root", call: 'mount("x")' }],
    },
    now: () => now,
    patience: 10,
  });
  return {
    services,
    shims,
    folder: root,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    [Symbol.asyncDispose]: async () => {
      await services[Symbol.asyncDispose]();
      if (folder === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

export const fakeUsage: TaskUsage = {
  readAt: 1_700_000_000_000,
  cpu: { total: 5, user: 3, kernel: 2, perCpu: [5], periods: 0, throttledPeriods: 0, throttledTime: 0 },
  memory: { usage: 4096, limit: 0, maxUsage: 8192, failures: 0, stat: { cache: 1 }, oomKills: 0 },
  pids: { current: 3, limit: 0 },
  blockIo: [{ major: 8, minor: 0, op: "Read", bytes: 512, operations: 1 }],
};

export const scope = { namespace: "test" };

export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}
