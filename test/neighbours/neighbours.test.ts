import { beforeAll, describe, expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";
import { visitBesideFastifyWebSocket } from "./fastify-websocket.ts";
import { sessionKinds, visitWithSession } from "./host-sessions.ts";
import { installNeighbours } from "./install.ts";
import { startPortal } from "./portal.ts";
import { visitBesideSocketIo, withSocketIo } from "./socket-io.ts";

/* Packages that other people's applications have beside the proxy; installed by this file, and by no other. */

beforeAll(installNeighbours, 180_000);

const started = cleanedUp();

describe.each(["Express", "none"] as const)("on a server with framework %s, socket.io", (framework) => {
  test.each(["before", "after"] as const)(
    "attached %s the proxy has its sockets, and leaves us ours",
    async (order) => {
      const portal = started.keep(await startPortal(withSocketIo(order, framework)));
      await expect(visitBesideSocketIo(portal)).resolves.toBeUndefined();
    },
  );
});

test.each(["before", "after"] as const)(
  "@fastify/websocket registered %s the plugin has its routes, and leaves us ours",
  (order) => expect(visitBesideFastifyWebSocket(order)).resolves.toBeUndefined(),
);

test.each(sessionKinds)("the session of %s is the user's, on requests and on upgrades", (kind) =>
  expect(visitWithSession(kind)).resolves.toBeUndefined(),
);
