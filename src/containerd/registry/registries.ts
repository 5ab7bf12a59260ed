// The registries as the daemon is told to reach them: what a pull, a push or a login begins with.

import { systemError } from "#base/errors.ts";
import type { Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import { Authorizer } from "./authorizer.ts";
import { findHostsFile, readNamedFiles, readTlsFiles } from "./certificates.ts";
import { RegistryConnection, UnreachableError } from "./connection.ts";
import {
  apiHostOf,
  type Capability,
  type Endpoint,
  planEndpoints,
  planHosts,
  type RegistryConfig,
} from "./endpoints.ts";
import { HttpTransport, type Trust } from "./http-transport.ts";
import type { ProxyFor } from "./proxies.ts";

export interface RegistryOptions {
  readonly registries: RegistryConfig;
  readonly userAgent: string;
  readonly proxyFor: ProxyFor;
  /** Milliseconds. */
  readonly now: () => number;
}

/** What is asked of a registry, by whom. */
export interface RegistryAccess {
  readonly domain: string;
  readonly capability: Capability;
  readonly credentials: Credentials | undefined;
  /** A login: token servers are asked for an identity token. */
  readonly offline?: boolean;
}

export interface OpenedRegistry {
  readonly connection: RegistryConnection;
  readonly authorizer: Authorizer;
}

/** Connections of one pull, push or login; disposing closes them. */
export class Registries implements Disposable {
  readonly #options: RegistryOptions;
  readonly #transport: HttpTransport;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#transport = new HttpTransport(options);
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  /** The addresses that can be asked, in order: mirrors, then the registry itself. */
  async endpoints({ domain, capability }: RegistryAccess): Promise<readonly Endpoint[]> {
    const { registries } = this.#options;
    const file = await findHostsFile(registries.certsDirs, domain);
    const all = file === undefined ? planEndpoints(domain, registries) : planHosts(domain, file, registries);
    const able = all.filter(({ capabilities }) => capabilities.includes(capability));
    if (able.length === 0) throw systemError(`no endpoints found for ${domain} that can ${capability}`);
    return able;
  }

  async open(access: RegistryAccess, endpoint: Endpoint): Promise<OpenedRegistry> {
    const { certsDirs } = this.#options.registries;
    const transport = this.#transport;
    const files = endpoint.tls ?? { ca: [], client: [] };
    const named = endpoint.tls !== undefined;
    const trust: Trust = {
      ...(named ? await readNamedFiles(files) : await readTlsFiles(certsDirs, endpoint.host)),
      verify: endpoint.verifyTls,
    };
    const trustFor = async (host: string): Promise<Trust> =>
      host === endpoint.host
        ? trust
        : { ...(await readTlsFiles(certsDirs, host)), verify: endpoint.verifyTls };
    // Credentials were made for the registry, not for its mirrors.
    const shown = !endpoint.mirror || endpoint.host === apiHostOf(access.domain);
    const authorizer = new Authorizer({
      transport,
      trustFor,
      credentials: shown ? access.credentials : undefined,
      now: this.#options.now,
      offline: access.offline ?? false,
    });
    return { authorizer, connection: new RegistryConnection({ transport, trust, authorizer, endpoint }) };
  }

  /** Asks one endpoint after the other until one has answered; a mirror that fails is passed over. */
  async ask<T>(
    access: RegistryAccess,
    ask: (opened: OpenedRegistry, rest: readonly Endpoint[]) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const endpoints = await this.endpoints(access);
    for (const [index, endpoint] of endpoints.entries()) {
      const rest = endpoints.slice(index + 1);
      try {
        return await ask(await this.open(access, endpoint), rest);
      } catch (error) {
        const passable = endpoint.mirror || error instanceof UnreachableError;
        if (rest.length === 0 || signal.aborted || !passable) throw error;
      }
    }
    throw systemError(`no endpoints found for ${access.domain}`);
  }
}

/** To read a repository; "resolve" unless the digest is known. */
export const readAccess = (
  { domain, digest }: Reference,
  credentials: Credentials | undefined,
): RegistryAccess => ({ domain, capability: digest === undefined ? "resolve" : "pull", credentials });
