// The plugins that a daemon asks: a list that a reload may change. A request keeps the one that it came in under.

import { systemError } from "#base/errors.ts";
import { PluginClient } from "#engine/plugins/client.ts";
import { findPlugin, type PluginFolders } from "#engine/plugins/discover.ts";
import type { HttpExchange } from "#transport/http/exchange.ts";
import type { BodyBudget } from "../body.ts";
import { describeRequest } from "./describe-request.ts";
import { type AuthorizationAnswer, askPlugins, type NamedPlugin } from "./plugins.ts";

/** A request that all plugins have allowed. */
export interface AuthorizedRequest {
  /** What was read of its body; the rest of the exchange does not have it any more. */
  readonly body?: Uint8Array;
  /** Rejects if a plugin denies the answer. */
  answer(answer: AuthorizationAnswer): Promise<void>;
}

const patience = 30_000;

export class Authorizer {
  readonly #folders: PluginFolders;
  #plugins: readonly NamedPlugin[] = [];

  constructor(folders: PluginFolders) {
    this.#folders = folders;
  }

  /** Takes effect when all of them are there; otherwise rejects, and the ones of before remain. */
  async use(names: readonly string[], signal: AbortSignal): Promise<void> {
    const plugins = names.map((name) => ({
      name,
      client: new PluginClient(findPlugin(name, this.#folders)),
    }));
    const limited = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
    for (const { name, client } of plugins)
      await client.activate("authz", limited).catch((error: unknown) => {
        throw systemError(
          `Error validating authorization plugin: ${name}: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      });
    this.#plugins = plugins;
  }

  /** Undefined when there is nobody to ask. Rejects if a plugin denies the request, or cannot be asked. */
  async admit(exchange: HttpExchange, budget: BodyBudget): Promise<AuthorizedRequest | undefined> {
    const plugins = this.#plugins;
    if (plugins.length === 0) return undefined;
    const { request, body } = await describeRequest(exchange, budget);
    await askPlugins(plugins, "AuthZPlugin.AuthZReq", request, exchange.signal);
    return {
      ...(body !== undefined && { body }),
      answer: (answer) =>
        askPlugins(plugins, "AuthZPlugin.AuthZRes", { ...request, ...answer }, exchange.signal),
    };
  }
}
