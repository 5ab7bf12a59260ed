import { formatSize } from "#formats/units.ts";
import { confirm, forceFlag } from "../../confirm.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { parseFilters, pruneFilterFlag } from "../../output/filters.ts";
import { deletedImages, deletedNames } from "../../output/pruned.ts";
import { type Pruned, previewPrune } from "../../prune/preview.ts";

const all = toggle("all", { short: "a", about: "Remove all unused images not just dangling ones" });
const volumes = toggle("volumes", { about: "Prune anonymous volumes" });

function warning({ option }: Call): string {
  const filters = option(pruneFilterFlag);
  const items = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(option(volumes) ? ["all anonymous volumes not used by at least one container"] : []),
    option(all) ? "all images without at least one container associated to them" : "all dangling images",
    option(all) ? "all build cache" : "unused build cache",
  ];
  const lines = items.map((item) => `  - ${item}\n`).join("");
  const filtered =
    filters.length === 0
      ? ""
      : `\n  Items to be pruned will be filtered with:\n${filters.map((text) => `  - ${text}\n`).join("")}`;
  return `WARNING! This will remove:\n${lines}${filtered}\n`;
}

async function run(call: Call): Promise<void> {
  const { session, option, signal } = call;
  const filters = parseFilters(option(pruneFilterFlag));
  if (option(volumes) && filters.until !== undefined)
    throw new Error('ERROR: The "until" filter is not supported with "--volumes"');
  const pruned: Pruned = {
    containers: true,
    networks: true,
    images: option(all) ? "all" : "dangling",
    ...(option(volumes) ? { volumes: "anonymous" } : {}),
  };
  const preview = option(forceFlag) ? "" : await previewPrune(call, pruned, filters);
  await confirm(call, `${warning(call)}${preview === "" ? "" : `What that is now:\n${preview}\n`}`);
  const engine = await session.engine(signal);
  const containers = await engine.containers.prune(filters, signal);
  session.out(deletedNames("Deleted Containers:", containers.ContainersDeleted));
  const networks = await engine.networks.prune(filters, signal);
  session.out(deletedNames("Deleted Networks:", networks.NetworksDeleted));
  let reclaimed = containers.SpaceReclaimed ?? 0;
  if (option(volumes)) {
    const report = await engine.volumes.prune(filters, signal);
    session.out(deletedNames("Deleted Volumes:", report.VolumesDeleted));
    reclaimed += report.SpaceReclaimed ?? 0;
  }
  const images = await engine.images.prune({ ...filters, dangling: [String(!option(all))] }, signal);
  const deleted = deletedImages(images);
  if (deleted !== "") session.out(`Deleted Images:\n${deleted}\n`);
  reclaimed += images.SpaceReclaimed ?? 0;
  session.out(`Total reclaimed space: ${formatSize(reclaimed)}\n`);
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Remove unused data",
  takes: [0, 0],
  flags: [all, pruneFilterFlag, forceFlag, volumes],
  run,
};
