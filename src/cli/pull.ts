// Pulling an image with the user's credentials: of `pull`, and of `run` when the image is not here.

import type { ProgressMessage } from "#client/images.ts";
import { familiarName, parseReference, withDefaultTag } from "#formats/reference.ts";
import { registryAuth } from "./registry-auth.ts";
import type { Session } from "./session.ts";

export interface PullOptions {
  readonly platform?: string;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
}

/** The stream of the daemon's messages. Throws in Docker's words if `name` is no reference. */
export async function pullImage(
  session: Session,
  name: string,
  options: PullOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const reference = options.allTags === true ? parseReference(name) : withDefaultTag(parseReference(name));
  const engine = await session.engine(signal);
  const auth = await registryAuth(session, reference, signal);
  const tag = reference.digest ?? reference.tag;
  const image = {
    name: familiarName(reference),
    ...(tag === undefined ? {} : { tag }),
    ...(options.platform === undefined || options.platform === "" ? {} : { platform: options.platform }),
  };
  return engine.images.pull(image, auth, signal);
}
