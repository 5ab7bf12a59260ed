// HostConfig.Secrets: Gantry's own field of POST /containers/create. Docker knows secrets in a swarm only. Described in docs/secrets.md.

import { type Decoded, type Decoder, integer, array as list, object, string } from "#base/decode.ts";
import type { HostConfig } from "./definitions.table.ts";

export const secretLimits = {
  /** Of one secret; that of Docker's swarm. */
  bytes: 500 * 1024,
  /** Of one container. */
  count: 128,
};

/** As it stands in the request. */
export interface SecretSpec {
  /** Names the secret, and its file where Target does not. */
  readonly ID: string;
  /** Base64. Never given back. */
  readonly Data: string;
  /** A path, or a name in /run/secrets. */
  readonly Target?: string;
  readonly UID?: number;
  readonly GID?: number;
  /** Permission bits as a number: 0444 (292) if not given. */
  readonly Mode?: number;
}

export type HostConfigWithSecrets = HostConfig & { readonly Secrets?: readonly SecretSpec[] };

export const decodeSecretSpecs: Decoder<readonly SecretSpec[]> = list(
  object({ ID: string, Data: string }, { Target: string, UID: integer, GID: integer, Mode: integer }),
);

/** What is kept of a secret with its container: all but the content. */
export const decodeSecretFile = object(
  { id: string, /** Absolute path. */ target: string, uid: integer, gid: integer, mode: integer },
  {},
);
export type SecretFile = Decoded<typeof decodeSecretFile>;
