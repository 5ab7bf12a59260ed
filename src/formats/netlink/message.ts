// Netlink messages (linux/netlink.h): a header, the body of a subsystem, attributes.

const HEADER = 16;

const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** Who asks is told what everybody is who listens. */
export const NLM_F_ECHO = 0x8;
const NLM_F_DUMP = 0x300;
const NLM_F_EXCL = 0x200;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Protocols of the socket. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** NLM_F_REQUEST is always set. `sequence` tells the messages of one batch apart. */
export function encodeMessage(message: NetlinkMessage, sequence = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER + message.body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags | NLM_F_REQUEST, true);
  view.setUint32(8, sequence, true);
  bytes.set(message.body, HEADER);
  return bytes;
}

/** Makes something new: EEXIST if it is there already. */
export const encodeCreation = (type: number, body: Uint8Array): Uint8Array =>
  encodeMessage({ type, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, body });

/** Asks for all there are. */
export const encodeDump = (type: number, body: Uint8Array): Uint8Array =>
  encodeMessage({ type, flags: NLM_F_DUMP, body });

/** The messages of one datagram or of several in a row; a cut-off last one is left out. */
export function decodeMessages(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + HEADER <= bytes.length) {
    const length = view.getUint32(offset, true);
    if (length < HEADER || offset + length > bytes.length) break;
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      body: bytes.subarray(offset + HEADER, offset + length),
    });
    offset += (length + 3) & ~3;
  }
  return messages;
}
