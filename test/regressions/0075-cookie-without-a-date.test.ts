/*
 * What a cookie said of its end was read by `Date.parse`, which takes "0" and "-1" for years long past and any date without a
 * zone for local time. A browser sees no date in the first two, and UTC in the last. So a login whose cookies said
 * "Expires=0" failed, as if the tenant had set none, and a jar on a machine of another zone kept a cookie too long.
 */
import { expect, test } from "vitest";
import { createCookieJar } from "../../src/http/cookie-jar.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test.each(["0", "-1", "1", "2020"])("a login whose cookies say Expires=%s is a login", async (expires) => {
  const { stack, upstream } = await started.raw();
  upstream.login((socket) => {
    const cookies = ["eas.sid=one", "eas.sid.sig=two", "_csrfToken=three"].map(
      (pair) => `Set-Cookie: ${pair}; Path=/; Expires=${expires}\r\n`,
    );
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${cookies.join("")}\r\n{}`);
  });
  expect((await stack.get("/api/v1/items")).status).toBe(200);
  expect(upstream.seen.at(-1)?.header("cookie")).toBe("eas.sid=one; eas.sid.sig=two; _csrfToken=three");
});

test("a date is in UTC, whatever zone it names", () => {
  const jar = createCookieJar({ host: "acme.eu.qlikcloud.com", secure: true });
  const end = Date.UTC(2026, 0, 7, 10);
  jar.absorb(["a=1; Expires=07 Jan 2026 10:00:00 -0800", "b=1; Expires=07 Jan 2026 10:00:00 PST"], end - 1);
  expect([jar.header("/", end - 1), jar.header("/", end)]).toEqual(["a=1; b=1", ""]);
});
