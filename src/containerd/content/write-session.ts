// The server's side of Content.Write: requests about one ingest, each answered, until the client ends the call.
//
//   STAT   {ref, total, expected} -> offset that the ingest holds
//   WRITE  {offset, data}         -> new offset; offset 0 on an ingest that holds bytes starts it over
//   COMMIT {total, expected, labels, data?} -> digest

import type { MessageInitShape } from "@bufbuild/protobuf";
import { EngineError } from "#base/errors.ts";
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponseSchema,
} from "#proto/gen/content_pb.ts";
import { invalidArgument } from "../failures.ts";
import type { Scope } from "../scope.ts";
import type { ContentStore, ContentWriter } from "./content.ts";

type Answer = MessageInitShape<typeof WriteContentResponseSchema>;

export async function* serveWrites(
  content: ContentStore,
  scope: Scope,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<Answer> {
  let expected = "";
  let total = 0n;
  await using writers = new AsyncDisposableStack();
  let writer: ContentWriter | undefined;
  for await (const request of requests) {
    if (request.expected !== "") expected = request.expected;
    if (request.total > 0n) total = request.total;
    if (writer === undefined) {
      if (request.ref === "") throw invalidArgument("first message must have a reference");
      writer = writers.use(
        await content.openWriter(scope, request.ref, { digest: expected, size: Number(total) }),
      );
    }
    const digest = await handle(writer, request, { total, expected });
    yield { action: request.action, offset: BigInt(writer.offset), total, digest };
  }
}

async function handle(
  writer: ContentWriter,
  request: WriteContentRequest,
  wanted: { readonly total: bigint; readonly expected: string },
): Promise<string> {
  if (request.action === WriteAction.STAT) return "";
  await seek(writer, request);
  if (request.data.length > 0) await writer.write(request.data);
  if (request.action !== WriteAction.COMMIT) return "";
  return writer.commit(Number(wanted.total), wanted.expected, request.labels);
}

async function seek(writer: ContentWriter, { action, offset }: WriteContentRequest): Promise<void> {
  if (offset === 0n && writer.offset > 0 && action === WriteAction.WRITE) await writer.truncate();
  else if (offset > 0n && Number(offset) !== writer.offset)
    throw new EngineError(
      "outOfRange",
      `write @${offset} must occur at current offset ${writer.offset}: out of range`,
    );
}
