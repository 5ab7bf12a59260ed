// Which events a client of `docker events --filter` sees.

import { familiarName, parseReference } from "#formats/reference.ts";
import type { Filters } from "../filters.ts";
import type { EngineEvent } from "./events.ts";

/** Actions that carry a detail after a colon: a filter names them without it. */
const detailed = ["health_status", "exec_create", "exec_start"];

/** A filter that events do not have is no filter, as with dockerd. */
export function eventFilter(filters: Filters): (event: EngineEvent) => boolean {
  const byPrefix = filters.values("event").some((action) => detailed.includes(action));
  const action = (event: EngineEvent): boolean =>
    byPrefix ? filters.matchPrefix("event", event.action) : filters.matchExact("event", event.action);
  return (event) =>
    action(event) &&
    filters.matchExact("type", event.type) &&
    filters.matchExact("scope", "local") &&
    actors.every((type) => matchActor(filters, type, event)) &&
    matchImage(filters, event) &&
    filters.matchPairs("label", event.attributes);
}

const actors = ["daemon", "container", "plugin", "volume", "network", "node", "service", "secret", "config"];

/** As Docker does: by the start of the id or of the name, whatever the event is about. */
const matchActor = (filters: Filters, type: string, { actorId, attributes }: EngineEvent): boolean =>
  filters.matchPrefix(type, actorId) || filters.matchPrefix(type, attributes.name ?? "");

/** By id or name, with or without a tag; for a container, by the image that it was made from. */
function matchImage(filters: Filters, event: EngineEvent): boolean {
  const name = event.attributes[event.type === "image" ? "name" : "image"] ?? "";
  return [event.actorId, name]
    .flatMap((text) => [text, withoutTag(text)])
    .some((text) => filters.matchExact("image", text));
}

/** The familiar name of a reference; another text as it is. */
function withoutTag(text: string): string {
  try {
    const { domain, path } = parseReference(text);
    return familiarName({ domain, path });
  } catch {
    return text;
  }
}
