// Docker's events about containers: the labels, the image and the name are the attributes of every one.

import type { EventBus } from "#engine/events/events.ts";
import type { Container } from "./store.ts";

export function publishContainerEvent(
  events: Pick<EventBus, "publish">,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { config, name } = container.record;
  events.publish({
    type: "container",
    action,
    actorId: container.id,
    attributes: {
      ...config.Labels,
      ...(config.Image !== "" && { image: config.Image }),
      name,
      ...attributes,
    },
  });
}
