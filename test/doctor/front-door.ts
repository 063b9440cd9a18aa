import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** How a front door is wrongly set up. */
export interface DoorFaults {
  /** Gives the proxy its own address as the host, as nginx does without `proxy_set_header Host`. */
  readonly ownHost?: boolean;
  /** Knows nothing of WebSockets, as nginx without `proxy_set_header Upgrade`. */
  readonly noUpgrades?: boolean;
  /** Passes on identity headers that clients send. */
  readonly trustsStrangers?: "nothing" | "the subject" | "everything";
  /** Answers the prefix itself, as an application whose prefix is not led to the proxy. */
  readonly answersItself?: boolean;
  /** Sends everybody without a session to its own sign-in. */
  readonly signsIn?: boolean;
  /** Answers as a cache does. */
  readonly caches?: boolean;
}

const passes = ({ trustsStrangers = "nothing" }: DoorFaults, name: string): boolean =>
  trustsStrangers === "everything" || (trustsStrangers === "the subject" && name === "x-user-sub");

/** A front door on loopback; it leads nowhere until it is told where to. */
export interface TestDoor {
  readonly origin: string;
  leadTo(url: string): void;
  close(): Promise<void>;
}

/** Opens a front door. */
export async function openDoor(faults: DoorFaults = {}): Promise<TestDoor> {
  let target: string | undefined;
  const forward = (incoming: IncomingMessage, take: (answer: IncomingMessage) => void): void => {
    const url = new URL(target ?? "");
    const headers: OutgoingHttpHeaders = {
      ...incoming.headers,
      ...(faults.ownHost === true ? { host: url.host } : {}),
    };
    const ofUser = Object.keys(headers).filter((name) => name.startsWith("x-user-"));
    for (const name of ofUser) if (!passes(faults, name)) delete headers[name];
    if (faults.noUpgrades === true) for (const name of ["upgrade", "connection"]) delete headers[name];
    const outgoing = request(url, { path: incoming.url, headers, agent: false }, take);
    outgoing.on("error", () => incoming.destroy()).end();
  };
  const server = createServer((incoming, response: ServerResponse) => {
    if (faults.answersItself === true) return void response.writeHead(404).end("<h1>no such page</h1>");
    if (faults.signsIn === true)
      return void response.writeHead(302, { location: "https://login.example.com/" }).end();
    if (target === undefined) return void response.writeHead(502).end("<h1>502 Bad Gateway</h1>");
    forward(incoming, (answer) => {
      const age = faults.caches === true ? { age: "7" } : {};
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...age });
      answer.pipe(response);
    });
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket) => {
    forward(incoming, (answer) => {
      socket.write(
        `HTTP/1.1 ${answer.statusCode} -\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`,
      );
      answer.pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://portal.localhost:${(server.address() as AddressInfo).port}`,
    leadTo: (url) => (target = url),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
