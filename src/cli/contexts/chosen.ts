// Contexts of a session: the stored ones, and "default", which is whatever -H and DOCKER_HOST say.

import type { Call } from "../grammar/command.ts";
import { DEFAULT_HOST, type Session } from "../session.ts";
import { DEFAULT_CONTEXT, readContext, readTlsFiles, type StoredContext } from "./store.ts";

export const DEFAULT_DESCRIPTION = "Current DOCKER_HOST based configuration";

export const defaultHost = ({ connection }: Session): string => connection.host ?? DEFAULT_HOST;

/** Throws an Error in Docker's words if there is no such context. */
export function findContext(session: Session, name: string): StoredContext {
  const { configFolder } = session.connection;
  if (name !== DEFAULT_CONTEXT)
    return { metadata: readContext(configFolder, name), tls: readTlsFiles(configFolder, name) };
  const docker = { Host: defaultHost(session), SkipTLSVerify: false };
  const Metadata = { Description: DEFAULT_DESCRIPTION };
  return { metadata: { Name: DEFAULT_CONTEXT, Metadata, Endpoints: { docker } }, tls: {} };
}

/** DOCKER_HOST sets all contexts aside, which is easily forgotten. */
export function warnOfHost({ session }: Call, wanted: string): void {
  if ((session.surroundings.env.DOCKER_HOST ?? "") === "") return;
  session.err(
    `Warning: DOCKER_HOST environment variable overrides the active context. To use ${wanted}, either set the global --context flag, or unset DOCKER_HOST environment variable.\n`,
  );
}
