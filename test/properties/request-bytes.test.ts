import { validateHeaderName, validateHeaderValue } from "node:http";
import fc from "fast-check";
import { Client } from "undici";
import { expect, test } from "vitest";
import { isHeaderName, isHeaderValue } from "../../src/http/raw-headers.ts";
import { answerBoth, answerTo, bytesOf, forwarded, type Door } from "../security/doors.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp, echoRule } from "../support/started.ts";

/* What goes out to the tenant, as bytes: by the rules of node and of undici, and as a server takes it that believes all. */

const started = cleanedUp();

const pick = fc.constantFrom;

const isTaken = (validate: () => void): boolean => {
  try {
    validate();
    return true;
  } catch {
    return false;
  }
};

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.string({ unit: "binary-ascii", maxLength: 4 }),
  fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,6}$/),
  fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,6}$/),
);

test("a name or value is one to us exactly where it is one to node and to undici", async () => {
  const upstream = started.keep(await startRawUpstream());
  const client = new Client(upstream.origin.replace("tenant.localhost", "127.0.0.1"));
  started.keep({ close: () => client.destroy() });
  const isSent = (name: string, value: string): Promise<boolean> =>
    client.request({ method: "GET", path: "/", headers: [name, value] }).then(
      async ({ body }) => (await body.dump(), true),
      () => false,
    );
  await fc.assert(
    fc.asyncProperty(anyText, anyText, async (name, value) => {
      const isName = isHeaderName(name);
      const isValue = isHeaderValue(value);
      expect([isName, isValue]).toEqual([
        isTaken(() => validateHeaderName(name)),
        isTaken(() => validateHeaderValue("x", value)),
      ]);
      expect(await isSent("x-own", value)).toBe(isValue);
      // The `x` keeps it from being a name with a meaning.
      expect(await isSent(`x${name}`, "1")).toBe(isHeaderName(`x${name}`));
    }),
    { numRuns: 300 },
  );
});

/** Header lines as a peer may write them, bytes above ASCII and names with a meaning for framing among them. */
const name = pick(
  "X-Own",
  "x-own",
  "Accept",
  "Content-Type",
  "X-Length",
  "Content_Length",
  "Transfer_Encoding",
  "TE",
  "Trailer",
  "Content-Length_",
);
const value = fc.oneof(
  fc.stringMatching(/^[!-~\u0080-\u00ff]([\t -~\u0080-\u00ff]{0,8}[!-~\u0080-\u00ff])?$/),
  pick("chunked", "0", "5", "close", "trailers", ""),
);
const connection = pick("content-length", "transfer-encoding", "host", "close, cookie", "x-own, te").map(
  (listed) => `Connection: ${listed}`,
);
const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(name, value).map((pair) => pair.join(": ")) },
  connection,
);

/** A request that hides in the body of another. */
const hidden = "GET /api/v1/echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
const body = fc.oneof(
  pick("", hidden, `0\r\n\r\n${hidden}`),
  fc.string({ unit: "binary-ascii", maxLength: 20 }),
);

/** A path and a query that the parser takes. */
const segment = fc.stringMatching(/^[A-Za-z0-9_~!$&'()*+,:@=-]{1,6}$/);
const query = fc.stringMatching(/^[!-"$-~]{0,12}$/).map((text) => (text === "" ? "" : `?q=${text}`));

const request = fc.record({
  method: pick("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
  target: fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), query)
    .map(([path, q]) => path.join("/") + q),
  lines: fc.array(line, { maxLength: 5 }),
  framing: pick("none", "length", "chunks"),
  body,
});

const framed = (
  framing: string,
  text: string,
): { readonly lines: readonly string[]; readonly behind: string } => {
  if (framing === "none") return { lines: [], behind: "" };
  if (framing === "length") return { lines: [`Content-Length: ${text.length}`], behind: text };
  const chunk = text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
  return { lines: ["Transfer-Encoding: chunked"], behind: `${chunk}0\r\n\r\n` };
};

test.each<Door>(["request", "upgrade"])(
  "a tenant that believes every byte sees one request for one %s, framed once",
  async (door) => {
    const proxy = { policy: { presets: ["embed"], allow: [echoRule, "UPGRADE /api/v1/echo/**"] } };
    const { stack, upstream } = await started.raw(answerBoth, { proxy });
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(request, async ({ method: any, target, lines, framing, body: text }) => {
        const method = door === "upgrade" ? "GET" : any;
        const { lines: own, behind } = framed(door === "upgrade" ? "none" : framing, text);
        const path = `/api/v1/echo/${target}`;
        const before = forwarded(upstream.seen).length;
        const bytes = bytesOf(stack, door, `/qlik${path}`, { method, headers: [...lines, ...own], behind });
        const { status } = await answerTo(stack, bytes);
        const sent = forwarded(upstream.seen).slice(before);
        expect(sent).toHaveLength(status === 200 || status === 101 ? 1 : 0);
        const [seen] = sent;
        if (seen === undefined) return;
        passed += 1;
        expect(seen.line).toMatch(/ HTTP\/1\.1$/);
        const sentPath =
          door === "upgrade" ? `${path}${path.includes("?") ? "&" : "?"}qlik-csrf-token=raw-token` : path;
        const joined = (each: string): string => each.replaceAll(/&+/g, "&");
        expect([seen.method, joined(seen.path)]).toEqual([method, joined(sentPath)]);
        for (const [each, its] of seen.headers) {
          validateHeaderName(each);
          validateHeaderValue(each, its);
        }
        const count = (wanted: RegExp): number => seen.headers.filter(([each]) => wanted.test(each)).length;
        expect([count(/^host$/), count(/^connection$/), count(/^cookie$/)]).toEqual([1, 1, 1]);
        const whole = behind === "" ? "" : text;
        // A body, however short, has exactly one framing; a request without one has at most a length of nothing.
        expect(count(/^(?:content.length|transfer.encoding)/)).toBeLessThanOrEqual(1);
        const isChunked = seen.header("transfer-encoding") === "chunked";
        expect(isChunked ? seen.body.replace(/^[0-9a-f]+\r\n([^]*)\r\n$/, "$1") : seen.body).toBe(whole);
        expect(seen.header("content-length") ?? String(whole.length)).toBe(String(whole.length));
      }),
      { numRuns: 150 },
    );
    expect(passed).toBeGreaterThan(75);
  },
  60_000,
);
