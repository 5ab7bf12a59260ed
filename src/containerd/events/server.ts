import { Events } from "#proto/gen/event-service_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { fromAny, required, toDate } from "../protobuf.ts";
import { scopeOf } from "../scope-metadata.ts";
import type { Envelope, EventExchange } from "./events.ts";

export const serveEvents = (events: EventExchange): ServedService =>
  serve(Events, {
    publish: async ({ topic, event }, call) => {
      await events.publish(scopeOf(call), topic, fromAny(required(event, "event")));
      return {};
    },
    forward: async ({ envelope }) => {
      const { namespace, topic, event } = required(envelope, "envelope");
      await events.publish({ namespace }, topic, fromAny(required(event, "event")));
      return {};
    },
    subscribe: ({ filters }, call) => encodeAll(events.subscribe(filters, call.signal)),
  });

async function* encodeAll(envelopes: AsyncIterable<Envelope>) {
  for await (const { timestamp, namespace, topic, event } of envelopes)
    yield { timestamp: toDate(timestamp), namespace, topic, event };
}
