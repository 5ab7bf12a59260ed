// What the resolver of a sandbox knows by itself, and what it is told about the world outside.

/** The names of the networks that a sandbox is attached to. */
export interface NameDirectory {
  /** Addresses of a name in lower case; either list may be empty. undefined: there is no such name. */
  forward(
    sandboxId: string,
    name: string,
  ): { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] } | undefined;
  /** The whole name of an address: "web.net1". */
  reverse(sandboxId: string, address: string): string | undefined;
}

export interface Upstream {
  readonly address: string;
  /** Asked from the host's network namespace and not the sandbox's: it is on the host's loopback, as systemd-resolved's 127.0.0.53. */
  readonly fromHost: boolean;
}

export interface NameSettings {
  /** In the order in which they are to be believed. */
  readonly upstreams: readonly Upstream[];
  /** False: no question ever leaves, as the sandbox has internal networks only. */
  readonly mayAskOutside: boolean;
  /** Somebody has chosen `ndots`: names of one label are not asked for outside, so that the client goes on to its search domains. */
  readonly keepsSingleLabels: boolean;
}
