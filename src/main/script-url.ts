// Where the script of a worker thread is.

/** `source`: relative to this file. Threads run from sources as this file does, or from the bundles beside the one that holds it. */
export function scriptUrl(source: string): URL {
  if (import.meta.url.endsWith(".ts")) return new URL(source, import.meta.url);
  const name = source.slice(source.lastIndexOf("/") + 1).replace(/\.ts$/, ".cjs");
  return new URL(`./${name}`, import.meta.url);
}
