import { ApiError } from "#client/api-error.ts";
import type { Engine } from "#client/engine.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { type Fetch, inspectAll, inspectFormat } from "../../output/inspection.ts";

const size = toggle("size", { short: "s", about: "Display total file sizes if the type is container" });
const type = text("type", { about: "Only inspect objects of the given type" });

const TYPES = ["container", "image", "network", "volume"] as const;
const ALL_TYPES =
  '"config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"';

function fetchers(
  engine: Engine,
  withSize: boolean,
  signal: AbortSignal,
): Readonly<Record<(typeof TYPES)[number], Fetch>> {
  return {
    container: (name) => engine.containers.inspectText(name, withSize, signal),
    image: (name) => engine.images.inspectText(name, "", signal),
    network: (name) => engine.networks.inspectText(name, false, signal),
    volume: (name) => engine.volumes.inspectText(name, signal),
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status === 404 || /^(invalid reference format|invalid .*name)/.test(error.message));

export const command: Command = {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  about: "Return low-level information on Docker objects",
  takes: [1, ANY],
  flags: [inspectFormat, size, type],
  run: async ({ session, arguments: names, option, signal }) => {
    const wanted = option(type);
    const only = TYPES.find((known) => known === wanted);
    if (wanted !== "" && only === undefined) {
      if (ALL_TYPES.includes(`"${wanted}"`))
        throw new Error(`--type ${wanted} is not supported by this version of Gantry`);
      throw new Error(`unknown type: ${JSON.stringify(wanted)}: must be one of ${ALL_TYPES}`);
    }
    const engine = await session.engine(signal);
    const fetch = fetchers(engine, option(size), signal);
    const order = only === undefined ? TYPES : [only];
    await inspectAll(session, names, option(inspectFormat), async (name) => {
      for (const kind of order) {
        try {
          return await fetch[kind](name);
        } catch (error) {
          if (only !== undefined || !isMissing(error)) throw error;
        }
      }
      throw new Error(`Error: No such object: ${name}`);
    });
  },
};
