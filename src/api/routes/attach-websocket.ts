// GET /containers/{id}/attach/ws: attach for browsers. The output is not framed: what both streams say comes as it is said.

import { Duplex } from "node:stream";
import { attachContainer } from "#engine/containers/attach.ts";
import type { ContainersDeps } from "#engine/containers/wiring.ts";
import { LogPayloads } from "#formats/log-payloads.ts";
import { queryFlag } from "../query.ts";
import type { Route } from "../router.ts";

export const attachWebSocketRoutes = (deps: ContainersDeps): readonly Route[] => [
  {
    method: "GET",
    path: "/containers/:id/attach/ws",
    handle: async ({ params, query, version }) => {
      const wants = (stream: string): boolean => version.minor < 42 || queryFlag(query, stream);
      const attachment = attachContainer(deps, params.id ?? "", {
        stdin: wants("stdin"),
        stdout: wants("stdout"),
        stderr: wants("stderr"),
        logs: queryFlag(query, "logs"),
        stream: queryFlag(query, "stream"),
        detachKeys: query.get("detachKeys") ?? "",
      });
      return {
        kind: "websocket",
        text: version.minor < 28,
        serve: (socket) => attachment.serve(attachment.tty ? socket : new Unframed(socket), deps.signal),
      };
    },
  },
];

/** Takes the frames off what is written to the socket. */
class Unframed extends Duplex {
  readonly #socket: Duplex;
  readonly #payloads = new LogPayloads();

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    socket.on("error", () => this.destroy());
    if (socket.destroyed) this.destroy();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const payload = this.#payloads.take(chunk);
    if (payload.length === 0 || this.#socket.write(payload)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
