import type { Command } from "../../grammar/command.ts";
import { list, listOf, text, unsupportedFlags } from "../../grammar/flags.ts";
import { parseLabel, toRecord } from "../../run-options/settings.ts";

const driver = text("driver", { short: "d", shown: "local", about: "Specify volume driver name" });
const label = list("label", { about: "Set metadata for a volume" });
const options = listOf(
  "opt",
  { short: "o", value: "map", shown: "map[]", about: "Set driver specific options" },
  parseLabel,
);
/** The older way to name it. */
const name = text("name");

export const command: Command = {
  usage: "[OPTIONS] [VOLUME]",
  about: "Create a volume",
  takes: [0, 1],
  flags: [
    driver,
    label,
    name,
    options,
    ...unsupportedFlags(
      "availability",
      "group",
      "limit-bytes",
      "required-bytes",
      "scope",
      "secret",
      "sharing",
      "topology-preferred",
      "topology-required",
      "type",
    ),
  ],
  run: async ({ session, arguments: [given], option, signal }) => {
    if (given !== undefined && option(name) !== "")
      throw new Error(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    const engine = await session.engine(signal);
    const { Name } = await engine.volumes.create(
      {
        Name: given ?? option(name),
        Driver: option(driver),
        ...(option(options).length > 0 && { DriverOpts: toRecord(option(options)) }),
        ...(option(label).length > 0 && { Labels: toRecord(option(label).map(parseLabel)) }),
      },
      signal,
    );
    session.out(`${Name}\n`);
  },
};
