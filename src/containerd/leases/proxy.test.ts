import { openProxiedContainerd } from "../testing/proxied-containerd.ts";
import { leasesSuite } from "./leases.suite.ts";

leasesSuite("proxy", openProxiedContainerd);
