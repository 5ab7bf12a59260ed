// An event as Docker's clients read it.

import type { EngineEvent } from "#engine/events/events.ts";

/** Before API 1.52 events of containers and images also carry the fields of Docker 1.9. */
export function encodeEvent(event: EngineEvent, minor: number): string {
  const { type, action, actorId, attributes, timeNano } = event;
  const legacy = minor < 52 ? legacyFields(event) : {};
  const text = JSON.stringify({
    ...legacy,
    Type: type,
    Action: action,
    Actor: { ID: actorId, Attributes: attributes },
    scope: "local",
    time: Number(timeNano / 1_000_000_000n),
  });
  return `${text.slice(0, -1)},"timeNano":${timeNano}}`; // more digits than a JavaScript number holds
}

function legacyFields({ type, action, actorId, attributes }: EngineEvent): Readonly<Record<string, string>> {
  if (type === "container") return { status: action, id: actorId, from: attributes.image ?? "" };
  return type === "image" ? { status: action, id: actorId } : {};
}
