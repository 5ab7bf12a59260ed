// One question to one upstream server, by UDP or TCP: the bytes of the client's own message with another id.

import { randomInt } from "node:crypto";
import { isIPv6 } from "node:net";
import { decodeResponse, idOf, type Response, withId } from "#formats/dns/message.ts";
import { canonicalAddress } from "#formats/socket-address.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { DNS_PORT, type QuerySockets } from "./query-sockets.ts";

export interface Question {
  readonly bytes: Uint8Array;
  /** Offset behind the question in them. */
  readonly end: number;
  readonly protocol: "udp" | "tcp";
}

export interface Reply extends Response {
  /** With the id of the client's message. */
  readonly bytes: Uint8Array;
}

const AGAIN_AFTER_MS = 1500;
const ids = 0x1_0000;

/** Rejects when the server cannot be reached or the signal is aborted; what is no answer to the question is passed over. */
export async function exchange(
  sockets: QuerySockets,
  server: string,
  question: Question,
  signal: AbortSignal,
): Promise<Reply> {
  const asked = withId(question.bytes, randomInt(ids));
  const read = (bytes: Uint8Array): Reply | undefined => {
    const response = decodeResponse(bytes, asked, question.end);
    return response && { ...response, bytes: withId(bytes, idOf(question.bytes)) };
  };
  return question.protocol === "udp"
    ? await byDatagram(sockets, server, { asked, read }, signal)
    : await byStream(sockets, server, { asked, read }, signal);
}

interface Asking {
  readonly asked: Uint8Array;
  readonly read: (bytes: Uint8Array) => Reply | undefined;
}

async function byDatagram(
  sockets: QuerySockets,
  server: string,
  { asked, read }: Asking,
  signal: AbortSignal,
): Promise<Reply> {
  const isIpv6 = isIPv6(server);
  const socket = await sockets.datagrams(isIpv6 ? 6 : 4, signal);
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const abort = (): void => reject(new Error("no answer", { cause: signal.reason }));
  const sent = (error: Error | null): void => {
    if (error !== null) reject(error);
  };
  const send = (): void => (isIpv6 ? socket.send(asked, DNS_PORT, server, sent) : socket.send(asked, sent));
  const again = setTimeout(send, AGAIN_AFTER_MS);
  socket.on("error", reject); // "connection refused", too, where the kernel knows whom the socket speaks with
  socket.on("message", (bytes, sender) => {
    if (isIpv6 && (sender.port !== DNS_PORT || sender.address !== canonicalAddress(server))) return;
    const reply = read(bytes);
    if (reply !== undefined) resolve(reply);
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    // Node cannot connect a socket of IPv6 that was passed to it: who answers is looked at.
    if (isIpv6) send();
    else socket.once("connect", send).connect(DNS_PORT, server);
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    clearTimeout(again);
    socket.close();
  }
}

async function byStream(
  sockets: QuerySockets,
  server: string,
  { asked, read }: Asking,
  signal: AbortSignal,
): Promise<Reply> {
  const socket = await sockets.connect(server, DNS_PORT, signal);
  const destroy = (): void => void socket.destroy();
  socket.on("error", () => undefined); // the loop is told
  signal.addEventListener("abort", destroy, { once: true });
  try {
    signal.throwIfAborted();
    socket.write(encodeFrame(asked));
    const frames = new FrameReader();
    for await (const chunk of socket) {
      if (!(chunk instanceof Buffer)) continue;
      frames.push(chunk);
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        const reply = read(frame);
        if (reply !== undefined) return reply;
      }
    }
    throw new Error(`${server} closed the connection`);
  } finally {
    signal.removeEventListener("abort", destroy);
    socket.destroy();
  }
}
