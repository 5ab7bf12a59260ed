// Docker's rule for the names of local volumes.

import { invalid } from "#base/errors.ts";

const PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Throws Docker's refusal. */
export function checkVolumeName(name: string): void {
  if (Buffer.byteLength(name) === 1)
    throw invalid(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  if (!PATTERN.test(name))
    throw invalid(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
}
