import type { Envelope as EnvelopeMessage } from "#proto/gen/containerd-types_pb.ts";
import { Events } from "#proto/gen/event-service_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import { dateOf, fromAny, required } from "../protobuf.ts";
import { inScope } from "../scope-metadata.ts";
import type { Envelope, EventExchange } from "./events.ts";

export function createEventsProxy(client: GrpcClient): EventExchange {
  const events = client.service(Events);
  return {
    publish: async (scope, topic, event) => void (await events.publish({ topic, event }, inScope(scope))),
    subscribe: (filters, signal) =>
      decodeAll(events.subscribe({ filters: [...filters] }, { metadata: {}, signal, lasting: true })),
  };
}

async function* decodeAll(messages: AsyncIterable<EnvelopeMessage>): AsyncGenerator<Envelope> {
  for await (const { timestamp, namespace, topic, event } of messages)
    yield { timestamp: dateOf(timestamp), namespace, topic, event: fromAny(required(event, "event")) };
}
