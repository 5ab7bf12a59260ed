// How a request's API version is chosen.

import { invalid } from "#base/errors.ts";
import { maxApiVersion, minApiVersion } from "#spec/engine-api/versions.ts";

/** Versions compare as numbers part by part: 1.9 is below 1.24. */
function compareVersions(left: string, right: string): number {
  const parts = (text: string): number[] => text.split(".").map(Number);
  const [a, b] = [parts(left), parts(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** Splits "/v1.41/containers/json"; without a prefix the newest version is meant. Throws Docker's refusals. */
export function negotiate(path: string): { readonly minor: number; readonly path: string } {
  const match = /^\/v([0-9.]+)(\/.*)$/.exec(path);
  const [, version = maxApiVersion, rest = path] = match ?? [];
  if (compareVersions(version, minApiVersion) < 0)
    throw invalid(
      `client version ${version} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`,
    );
  if (compareVersions(version, maxApiVersion) > 0)
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${maxApiVersion}`);
  return { minor: Number(version.split(".")[1] ?? "0"), path: rest };
}
