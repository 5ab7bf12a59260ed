// The file with the signature policy, read for each pull: what it says holds at once.

import { readFile } from "node:fs/promises";
import { systemError } from "#base/errors.ts";
import { decodeSignaturePolicy, type SignaturePolicy } from "#spec/signature-policy.ts";

/** Rejects systemError that names the file. */
export async function readSignaturePolicy(path: string): Promise<SignaturePolicy> {
  try {
    return decodeSignaturePolicy(JSON.parse(await readFile(path, "utf8")), "");
  } catch (error) {
    throw systemError(`signature policy ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
