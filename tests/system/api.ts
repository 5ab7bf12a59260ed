// The Engine API without a client, for what a client would be too slow for.

import { Agent, request } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Api extends Disposable {
  /** Rejects only if there is no answer, or none for minutes. */
  send(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Rejects for a status of 400 or more, too. Resolves with what was answered, parsed; "" if it was nothing. */
  ask(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** Less than a test may take (tools/test.ts). */
const PATIENCE_MS = 240_000;

/** A body of bytes is sent as it is, any other as JSON. */
export function openApi(socketPath: string): Api {
  const agent = new Agent({ keepAlive: true });
  const send: Api["send"] = (method, path, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const isRaw = body instanceof Uint8Array;
    const headers = { "Content-Type": isRaw ? "application/x-tar" : "application/json" };
    const outgoing = request({ socketPath, method, path, headers, agent }, (response) => {
      const { statusCode: status = 0 } = response;
      buffer(response).then((answer) => resolve({ status, body: answer }), reject);
    });
    outgoing
      .setTimeout(PATIENCE_MS, () => outgoing.destroy(new Error(`${method} ${path}: no answer`)))
      .on("error", reject)
      .end(body === undefined ? undefined : isRaw ? body : JSON.stringify(body));
    return promise;
  };
  return {
    send,
    ask: async (method, path, content) => {
      const { status, body } = await send(method, path, content);
      const text = body.toString();
      if (status >= 400) throw new ApiError(status, `${method} ${path}: ${status} ${text}`);
      return text === "" ? "" : JSON.parse(text);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
