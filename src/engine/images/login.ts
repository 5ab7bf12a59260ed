// POST /auth: whether a registry takes the credentials.

import { loginToRegistry } from "#containerd/registry/login.ts";
import type { Credentials } from "#spec/distribution.ts";
import type { ImageDeps } from "./image-deps.ts";

export interface LoginResult {
  readonly status: string;
  readonly identityToken: string;
}

/** Rejects `unauthorized` in the registry's words. */
export async function checkLogin(
  { registries }: Pick<ImageDeps, "registries">,
  server: string,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<LoginResult> {
  const identityToken = await loginToRegistry(registries, { server, credentials }, signal);
  return { status: "Login Succeeded", identityToken };
}
