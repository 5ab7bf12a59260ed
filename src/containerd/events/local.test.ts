import { openTestContainerd } from "../testing/test-containerd.ts";
import { eventsSuite } from "./events.suite.ts";

eventsSuite("local", () => openTestContainerd());
