/*
 * A tenant, or whatever stands before it, that sent a doctor who learns something that is no frame ended the process with an
 * uncaught exception: the reader threw inside a listener. The sessions that were begun stayed at the tenant.
 */
import { expect, test } from "vitest";
import { openProbeSocket } from "../../src/cli/doctor/learn/probe-socket.ts";
import { Probing } from "../../src/cli/doctor/learn/probing.ts";
import { Visit } from "../../src/cli/doctor/visit.ts";
import { switching } from "../support/raw-handshake.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { wayTo } from "../upstream/clients.ts";

const started = cleanedUp();

test.each([
  ["is masked", [0x81, 0x80]],
  ["is too long", [0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0]],
])("a frame that %s is told of, and the connection is over", async (_what, frame) => {
  const tenant = started.keep(await startRawUpstream((_request, socket) => void socket.write(switching())));
  const visit = new Visit({ sources: { environment: {} }, person: {}, app: undefined });
  visit.note("upstream", started.keep(wayTo("own", tenant.origin)));
  const socket = await openProbeSocket(new Probing(visit, 50), "/app/x", ["connection", "Upgrade"]);
  if (typeof socket === "number") throw new Error(`the upgrade answers ${socket}`);
  const ended = socket.endsWithin(5000);
  for (const far of tenant.sockets) far.write(Buffer.from(frame));
  await expect(ended).rejects.toMatchObject({ code: "QSP-UPSTREAM" });
  await expect(socket.waitFor(() => true, 50)).rejects.toMatchObject({ code: "QSP-UPSTREAM" });
});
