// From a reference to the document it stands for: finds an endpoint that answers, and asks it.

import { EngineError } from "#base/errors.ts";
import type { Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import { Authorizer } from "./authorizer.ts";
import { readTlsFiles } from "./certificates.ts";
import { type Endpoint, planEndpoints, type RegistryConfig } from "./endpoints.ts";
import type { HttpTransport } from "./http-transport.ts";
import { Repository } from "./repository.ts";

export interface ResolveOptions {
  readonly config: RegistryConfig;
  readonly credentials: Credentials | undefined;
  /** Must live as long as the resolved reference is used. */
  readonly transport: HttpTransport;
  readonly now: () => number;
}

export interface ResolvedReference {
  readonly reference: Reference;
  readonly repository: Repository;
  readonly descriptor: Descriptor;
  /** The document, if the registry sent it already. */
  readonly bytes?: Buffer;
}

/** Rejects `notFound` if the registry does not have it, in Docker's words. Without tag and digest it is "latest". */
export async function resolveReference(
  reference: Reference,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<ResolvedReference> {
  const ask = async (repository: Repository): Promise<ResolvedReference> => ({
    ...(await resolveAt(repository, signal)),
    reference,
    repository,
  });
  return await askRegistry(reference, options, ask, signal);
}

/** The tags of the reference's repository. */
export async function listTags(
  reference: Reference,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return await askRegistry(reference, options, (repository) => repository.listTags(signal), signal);
}

/** Mirrors are asked first; a registry that fails is passed over while there is another one to ask. */
async function askRegistry<T>(
  reference: Reference,
  options: ResolveOptions,
  ask: (repository: Repository) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const endpoints = planEndpoints(reference.domain, options.config);
  for (const [index, endpoint] of endpoints.entries()) {
    try {
      const repository = await openRepository(reference, endpoint, options);
      await repository.ping(signal);
      return await ask(repository).catch((error: unknown) => {
        throw endpoint.mirror ? error : new FinalError(error);
      });
    } catch (error) {
      if (error instanceof FinalError) throw error.cause;
      if (index === endpoints.length - 1 || signal.aborted) throw error;
    }
  }
  throw new EngineError("system", `no endpoints for ${reference.domain}`);
}

/** The registry has answered: no other endpoint is asked. */
class FinalError extends Error {
  constructor(cause: unknown) {
    super("final", { cause });
  }
}

async function openRepository(
  reference: Reference,
  endpoint: Endpoint,
  options: ResolveOptions,
): Promise<Repository> {
  const { transport, now } = options;
  const files = await readTlsFiles(options.config.certsDirs, endpoint.host);
  const trust = { ...files, verify: endpoint.verifyTls };
  // Credentials were made for the registry, not for its mirrors.
  const credentials = endpoint.mirror ? undefined : options.credentials;
  const authorizer = new Authorizer({ transport, trust, credentials, now });
  return new Repository({ transport, trust, authorizer, endpoint }, reference);
}

async function resolveAt(
  repository: Repository,
  signal: AbortSignal,
): Promise<{ readonly descriptor: Descriptor; readonly bytes?: Buffer }> {
  const { digest, tag = "latest" } = repository.reference;
  const found = await repository.findManifest(digest ?? tag, signal);
  if (found !== undefined && (digest === undefined || found.digest === digest)) return { descriptor: found };
  // No HEAD there, or nothing to be found: the answer to GET is the document, or says why not.
  return await repository.getManifest(digest ?? tag, signal);
}
