import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** The front door of several nodes: each new connection goes to the next of them. */
export interface RoundRobinDoor {
  /** The public origin of all nodes. */
  readonly origin: string;
  /** Sends new connections to these ports; those that are open stay where they are. */
  leadTo(ports: readonly number[]): void;
  close(): Promise<void>;
}

/** Opens a front door that passes bytes on as they are. */
export async function openRoundRobinDoor(): Promise<RoundRobinDoor> {
  const open = new Set<Socket>();
  let ports: readonly number[] = [];
  let turn = 0;
  const server = createServer((incoming) => {
    const port = ports[(turn += 1) % Math.max(1, ports.length)];
    if (port === undefined) return void incoming.destroy();
    const outgoing = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (given) => void (ports = given),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
