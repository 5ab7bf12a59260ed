import { ANY, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { parseName } from "../../manifests/image-manifest.ts";
import { ManifestStore } from "../../manifests/store.ts";
import { messageFor } from "../../messages.ts";

export const command: Command = {
  usage: "MANIFEST_LIST [MANIFEST_LIST...]",
  about: "Delete one or more manifest lists from local storage",
  takes: [1, ANY],
  flags: [],
  run: async ({ session, arguments: targets }) => {
    const store = new ManifestStore(session.connection.configFolder);
    const failures: string[] = [];
    for (const target of targets)
      try {
        const name = parseName(target);
        store.getList(name);
        store.remove(name);
      } catch (error) {
        failures.push(messageFor(error));
      }
    if (failures.length > 0) throw new ExitError(1, failures.join("\n"));
  },
};
