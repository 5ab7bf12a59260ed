// What the daemon may show to a reference's registry.

import type { Reference } from "#formats/reference.ts";
import { credentialsFor, serverOf } from "./credentials.ts";
import type { Session } from "./session.ts";

/** The value of X-Registry-Auth. */
export async function registryAuth(
  session: Session,
  reference: Pick<Reference, "domain">,
  signal: AbortSignal,
): Promise<string> {
  const server = serverOf(reference);
  const found = await credentialsFor(session, server, signal);
  const fields =
    found === undefined
      ? {}
      : {
          username: found.username ?? "",
          password: found.password ?? "",
          ...(found.identitytoken === undefined ? {} : { identitytoken: found.identitytoken }),
          serveraddress: server,
        };
  return Buffer.from(JSON.stringify(fields)).toString("base64url");
}
