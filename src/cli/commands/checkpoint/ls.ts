import { Struct } from "#formats/go-template-values.ts";
import { checkpointDirFlag, requireExperimental } from "../../experimental.ts";
import type { Command } from "../../grammar/command.ts";
import { type Listing, printRows } from "../../output/listing.ts";

const listing: Listing = {
  type: "*checkpoint.checkpointContext",
  defaultTable: "{{.Name}}",
  headers: { Name: "CHECKPOINT NAME" },
};

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  about: "List checkpoints for a container",
  takes: [1, 1],
  flags: [checkpointDirFlag],
  run: async ({ session, arguments: [container = ""], option, signal }) => {
    const engine = await session.engine(signal);
    await requireExperimental(engine, "docker checkpoint ls", signal);
    const checkpoints = await engine.checkpoints.list(container, option(checkpointDirFlag), signal);
    const rows = checkpoints
      .toSorted((a, b) => (a.Name ?? "").localeCompare(b.Name ?? "", "en", { numeric: true }))
      .map(({ Name = "" }) => new Struct(listing.type, { Name }));
    printRows(session, listing, { format: undefined, quiet: false }, rows);
  },
};
