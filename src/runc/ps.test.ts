import assert from "node:assert/strict";
import { test } from "node:test";
import { selectProcesses } from "./ps.ts";

test("of what ps lists, the container's processes are kept with the headline", () => {
  const listing = "UID   PID  PPID CMD\nroot    1     0 init\nroot   17     1 sleep 17\nroot  170    17 sh\n";
  assert.equal(selectProcesses(listing, [17]), "UID   PID  PPID CMD\nroot   17     1 sleep 17\n");
  assert.equal(selectProcesses(listing, []), "UID   PID  PPID CMD\n");
});

test("columns without the process id are refused", () => {
  assert.throws(() => selectProcesses("COMMAND\nsh\n", [1]), /couldn't find PID field in ps output/);
  assert.throws(() => selectProcesses("PID COMMAND\n- sh\n", [1]), /unable to parse pid/);
});
