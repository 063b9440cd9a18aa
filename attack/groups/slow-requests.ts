import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { held, type Verdict, verdictOf } from "../verdict.ts";

/** Writes a request a little at a time; holds if the target ends the connection within its patience. */
async function isEnded(bout: Bout, begin: string, drip: string): Promise<Verdict> {
  const connection = await bout.connect();
  connection.write(begin);
  const timer = setInterval(() => connection.write(drip), 1000);
  const isOver = await connection.closed(bout.target.patience);
  clearInterval(timer);
  connection.destroy();
  return isOver ? held() : verdictOf([`still open after ${bout.target.patience / 1000} s`]);
}

/** Requests that take their time. */
export const slowRequests: readonly Attack[] = [
  {
    id: "B2-slow-head",
    tries: "holds a connection by a head that comes letter by letter",
    needs: ["limits"],
    isSlow: true,
    run: (bout) => isEnded(bout, `GET ${bout.read} HTTP/1.1\r\nHost: ${bout.target.host}\r\n`, "X-A: b\r\n"),
  },
  {
    id: "B2-silent-head",
    tries: "holds a connection by a head that does not come to its end",
    needs: ["limits"],
    isSlow: true,
    run: (bout) => isEnded(bout, `GET ${bout.read} HTTP/1.1\r\nHost: ${bout.target.host}\r\n`, ""),
  },
  {
    id: "B2-silent-body",
    tries: "holds a connection to the upstream by a body that does not come to its end",
    needs: ["limits"],
    isSlow: true,
    run: (bout) =>
      isEnded(
        bout,
        `${bout.head({ method: "POST", target: bout.write, lines: ["Content-Length: 1000"] })}x`,
        "",
      ),
  },
];
