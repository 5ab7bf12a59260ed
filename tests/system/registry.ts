// A real registry (Debian's docker-registry) on loopback inside a test's network namespace.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBackground } from "./process.ts";

export interface Registry extends AsyncDisposable {
  /** "127.0.0.1:5000" */
  readonly address: string;
}

export async function startRegistry(netns: string, port = 5000): Promise<Registry> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "gantry-registry-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  const address = `127.0.0.1:${port}`;
  const lines = [
    "version: 0.1",
    "log: { level: info }",
    `storage: { filesystem: { rootdirectory: ${dir}/data }, delete: { enabled: true } }`,
    `http: { addr: "${address}", secret: test }`,
  ];
  await writeFile(join(dir, "config.yml"), lines.join("\n"));
  const registry = startBackground(["docker-registry", "serve", join(dir, "config.yml")], { netns });
  undo.defer(() => registry.end());
  await registry.line(/listening on/);
  const cleanup = undo.move();
  return { address, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
