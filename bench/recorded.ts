// A daemon's answers from memory: what a client takes of them is its own time.

import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Api } from "../tests/system/api.ts";

export interface Recorded extends AsyncDisposable {
  /** DOCKER_HOST value. */
  readonly host: string;
}

/** Serves /_ping and what that daemon answers to `path` now. */
export async function serveRecorded(api: Api, path: string): Promise<Recorded> {
  const { body } = await api.send("GET", path);
  const folder = await mkdtemp(join(tmpdir(), "gantry-recorded-"));
  const server = createServer(({ url = "" }, response) => {
    const isPing = url.endsWith("/_ping");
    response.writeHead(200, {
      "Content-Type": isPing ? "text/plain" : "application/json",
      "Api-Version": "1.50",
      Ostype: "linux",
    });
    response.end(isPing ? "OK" : body);
  });
  const socket = join(folder, "docker.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    host: `unix://${socket}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}
