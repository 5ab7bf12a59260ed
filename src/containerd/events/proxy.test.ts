import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { eventsSuite } from "./events.suite.ts";

eventsSuite("proxy", openProxiedContainerd);
