// What a fault proxy does to the requests that pass through it, and how a test starts one.

import { join } from "node:path";
import { type Background, startBackground } from "../system/process.ts";

export interface Fault {
  /** An expression for "METHOD /path?query". */
  readonly on: string;
  /** How many requests it happens to; default 1. The first fault that is left for a request is taken. */
  readonly times?: number;
  /** Only if the answer has at least so many bytes. */
  readonly larger?: number;
  readonly what:
    | { readonly kind: "cut request" | "cut answer"; readonly after: number }
    /** Stands still after this share of the answer, until the client goes. */
    | { readonly kind: "stall"; readonly share: number }
    /** The request goes no further. */
    | {
        readonly kind: "answer";
        readonly status: number;
        readonly headers?: Readonly<Record<string, string>>;
        readonly body?: string;
      };
}

export interface FaultProxy extends Background {
  /** "127.0.0.1:5010" */
  readonly address: string;
  /** Each request that has ended: "PUT /v2/… 10000/- 201 0/0", bytes of the request's body and of the answer's that passed, of how many. */
  passed(): readonly string[];
}

/** The owner ends it. */
export async function startFaultProxy(
  netns: string,
  { port, upstream }: { readonly port: number; readonly upstream: string },
  faults: readonly Fault[],
): Promise<FaultProxy> {
  const program = join(import.meta.dirname, "fault-proxy.ts");
  const command = [process.execPath, program, String(port), upstream, JSON.stringify(faults)];
  const proxy = startBackground(command, { netns });
  await proxy.line(/^listening$/);
  return {
    ...proxy,
    address: `127.0.0.1:${port}`,
    passed: () =>
      proxy
        .output()
        .split("\n")
        .filter((line) => / \/v2\//.test(line)),
  };
}
