import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { snapshotterSuite } from "./snapshotter.suite.ts";

snapshotterSuite("proxy", openProxiedContainerd);
