// RTM_NEWNEIGH messages: who is behind which end of a tunnel.

import { addressBytes, parseAddress } from "../ip-prefix.ts";
import { attribute } from "../netlink/attributes.ts";
import { encodeMessage, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE } from "../netlink/message.ts";

const RTM_NEWNEIGH = 28;
const AF_BRIDGE = 7;
const NUD_PERMANENT = 0x80;
const NUD_NOARP = 0x40;
const NTF_SELF = 0x02;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const ANYBODY = new Uint8Array(6);

/** What a vxlan link does not know the end of, and what is for all, goes to this end, too. */
export function floodTo(linkIndex: number, remote: string): Uint8Array {
  const head = new Uint8Array(12); // struct ndmsg
  const view = new DataView(head.buffer);
  view.setUint8(0, AF_BRIDGE);
  view.setInt32(4, linkIndex, true);
  view.setUint16(8, NUD_NOARP | NUD_PERMANENT, true);
  view.setUint8(10, NTF_SELF);
  const body = Buffer.concat([
    head,
    attribute(NDA_LLADDR, ANYBODY),
    attribute(NDA_DST, addressBytes(parseAddress(remote))),
  ]);
  return encodeMessage({ type: RTM_NEWNEIGH, flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, body });
}
