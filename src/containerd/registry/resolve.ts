// From a reference to the document it stands for: finds an endpoint that answers, and asks it.

import type { Reference } from "#formats/reference.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { Descriptor } from "#spec/oci-image.ts";
import type { Endpoint } from "./endpoints.ts";
import { type OpenedRegistry, type Registries, readAccess } from "./registries.ts";
import { Repository } from "./repository.ts";
import { RepositoryChain } from "./repository-chain.ts";
import { type RetryPolicy, withRetries } from "./retry.ts";

export interface ResolvedReference {
  readonly reference: Reference;
  readonly repository: RepositoryChain;
  readonly descriptor: Descriptor;
  /** The document, if the registry sent it already. */
  readonly bytes?: Buffer;
}

/** Documents are small: a registry in trouble is asked again soon, and then given up. */
const DOCUMENT_RETRY: RetryPolicy = { attempts: 3, delayMs: 500 };

/** Rejects `notFound` if the registry does not have it, in Docker's words. Without tag and digest it is "latest". */
export async function resolveReference(
  registries: Registries,
  reference: Reference,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<ResolvedReference> {
  const access = readAccess(reference, credentials);
  const ask = async (opened: OpenedRegistry, rest: readonly Endpoint[]): Promise<ResolvedReference> => {
    const next = async (endpoint: Endpoint): Promise<Repository> =>
      new Repository((await registries.open(access, endpoint)).connection, reference);
    const first = new Repository(opened.connection, reference);
    const repository = new RepositoryChain(first, opened.connection.endpoint.mirror ? rest : [], next);
    const found = await withDocumentRetries(() => resolveAt(first, signal), signal);
    return { ...found, reference, repository };
  };
  return await registries.ask(access, ask, signal);
}

/** The tags of the reference's repository. */
export async function listTags(
  registries: Registries,
  reference: Reference,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const ask = ({ connection }: OpenedRegistry): Promise<readonly string[]> =>
    withDocumentRetries(() => new Repository(connection, reference).listTags(signal), signal);
  return await registries.ask(readAccess(reference, credentials), ask, signal);
}

/** Repeats what asks for a document or a small answer. */
export const withDocumentRetries = <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> =>
  withRetries({ policy: DOCUMENT_RETRY, onWait: () => undefined, signal }, ask);

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
