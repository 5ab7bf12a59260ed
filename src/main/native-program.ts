import { join } from "node:path";

/** Built beside the sources and beside the bundles alike. */
const built = (name: string): string =>
  join(import.meta.dirname, import.meta.url.endsWith(".ts") ? "../.." : "..", "native/build", name);

/** The program that does what the kernel is asked for. */
export const nativeProgram = (): string => built("gantry-exec");
/** Process 1 of containers that ask for an init. */
export const initProgram = (): string => built("docker-init");
