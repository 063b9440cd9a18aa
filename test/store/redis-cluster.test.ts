import { describeStore } from "./contract.ts";
import { clusterByUrl, clusterByIoredis, clusterByNodeRedis } from "./fixtures.ts";

describeStore(clusterByUrl);
describeStore(clusterByIoredis);
describeStore(clusterByNodeRedis);
