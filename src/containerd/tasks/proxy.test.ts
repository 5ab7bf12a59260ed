import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { tasksSuite } from "./tasks.suite.ts";

tasksSuite("proxy", openProxiedContainerd);
