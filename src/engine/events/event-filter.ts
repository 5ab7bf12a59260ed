// Which events a client of `docker events --filter` sees.

import type { Filters } from "../filters.ts";
import type { EngineEvent } from "./events.ts";

/** Actions that carry a detail after a colon: a filter names them without it. */
const detailed = ["health_status", "exec_create", "exec_start"];

const accepted = [
  ...["config", "container", "daemon", "event", "image", "label", "network", "node", "plugin", "scope"],
  ...["secret", "service", "type", "volume"],
];

/** Throws for a filter that events do not have. */
export function eventFilter(filters: Filters): (event: EngineEvent) => boolean {
  filters.validate(accepted);
  const byPrefix = filters.values("event").some((action) => detailed.includes(action));
  const action = (event: EngineEvent): boolean =>
    byPrefix ? filters.matchPrefix("event", event.action) : filters.matchExact("event", event.action);
  return (event) =>
    action(event) &&
    filters.matchExact("type", event.type) &&
    filters.matchExact("scope", "local") &&
    ["daemon", "container", "plugin", "volume", "network"].every((type) =>
      matchActor(filters, type, event),
    ) &&
    ["node", "service", "secret", "config"].every((type) => !filters.has(type)) &&
    matchImage(filters, event) &&
    filters.matchPairs("label", event.attributes);
}

function matchActor(filters: Filters, type: string, event: EngineEvent): boolean {
  if (!filters.has(type)) return true;
  if (event.type !== type)
    return type === "container" && filters.matchExact(type, event.attributes.container ?? "");
  return filters.matchPrefix(type, event.actorId) || filters.matchPrefix(type, event.attributes.name ?? "");
}

/** By id or name, with or without a tag; for a container, by the image that it was made from. */
function matchImage(filters: Filters, event: EngineEvent): boolean {
  if (!filters.has("image")) return true;
  const name = event.attributes[event.type === "image" ? "name" : "image"] ?? "";
  return [event.actorId, name]
    .flatMap((text) => [text, withoutTag(text)])
    .some((text) => text !== "" && filters.matchExact("image", text));
}

const withoutTag = (reference: string): string => reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
