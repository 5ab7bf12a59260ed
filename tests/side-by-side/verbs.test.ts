// Containers from create to rm: what is done to them, and what they do themselves.

import { testWalks } from "./walks.ts";

testWalks(["life", "verbs", "exec", "health", "restart", "links"]);
