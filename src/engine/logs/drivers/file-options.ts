// The options of drivers that keep files: json-file, local, and the cache that every other driver has.

import { invalid } from "#base/errors.ts";
import type { LogInfo } from "./driver.ts";
import { readBoolean, readDecimalSize, readInteger } from "./option-values.ts";

type Options = LogInfo["options"];

export interface Rotation {
  /** Bytes; 0 is no rotation. */
  readonly maxSize: number;
  readonly maxFiles: number;
  readonly compress: boolean;
}

const MAX_SIZE = 20_000_000;
const MAX_FILES = 5;

/**
 * json-file. Without any option five files of 20 MB, where Docker keeps one without an end; `max-size=-1` asks for that.
 * Who gives a size only gets one file of it, as with Docker.
 */
export function readJsonFileOptions(options: Options): Rotation {
  const { "max-size": size, "max-file": files, compress: packed } = options;
  const maxSize = size === undefined ? MAX_SIZE : size === "-1" ? 0 : readDecimalSize(size);
  if (size !== "-1" && maxSize <= 0) throw invalid("max-size must be a positive number");
  const maxFiles = files === undefined ? (size === undefined ? MAX_FILES : 1) : readInteger(files);
  if (maxFiles < 1) throw invalid("max-file cannot be less than 1");
  const compress = packed !== undefined && readBoolean(packed);
  if (compress && (maxFiles === 1 || maxSize === 0))
    throw invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
  return { maxSize, maxFiles, compress };
}

export function readLocalOptions(options: Options): Rotation {
  const { "max-size": size, "max-file": files, compress: packed } = options;
  const maxSize = within("invalid value for max-size: ", size, readDecimalSize) ?? MAX_SIZE;
  const maxFiles = within("invalid value for max-file: ", files, readInteger) ?? MAX_FILES;
  const compress = within("invalid boolean value for compress", packed, readBoolean) ?? true;
  if (maxFiles < 0) throw invalid("max-file must not be negative");
  if (compress && maxFiles <= 1) throw invalid("compression cannot be enabled when max file count is 1");
  return { maxSize, maxFiles: Math.max(1, maxFiles), compress };
}

/** The cache's own options: cache-max-size, cache-max-file, cache-compress. */
export const readCacheOptions = (options: Options): Rotation =>
  readLocalOptions(
    Object.fromEntries(
      Object.entries(options).flatMap(([name, value]) =>
        name.startsWith("cache-") ? [[name.slice("cache-".length), value]] : [],
      ),
    ),
  );

function within<T>(prefix: string, text: string | undefined, read: (text: string) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(prefix.endsWith(" ") ? `${prefix}${text}: ${why}` : `${prefix}: ${why}`);
  }
}
