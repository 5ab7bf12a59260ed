import { EngineError } from "#base/errors.ts";
import {
  Content,
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
  type WriteContentResponseSchema,
} from "#proto/gen/content_pb.ts";
import type { GrpcClient } from "#transport/grpc/client.ts";
import type { DuplexCall } from "#transport/grpc/service-types.ts";
import type { Labels } from "../scope.ts";
import { inScope } from "../scope-metadata.ts";
import type { ContentStore, ContentWriter } from "./content.ts";
import { decodeBlob, decodeStatus } from "./messages.ts";

type WriteCall = DuplexCall<typeof WriteContentRequestSchema, typeof WriteContentResponseSchema>;

/** Bytes in one message; far under the limit of a message. */
const messageSize = 1 << 20;

export function createContentProxy(client: GrpcClient): ContentStore {
  const content = client.service(Content);
  return {
    info: async (scope, digest) => decodeBlob((await content.info({ digest }, inScope(scope))).info),
    update: async (scope, digest, labels, fields) => {
      const updateMask = { paths: fields.length === 0 ? ["labels"] : [...fields] };
      const request = { info: { digest, labels: { ...labels } }, updateMask };
      return decodeBlob((await content.update(request, inScope(scope))).info);
    },
    list: async function* (scope, filters) {
      for await (const { info } of content.list({ filters: [...filters] }, inScope(scope)))
        yield* info.map(decodeBlob);
    },
    delete: async (scope, digest) => void (await content.delete({ digest }, inScope(scope))),
    read: async function* (scope, digest, range) {
      const request = { digest, offset: BigInt(range?.offset ?? 0), size: BigInt(range?.size ?? 0) };
      for await (const { data } of content.read(request, inScope(scope))) yield data;
    },
    openWriter: async (scope, ref, expected) => {
      const call = await content.write(inScope(scope));
      const total = BigInt(expected?.size ?? 0);
      const wanted = { ref, total, expected: expected?.digest ?? "" };
      try {
        const { offset } = await ask(call, { action: WriteAction.STAT, ...wanted });
        return new ProxiedWriter(call, Number(offset));
      } catch (error) {
        call[Symbol.dispose]();
        throw error;
      }
    },
    statuses: async (scope, filters) =>
      (await content.listStatuses({ filters: [...filters] }, inScope(scope))).statuses.map(decodeStatus),
    abort: async (scope, ref) => void (await content.abort({ ref }, inScope(scope))),
  };
}

class ProxiedWriter implements ContentWriter {
  readonly #call: WriteCall;
  #offset: number;

  constructor(call: WriteCall, offset: number) {
    this.#call = call;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length; start += messageSize) {
      const data = chunk.subarray(start, start + messageSize);
      await this.#ask({ action: WriteAction.WRITE, offset: BigInt(this.#offset), data });
    }
  }

  async truncate(): Promise<void> {
    await this.#ask({ action: WriteAction.WRITE, offset: 0n });
  }

  async commit(size: number, expected: string, labels: Labels): Promise<string> {
    const offset = BigInt(this.#offset);
    const request = {
      action: WriteAction.COMMIT,
      offset,
      total: BigInt(size),
      expected,
      labels: { ...labels },
    };
    return (await this.#ask(request)).digest;
  }

  /** Waits for the server to let go of the ingest. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#call.end();
    try {
      while ((await this.#call.answers.next()).done !== true);
    } catch {
      // The call has failed; whoever made the failing request was told.
    }
    this.#call[Symbol.dispose]();
  }

  async #ask(request: Parameters<WriteCall["send"]>[0]): Promise<WriteContentResponse> {
    const answer = await ask(this.#call, request);
    this.#offset = Number(answer.offset);
    return answer;
  }
}

async function ask(
  call: WriteCall,
  request: Parameters<WriteCall["send"]>[0],
): Promise<WriteContentResponse> {
  await call.send(request);
  const answer = await call.answers.next();
  if (answer.done === true)
    throw new EngineError("unavailable", "the content store ended the call: unavailable");
  return answer.value;
}
