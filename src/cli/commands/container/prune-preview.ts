// Which containers a prune would remove, told before the user agrees.

import type { Filters } from "#client/engine-client.ts";
import type { ContainerSummary } from "#spec/engine-api/definitions.table.ts";
import type { Call } from "../../grammar/command.ts";
import { parseMoment } from "../../moment.ts";
import { shortId } from "../../output/texts.ts";

/** "  - web (busybox, Exited (0) 5 minutes ago)", a line each; what is started meanwhile stays. */
export async function previewContainers(call: Call, filters: Filters): Promise<string> {
  const engine = await call.session.engine(call.signal);
  const status = ["created", "exited", "dead"];
  const asked = { status, ...(filters.label === undefined ? {} : { label: filters.label }) };
  const stopped = await engine.containers.list({ all: true, filters: asked }, call.signal);
  const now = call.session.surroundings.now();
  const limits = (filters.until ?? []).map((text) => Number(parseMoment(text, now, "until")));
  const kept = filters["label!"] ?? [];
  const goes = ({ Created = 0, Labels = {} }: ContainerSummary): boolean =>
    limits.every((limit) => Created <= limit) && !kept.some((pair) => hasLabel(Labels ?? {}, pair));
  return stopped.filter(goes).map(describe).join("");
}

function hasLabel(labels: Readonly<Record<string, string>>, pair: string): boolean {
  const [name = "", ...value] = pair.split("=");
  return Object.hasOwn(labels, name) && (value.length === 0 || labels[name] === value.join("="));
}

function describe({ Id = "", Names = [], Image = "", Status = "" }: ContainerSummary): string {
  const name = Names.find((one) => one.lastIndexOf("/") === 0)?.slice(1) ?? shortId(Id);
  return `  - ${name} (${Image}, ${Status})\n`;
}
