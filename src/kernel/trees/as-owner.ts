// Files that are made as another user, by node:ffi (calls.ts tells how).

import { calls, checked, outcome } from "./ffi-calls.ts";

const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
const SECBIT_NO_SETUID_FIXUP = 4;

/** This thread makes files as another user meanwhile, with all its rights: what is mounted for a user namespace takes none of whom that does
 *  not know. */
export function asOwner<T>({ uid, gid }: { readonly uid: number; readonly gid: number }, action: () => T): T {
  const { prctl, setfsuid, setfsgid } = calls();
  const bits = checked(
    "prctl",
    outcome(() => prctl(PR_GET_SECUREBITS, 0n, 0n, 0n, 0n)),
  );
  const kept = BigInt(bits | SECBIT_NO_SETUID_FIXUP);
  checked(
    "prctl",
    outcome(() => prctl(PR_SET_SECUREBITS, kept, 0n, 0n, 0n)),
  );
  const before = { uid: setfsuid(uid), gid: setfsgid(gid) };
  try {
    return action();
  } finally {
    setfsuid(before.uid);
    setfsgid(before.gid);
  }
}
