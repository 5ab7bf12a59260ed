// `gantry system check`: ours. Its exit codes are those of fsck.

import type { StoreFinding, StoreReport } from "#client/system.ts";
import { formatSize } from "#formats/units.ts";
import type { Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { optionalText, toggle } from "../../grammar/flags.ts";

const repair = toggle("repair", { about: "Mend what can be mended" });
const format = optionalText("format", { about: "Print the report as 'json'" });

const REPAIRED = 1;
const NOT_REPAIRED = 4;

function describe({ Kind, Namespace = "", Name, Problem, Remedy = "", Repaired }: StoreFinding): string {
  const where = Namespace === "" || Namespace === "moby" ? "" : ` (namespace ${Namespace})`;
  const what = Repaired === true ? `: ${Remedy}` : "";
  return `${Kind} ${Name}${where}: ${Problem}${what}\n`;
}

function describeReport({ Checked = {}, Findings = [] }: StoreReport): string {
  const { Blobs = 0, Bytes = 0, Snapshots = 0, Images = 0, Leases = 0, Ingests = 0 } = Checked;
  const looked = `Checked ${Images} image names, ${Blobs} blobs (${formatSize(Bytes)}), ${Snapshots} snapshots, ${Leases} leases, ${Ingests} unfinished blobs\n`;
  if (Findings.length === 0) return `${looked}Nothing is wrong\n`;
  const repaired = Findings.filter((finding) => finding.Repaired === true).length;
  const mendable = Findings.filter(({ Remedy = "" }) => Remedy !== "").length - repaired;
  const hint = mendable > 0 ? `; --repair mends ${mendable}` : "";
  const count = `${Findings.length} problem${Findings.length === 1 ? "" : "s"}, ${repaired} repaired${hint}\n`;
  return `${looked}${Findings.map(describe).join("")}${count}`;
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "Verify the images, layers and snapshots of the daemon",
  takes: [0, 0],
  flags: [format, repair],
  run: async ({ session, option, signal }) => {
    const wanted = option(format) ?? "";
    if (wanted !== "" && wanted !== "json") throw new Error(`invalid format: ${wanted}: must be "json"`);
    const engine = await session.engine(signal);
    const report = await engine.system.check(option(repair), signal);
    session.out(wanted === "json" ? `${JSON.stringify(report)}\n` : describeReport(report));
    const findings = report.Findings ?? [];
    if (findings.length === 0) return;
    throw new ExitError(findings.every(({ Repaired }) => Repaired === true) ? REPAIRED : NOT_REPAIRED, "");
  },
};
