// The programs whose images bench/images.ts compares, each on storage of its own.

import { join } from "node:path";
import type { Client } from "../tests/system/engine.ts";
import { must } from "../tests/system/process.ts";

export interface Program {
  readonly name: string;
  readonly pull: (image: string) => Promise<unknown>;
  /** The image that was pulled, under another name. */
  readonly push: (image: string, to: string) => Promise<unknown>;
  readonly save: (image: string, file: string) => Promise<unknown>;
  readonly load: (file: string) => Promise<unknown>;
}

export const dockerProgram = (name: string, client: Client): Program => ({
  name,
  pull: (image) => client.docker("pull", "-q", image),
  push: async (image, to) => {
    await client.docker("tag", image, to);
    await client.docker("push", "-q", to);
  },
  save: (image, file) => client.docker("save", "-o", file, image),
  load: (file) => client.docker("load", "-q", "-i", file),
});

export function ctrProgram(socket: string, netns: string): Program {
  const images = (...words: readonly string[]): Promise<string> =>
    must(["ctr", "-a", socket, "images", ...words], { netns });
  return {
    name: "ctr, containerd",
    pull: (image) => images("pull", "--plain-http", image),
    push: (image, to) => images("push", "--plain-http", to, image),
    save: (image, file) => images("export", file, image),
    load: (file) => images("import", file),
  };
}

export function podmanProgram(folder: string, netns: string): Program {
  const storage = ["--root", join(folder, "podman"), "--runroot", join(folder, "podman-run")];
  const podman = (...words: readonly string[]): Promise<string> =>
    must(["podman", ...storage, ...words], { netns });
  return {
    name: "podman",
    pull: (image) => podman("pull", "-q", "--tls-verify=false", image),
    push: (image, to) => podman("push", "-q", "--tls-verify=false", image, to),
    save: (image, file) => podman("save", "-q", "-o", file, image),
    load: (file) => podman("load", "-q", "-i", file),
  };
}
