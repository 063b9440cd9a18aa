import { describeStore } from "./contract.ts";
import { redisByUrl, redisByIoredis, redisByNodeRedis } from "./fixtures.ts";

describeStore(redisByUrl);
describeStore(redisByIoredis);
describeStore(redisByNodeRedis);
