// Content trust (Notary signatures of images) is not ours: who asks for it is refused, not left with unverified images.

import { parseGoBoolean } from "#formats/go-boolean.ts";
import type { Command } from "./grammar/command.ts";
import { ExitError } from "./grammar/errors.ts";
import { toggle } from "./grammar/flags.ts";
import type { ParsedLine } from "./grammar/parse.ts";

export const disableContentTrust = toggle("disable-content-trust", {
  shown: "true",
  about: "Skip image verification",
});

const REFUSED = "is not supported by this version of Gantry: images are not verified";

/** DOCKER_CONTENT_TRUST asks for it with anything but a false value, as with Docker; the flag overrides it. */
export function refuseContentTrust(
  command: Command,
  line: ParsedLine,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (!command.flags.includes(disableContentTrust)) return;
  if (line.isGiven(disableContentTrust)) {
    if (!line.option(disableContentTrust)) throw new ExitError(1, `--disable-content-trust=false ${REFUSED}`);
    return;
  }
  const wanted = env.DOCKER_CONTENT_TRUST ?? "";
  if (wanted !== "" && parseGoBoolean(wanted) !== false)
    throw new ExitError(1, `DOCKER_CONTENT_TRUST=${wanted} ${REFUSED}`);
}
