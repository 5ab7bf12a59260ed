// --detach-keys: what to type to leave a container running. The flag goes before the user's settings.

import type { Call } from "../grammar/command.ts";
import { optionalText } from "../grammar/flags.ts";

export const detachKeysFlag = optionalText("detach-keys", {
  about: "Override the key sequence for detaching a container",
});

/** Empty when nobody named any: the default sequence. */
export function detachOption({ option, session }: Call): { readonly detachKeys?: string } {
  const keys = option(detachKeysFlag) ?? session.settings.detachKeys;
  return keys === undefined ? {} : { detachKeys: keys };
}
