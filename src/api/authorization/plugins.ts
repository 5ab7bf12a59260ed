// Authorization plugins: each is asked about a request before it is served, and about the answer before it is sent.
//
//   request --AuthZReq--> plugin 1 --> plugin 2 --> handler --> answer --AuthZRes--> plugin 1 --> plugin 2 --> client
//
// What a plugin is shown is what the handler gets: a JSON body is read to its end first, and one that is too large to be shown is
// refused. A plugin that does not answer denies.

import { boolean, object, string } from "#base/decode.ts";
import { EngineError, systemError } from "#base/errors.ts";
import type { PluginClient } from "#engine/plugins/client.ts";

/** The wire's spelling; bytes are base64. */
export interface AuthorizationRequest {
  readonly User?: string;
  readonly UserAuthNMethod?: string;
  readonly RequestMethod: string;
  readonly RequestUri: string;
  readonly RequestBody?: string;
  readonly RequestHeaders: Readonly<Record<string, string>>;
  readonly RequestPeerCertificates?: readonly string[];
}

export interface AuthorizationAnswer {
  readonly ResponseStatusCode: number;
  readonly ResponseHeaders: Readonly<Record<string, string>>;
  readonly ResponseBody?: string;
}

export interface NamedPlugin {
  readonly name: string;
  readonly client: Pick<PluginClient, "call">;
}

/** Milliseconds that a plugin has for its answer. */
const patience = 30_000;

const decodeVerdict = object({}, { Allow: boolean, Msg: string, Err: string });

/** Rejects `forbidden` in Docker's words if one denies. */
export async function askPlugins(
  plugins: readonly NamedPlugin[],
  method: "AuthZPlugin.AuthZReq" | "AuthZPlugin.AuthZRes",
  question: AuthorizationRequest & Partial<AuthorizationAnswer>,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, client } of plugins) {
    const {
      Allow,
      Msg = "",
      Err = "",
    } = await ask(name, () =>
      client.call(method, question, AbortSignal.any([signal, AbortSignal.timeout(patience)])),
    );
    if (Err !== "") throw systemError(`plugin ${name} failed with error: ${Err}`);
    if (Allow !== true) throw new EngineError("forbidden", `authorization denied by plugin ${name}: ${Msg}`);
  }
}

async function ask(name: string, call: () => Promise<unknown>): Promise<ReturnType<typeof decodeVerdict>> {
  try {
    return decodeVerdict(await call(), "");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw systemError(`plugin ${name} failed with error: ${reason}`, { cause: error });
  }
}
