import type { AddressInfo, Socket } from "node:net";
import { createListener, listen } from "../../src/server/listener.ts";
import type { Started } from "./started.ts";

/** A listener that listens. */
export interface OwnListener {
  readonly server: ReturnType<typeof createListener>;
  /** Connections that it has not closed. */
  readonly open: ReadonlySet<Socket>;
  readonly port: number;
}

/** A listener of the server on a free port. */
export async function startOwnListener(
  started: Pick<Started, "keep">,
  ...options: Parameters<typeof createListener>
): Promise<OwnListener> {
  const server = createListener(...options);
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  started.keep({
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { server, open, port: (server.address() as AddressInfo).port };
}
