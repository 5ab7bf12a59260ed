import { Content } from "#proto/gen/content_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { missing } from "../failures.ts";
import { pathsOf, required } from "../protobuf.ts";
import { scopeOf } from "../scope-metadata.ts";
import type { ContentStore } from "./content.ts";
import { encodeBlob, encodeStatus } from "./messages.ts";
import { serveWrites } from "./write-session.ts";

export function serveContent(content: ContentStore): ServedService {
  return serve(Content, {
    info: async ({ digest }, call) => ({ info: encodeBlob(await content.info(scopeOf(call), digest)) }),
    update: async ({ info, updateMask }, call) => {
      const { digest, labels } = required(info, "info");
      return { info: encodeBlob(await content.update(scopeOf(call), digest, labels, pathsOf(updateMask))) };
    },
    list: async function* ({ filters }, call) {
      for await (const info of content.list(scopeOf(call), filters)) yield { info: [encodeBlob(info)] };
    },
    delete: async ({ digest }, call) => {
      await content.delete(scopeOf(call), digest);
      return {};
    },
    read: async function* ({ digest, offset, size }, call) {
      let at = offset;
      const range = { offset: Number(offset), size: Number(size) };
      for await (const data of content.read(scopeOf(call), digest, range)) {
        yield { offset: at, data };
        at += BigInt(data.length);
      }
    },
    status: async ({ ref }, call) => {
      const status = (await content.statuses(scopeOf(call), [])).find((candidate) => candidate.ref === ref);
      if (status === undefined) throw missing(`ingest ref ${ref}`);
      return { status: encodeStatus(status) };
    },
    listStatuses: async ({ filters }, call) => ({
      statuses: (await content.statuses(scopeOf(call), filters)).map(encodeStatus),
    }),
    write: (requests, call) => serveWrites(content, scopeOf(call), requests),
    abort: async ({ ref }, call) => {
      await content.abort(scopeOf(call), ref);
      return {};
    },
  });
}
