// A registry as the commands of `manifest` ask it, without a daemon; what speaks the protocol is given to this program.

import { credentialsFor, serverOf } from "../credentials.ts";
import type { Session } from "../session.ts";

interface Named {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

interface ManifestDocument {
  readonly mediaType: string;
  readonly text: string;
}

/** One repository at one address of its registry. */
export interface ManifestSource {
  getManifest(tagOrDigest: string, signal: AbortSignal): Promise<ManifestDocument>;
  /** A small blob, checked against its digest. */
  getBlob(digest: string, signal: AbortSignal): Promise<Buffer>;
}

export interface ManifestRegistry extends Disposable {
  /** Asks the registry's addresses one after the other; rejects "no such manifest" if none has it. */
  ask<T>(reference: Named, ask: (source: ManifestSource) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Under the reference's tag, or its own digest without one; resolves with the digest that the registry tells. */
  putManifest(reference: Named, document: ManifestDocument, signal: AbortSignal): Promise<string>;
  /** Lets the reference's repository have a blob of another one of the registry; false if the registry would rather be sent it. */
  mountBlob(
    reference: Named,
    blob: { readonly from: string; readonly digest: string },
    signal: AbortSignal,
  ): Promise<boolean>;
}

export interface ManifestRegistryOptions {
  /** HTTP, and TLS that is not verified, will do. */
  readonly insecure: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly credentials: {
    readonly username: string;
    readonly password: string;
    readonly identityToken: string;
    readonly registryToken: string;
  };
}

export type OpenManifestRegistry = (options: ManifestRegistryOptions) => Promise<ManifestRegistry>;

/** The registry of `reference`, shown the user's credentials for it. */
export async function openManifestRegistry(
  session: Session,
  reference: Named,
  insecure: boolean,
  signal: AbortSignal,
): Promise<ManifestRegistry> {
  const found = await credentialsFor(session, serverOf(reference), signal);
  const { username = "", password = "", identitytoken: identityToken = "" } = found ?? {};
  return await session.surroundings.openManifestRegistry({
    insecure,
    env: session.surroundings.env,
    credentials: { username, password, identityToken, registryToken: "" },
  });
}
