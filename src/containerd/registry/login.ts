// Checks a user's credentials with a registry: what `docker login` asks for.

import { EngineError, systemError } from "#base/errors.ts";
import type { Credentials } from "#spec/distribution.ts";
import { readBody } from "./http-transport.ts";
import { type OpenedRegistry, Registries, type RegistryOptions } from "./registries.ts";

export interface LoginRequest {
  /** "127.0.0.1:5000", "https://index.docker.io/v1/"; "" is Docker Hub. */
  readonly server: string;
  readonly credentials: Credentials;
}

const HUB = new Set(["", "index.docker.io", "registry-1.docker.io", "docker.io"]);
const MAX_ANSWER = 1 << 20;

/** The identity token that stands for the password from now on; "" if the registry gives none. Rejects `unauthorized`. */
export async function loginToRegistry(
  options: RegistryOptions,
  { server, credentials }: LoginRequest,
  signal: AbortSignal,
): Promise<string> {
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const domain = HUB.has(host) ? "docker.io" : host;
  using registries = new Registries(options);
  const access = { domain, capability: "push", credentials, offline: true } as const;
  return await registries.ask(access, (opened) => login(opened, signal), signal);
}

async function login({ connection, authorizer }: OpenedRegistry, signal: AbortSignal): Promise<string> {
  const { api } = connection.endpoint;
  try {
    const response = await connection.send({ method: "GET", at: "", headers: {}, scopes: [] }, signal);
    await readBody(response, MAX_ANSWER);
    const { statusCode = 0, statusMessage = "" } = response;
    if (statusCode === 200) return authorizer.identityToken;
    throw systemError(`login attempt to ${api}/ failed with status: ${statusCode} ${statusMessage}`);
  } catch (error) {
    throw isRefused(error) ? unauthorized(error) : error;
  }
}

/** A token server's refusal, which comes with its words. */
const isRefused = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.kind === "system" && error.message.includes(": unauthorized: ");

const unauthorized = (cause: EngineError): EngineError =>
  new EngineError("unauthorized", cause.message, { cause });
