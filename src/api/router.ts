// Routes as data. A route parses, calls one verb, encodes. The server (server.ts) matches, negotiates the version, maps errors.

import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";

/** 1.41 is { minor: 41 }. */
export interface ApiVersion {
  readonly minor: number;
}

export interface ApiCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly version: ApiVersion;
  /** The raw body. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The body as JSON, size-limited; undefined when empty. Rejects `invalid` in Docker's words. */
  json(): Promise<unknown>;
  /** Aborts when the client hangs up. */
  readonly signal: AbortSignal;
}

export type ApiResponse =
  | {
      readonly kind: "empty";
      readonly status: 200 | 201 | 204;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "json";
      readonly status: number;
      readonly value: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** JSON that is encoded already. */
  | {
      readonly kind: "encoded";
      readonly status: 200;
      readonly text: string;
    }
  | {
      readonly kind: "text";
      readonly status: number;
      readonly text: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Headers are flushed at once; each chunk is flushed as it comes. */
  | {
      readonly kind: "stream";
      readonly status: number;
      readonly contentType: string;
      /** See StreamHead. */
      readonly givenAway?: boolean;
      readonly chunks: AsyncIterable<Uint8Array | string>;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** 101 UPGRADED when the client asked for an upgrade, else 200 with the raw stream. `serve` owns the socket till it resolves. */
  | {
      readonly kind: "hijack";
      readonly contentType: string;
      readonly serve: (socket: Duplex) => Promise<void>;
    }
  /** Messages of binary data, or of text for old clients. */
  | {
      readonly kind: "websocket";
      readonly text: boolean;
      readonly serve: (socket: Duplex) => Promise<void>;
    };

export interface Route {
  readonly method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
  /** "/containers/:id/json"; a parameter written ":name*" also matches slashes (image names). */
  readonly path: string;
  readonly minVersion?: number;
  readonly handle: (call: ApiCall) => Promise<ApiResponse>;
}
