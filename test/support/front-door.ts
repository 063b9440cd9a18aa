import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What stands before the instances of an application: one address, whose connections go to one of them. */
export interface FrontDoor {
  /** The origin that clients know, on an address that every system can resolve. */
  readonly origin: string;
  /** Sends new connections to this server; those that are open stay where they are. */
  leadTo(server: Server): void;
  close(): Promise<void>;
}

/** Opens a front door that passes bytes on as they are. */
export async function openFrontDoor(): Promise<FrontDoor> {
  const open = new Set<Socket>();
  let target: Server | undefined;
  const door = createServer((incoming) => {
    const address = target?.address() as AddressInfo | null | undefined;
    if (!address) return void incoming.destroy();
    const outgoing = connect(address.port, "127.0.0.1");
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
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  return {
    origin: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    leadTo: (server) => {
      target = server;
    },
    async close() {
      const closed = once(door, "close");
      door.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
