// `--docker host=…,ca=…,cert=…,key=…,skip-tls-verify=…` or `--docker from=CONTEXT`: the daemon of a new context.

import { readFileSync } from "node:fs";
import { parseEndpoint } from "#client/endpoint.ts";
import { parseGoBoolean } from "#formats/go-boolean.ts";
import { type Flag, optionalText } from "../grammar/flags.ts";
import { messageFor } from "../messages.ts";
import type { ContextMetadata, StoredContext, TlsFiles } from "./store.ts";

export type EndpointOptions = Readonly<Record<string, string>>;

function readPairs(texts: readonly string[]): EndpointOptions {
  const pairs = texts.flatMap((text) => (text === "" ? [] : text.split(",")));
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) throw new Error(`${pair} must be formatted as key=value`);
      return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
    }),
  );
}

export const dockerFlag: Flag<EndpointOptions | undefined> = {
  ...optionalText("docker", { value: "stringToString", about: "set the docker endpoint", shown: "[]" }),
  read: (texts) => (texts.length === 0 ? undefined : readPairs(texts)),
};

export const descriptionFlag = optionalText("description", { about: "Description of the context" });

export const endpointHelp = (verb: string): string => `

Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation

Example:

$ gantry context ${verb} my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"`;

const KEYS = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

function readBoolean(text: string | undefined): boolean {
  if (text === undefined) return false;
  const value = parseGoBoolean(text);
  if (value === undefined)
    throw new Error(`skip-tls-verify: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

function readTls(options: EndpointOptions): TlsFiles {
  const files = (["ca", "cert", "key"] as const).flatMap((key) => {
    const path = options[key];
    return path === undefined || path === "" ? [] : [[`${key}.pem`, readFileSync(path, "utf8")] as const];
  });
  return Object.fromEntries(files);
}

/** Certificates and a key that a connection could not be made with are refused before they are stored. */
function checkTls(files: TlsFiles): void {
  const { "ca.pem": ca, "cert.pem": cert, "key.pem": key } = files;
  const failed = "invalid docker endpoint options: failed to retrieve context tls info: ";
  if (ca !== undefined && !ca.includes("-----BEGIN CERTIFICATE-----"))
    throw new Error(`${failed}ca.pem seems invalid`);
  if (cert === undefined && key === undefined) return;
  const { createSecureContext } = process.getBuiltinModule("node:tls");
  try {
    createSecureContext({ cert: cert ?? "", key: key ?? "" });
  } catch (error) {
    throw new Error(`${failed}${messageFor(error)}`, { cause: error });
  }
}

/** What the options say; `from` is looked up by `find`. Throws an Error in Docker's words. */
export function readEndpointOptions(
  options: EndpointOptions,
  find: (name: string) => StoredContext,
): { readonly endpoint: NonNullable<ContextMetadata["Endpoints"]>[string]; readonly tls: TlsFiles } {
  try {
    const unknownKey = Object.keys(options).find((key) => !KEYS.includes(key));
    if (unknownKey !== undefined) throw new Error(`unrecognized config key: ${unknownKey}`);
    if (options.from !== undefined) {
      const { metadata, tls } = find(options.from);
      const endpoint = metadata.Endpoints?.docker;
      if (endpoint === undefined)
        throw new Error(`unable to get endpoint from context ${JSON.stringify(options.from)}`);
      return { endpoint, tls };
    }
    const tls = readTls(options);
    const SkipTLSVerify = readBoolean(options["skip-tls-verify"]);
    checkTls(tls);
    checkHost(options.host ?? "");
    return { endpoint: { Host: options.host ?? "", SkipTLSVerify }, tls };
  } catch (error) {
    throw new Error(`unable to create docker endpoint config: ${messageFor(error)}`, { cause: error });
  }
}

function checkHost(host: string): void {
  if (host === "") return;
  if (host.includes("://")) return void parseEndpoint(host);
  throw new Error(`unable to apply docker endpoint options: unable to parse docker host \`${host}\``);
}
