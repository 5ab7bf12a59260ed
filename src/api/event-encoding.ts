// An event as Docker's clients read it.

import type { EngineEvent } from "#engine/events/events.ts";

const streamTypes = ["application/json", "application/jsonl", "application/x-ndjson", "application/json-seq"];

/** What the client names in its Accept header; before API 1.52 the default is called JSON though it is a stream of it. */
export function eventStreamType(accept: string, minor: number): string {
  const asked = accept.split(",").map((range) => (range.split(";")[0] ?? "").trim().toLowerCase());
  return (
    asked.find((type) => streamTypes.includes(type)) ??
    (minor < 52 ? "application/json" : "application/jsonl")
  );
}

/** One event of the stream. A sequence marks the beginning of each text (RFC 7464). */
export const frameEvent = (text: string, contentType: string): string =>
  contentType === "application/json-seq" ? `\u001e${text}\n` : `${text}\n`;

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
