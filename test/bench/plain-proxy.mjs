// A proxy of a few lines, told by its environment what the set-ups of bench/peers/ are told; its faults are its callers'.
import { createServer, request } from "node:http";
import process from "node:process";

const { BENCH_PORT, BENCH_PREFIX, BENCH_TENANT, BENCH_CREDENTIAL } = process.env;

/** Starts it: `cookieFor` makes the Cookie header of the browser's own and the right one, `change` a part of an answer. */
export function startProxy({ cookieFor = (_own, right) => right, change = (chunk) => chunk }) {
  createServer((incoming, response) => {
    const { host: _host, cookie, ...headers } = incoming.headers;
    const outgoing = request(BENCH_TENANT + incoming.url.slice(BENCH_PREFIX.length), {
      headers: { ...headers, cookie: cookieFor(cookie, BENCH_CREDENTIAL) },
    });
    outgoing.on("response", (answer) => {
      const { "set-cookie": _cookies, ...answerHeaders } = answer.headers;
      response.writeHead(answer.statusCode, answerHeaders);
      answer.on("data", (chunk) => response.write(change(chunk)));
      answer.on("end", () => response.end());
    });
    outgoing.end();
  }).listen(Number(BENCH_PORT), "127.0.0.1");
}
