import { afterEach, expect, test } from "vitest";
import { freePort } from "../cli/command.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { figure, milliseconds, seconds } from "./figure.ts";
import { keptUntil } from "./kept.ts";
import { namesOf } from "./known-users.ts";
import { startNginxDoor } from "./nginx-door.ts";
import { openPage } from "./page-user.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld } from "./world.ts";

/*
 * A deploy that nobody sees: three nodes behind nginx are replaced one after the other, in the middle of the work of pages
 * that hold the vendor's client. nginx knows nothing of the nodes' health but what their answers say.
 */

const keep = keptUntil(afterEach);

test(
  "a rolling restart behind nginx loses nothing that a person would see",
  async () => {
    const redis = keep(await startRedisServer());
    const ports = [await freePort(), await freePort(), await freePort()];
    const config = { timeouts: { drainDelay: "1s", drain: "4s" } };
    const world = keep(await startWorld({ store: redis.url, ports, config }));
    const nginx = keep(await startNginxDoor(ports, new URL(world.door.origin).host));
    const place = { doorOrigin: nginx.origin, publicOrigin: world.door.origin };
    const pages = await Promise.all(namesOf(12).map((user) => openPage({ ...place, user })));
    const logins = world.ledger.logins();
    const since = performance.now();
    const codes: (number | null)[] = [];
    for (const node of ports.keys()) {
      codes.push((await world.nodes[node]?.stop()) ?? null);
      await world.replace(node);
    }
    const took = performance.now() - since;
    const reports = await Promise.all(pages.map((page) => page.close()));
    const sum = (count: (report: (typeof reports)[number]) => number): number =>
      reports.reduce((total, report) => total + count(report), 0);
    const errors = reports.flatMap((report) => report.errors);
    const opened = world.ledger.handshakes();
    figure("rolling restart behind nginx", {
      nodes: ports.length,
      took: seconds(took),
      requests: sum(({ requests }) => requests),
      "engine calls": sum(({ calls }) => calls),
      failed: errors.length,
      sockets: pages.length,
      "silent reconnects": opened - pages.length,
      "new logins": world.ledger.logins() - logins,
      "longest gap": milliseconds(Math.max(...reports.map(({ longest }) => longest))),
    });
    expect(errors).toEqual([]);
    expect(codes).toEqual([0, 0, 0]);
    expect(world.ledger.logins()).toBe(logins);
    expect(opened).toBeGreaterThan(pages.length);
  },
  longestProof,
);
