// Pulling an image with the user's credentials: of `pull`, and of `run` when the image is not here.

import type { Engine } from "#client/engine.ts";
import type { ProgressMessage } from "#client/images.ts";
import { familiarName, parseReference, withDefaultTag } from "#formats/reference.ts";
import { registryAuth } from "./registry-auth.ts";
import type { Session } from "./session.ts";

export interface PullOptions {
  readonly platform?: string;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
  /** A public key (PEM) that must have signed the image. */
  readonly signedBy?: string;
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
  if (options.signedBy !== undefined && !(await verifies(engine, signal)))
    throw new Error("--verify needs a daemon of Gantry: this one would pull without looking at signatures");
  const auth = await registryAuth(session, reference, signal);
  const tag = reference.digest ?? reference.tag;
  const image = {
    name: familiarName(reference),
    ...(tag === undefined ? {} : { tag }),
    ...(options.signedBy !== undefined && { signedBy: options.signedBy }),
    ...(options.platform === undefined || options.platform === "" ? {} : { platform: options.platform }),
  };
  return engine.images.pull(image, auth, signal);
}

async function verifies(engine: Engine, signal: AbortSignal): Promise<boolean> {
  const { Platform } = await engine.system.version(signal);
  return Platform?.Name === "Gantry Engine";
}
