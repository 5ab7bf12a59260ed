// X-Registry-Auth: base64url of {"username", "password", "identitytoken", "registrytoken", "auth"}.

import { object, string } from "#base/decode.ts";
import type { Credentials } from "#spec/distribution.ts";

const decode = object(
  {},
  { username: string, password: string, identitytoken: string, registrytoken: string, auth: string },
);

/** What cannot be read counts as none, as with Docker: the registry then says what it wants. */
export function parseRegistryAuth(header: string | readonly string[] | undefined): Credentials | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  try {
    const auth = decode(JSON.parse(Buffer.from(header, "base64url").toString()), "");
    const [user = "", password = ""] = splitOnce(Buffer.from(auth.auth ?? "", "base64").toString());
    const credentials = {
      username: auth.username ?? user,
      password: auth.password ?? password,
      identityToken: auth.identitytoken ?? "",
      registryToken: auth.registrytoken ?? "",
    };
    return Object.values(credentials).some((value) => value !== "") ? credentials : undefined;
  } catch {
    return undefined;
  }
}

function splitOnce(text: string): readonly string[] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
