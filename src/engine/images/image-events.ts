// What happened to images, as Docker's clients hear it.

import type { EventBus } from "#engine/events/events.ts";

export interface ImageEvent {
  readonly action: "delete" | "import" | "load" | "pull" | "push" | "save" | "tag" | "untag";
  /** The id; for a pull or a push the reference. */
  readonly actorId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function publishImageEvent(events: Pick<EventBus, "publish">, event: ImageEvent): void {
  const { action, actorId, name, labels } = event;
  events.publish({ type: "image", action, actorId, attributes: { ...labels, name } });
}
