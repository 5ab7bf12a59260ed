import { join } from "node:path";

/** The program that does what the kernel is asked for: built beside the sources and beside the bundles alike. */
export const nativeProgram = (): string =>
  join(import.meta.dirname, import.meta.url.endsWith(".ts") ? "../.." : "..", "native/build/gantry-exec");
