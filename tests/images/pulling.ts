// Pulls as the API asks for them, with all that they tell.

import type { ProgressMessage } from "#engine/images/progress-messages.ts";
import { pullImage } from "#engine/images/pull.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { ImageDaemon } from "./image-daemon.ts";

const never = new AbortController().signal;

interface Pulled {
  readonly messages: readonly ProgressMessage[];
  readonly statuses: readonly string[];
}

interface PullOptions {
  readonly platform?: string;
  readonly credentials?: Partial<Credentials>;
  readonly signal?: AbortSignal;
  readonly onMessage?: (message: ProgressMessage) => void;
}

/** Names without tag and digest mean "latest", as for the client. */
export const pull = (daemon: ImageDaemon, image: string, options: PullOptions = {}): Promise<Pulled> =>
  pullAll(daemon, /[:@][^/]*$/.test(image) ? image : `${image}:latest`, options);

export async function pullAll(
  daemon: ImageDaemon,
  image: string,
  options: PullOptions = {},
): Promise<Pulled> {
  const messages: ProgressMessage[] = [];
  const credentials = {
    username: "",
    password: "",
    identityToken: "",
    registryToken: "",
    ...options.credentials,
  };
  await pullImage(
    daemon.images.deps,
    {
      image,
      tag: "",
      platform: options.platform ?? "",
      credentials: options.credentials === undefined ? undefined : credentials,
      signedBy: undefined,
    },
    (message) => {
      messages.push(message);
      options.onMessage?.(message);
    },
    options.signal ?? never,
  );
  return { messages, statuses: messages.map(({ id = "", status = "" }) => `${id} ${status}`.trim()) };
}
