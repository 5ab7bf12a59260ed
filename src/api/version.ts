// How a request's API version is chosen.

import { invalid } from "#base/errors.ts";
import { maxApiVersion, minApiVersion } from "#spec/engine-api/versions.ts";

export interface VersionRange {
  readonly min: string;
  readonly max: string;
}

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

/** `min`: the daemon's own choice; "" is the oldest that there is. Throws for one that is not spoken. */
export function versionRange(min: string): VersionRange {
  if (/^v/i.test(min)) throw invalid('API version must be provided without "v" prefix');
  if (min !== "" && compareVersions(min, minApiVersion) < 0)
    throw invalid(`minimum supported API version is ${minApiVersion}: ${min}`);
  if (compareVersions(min, maxApiVersion) > 0)
    throw invalid(`maximum supported API version is ${maxApiVersion}: ${min}`);
  return { min: min || minApiVersion, max: maxApiVersion };
}

export interface VersionedPath {
  readonly version: string;
  readonly minor: number;
  readonly path: string;
}

/** Splits "/v1.41/containers/json"; without a prefix the newest version is meant. */
export function splitVersion(pathname: string): VersionedPath {
  const [, version = maxApiVersion, path = pathname] = /^\/v([0-9.]+)(\/.*)$/.exec(pathname) ?? [];
  return { version, minor: Number(version.split(".")[1] ?? "0"), path };
}

/** Throws Docker's refusals. */
export function checkVersion(version: string, { min, max }: VersionRange): void {
  if (compareVersions(version, min) < 0)
    throw invalid(
      `client version ${version} is too old. Minimum supported API version is ${min}, please upgrade your client to a newer version`,
    );
  if (compareVersions(version, max) > 0)
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${max}`);
}

/** Clients of before 1.24 read errors as plain text. */
export const isAncient = (url: string): boolean =>
  /^\/v[0-9.]+\//.test(url) && compareVersions(splitVersion(url).version, "1.24") < 0;
