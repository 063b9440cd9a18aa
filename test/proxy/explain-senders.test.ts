import { expect, test } from "vitest";
import { headerValues } from "../../src/http/raw-headers.ts";
import { sendersOf, type AskedFor } from "../../src/proxy/explain/senders.ts";
import { cleanedUp } from "../support/started.ts";
import { questions, sibling, user, type Lines } from "./explain-questions.ts";
import { build, startBoth, statusOf } from "./explained-proxy.ts";

/* Each sender's request is sent byte for byte, and ends as it is said. */

const started = cleanedUp();

test.each(questions.filter(([method]) => method !== "TRACE"))(
  "what is said of senders is what happens: %s %s",
  async (...asked) => {
    const { stack, explain } = await startBoth(started, "/qlik");
    const { question, request, upgrade } = build(stack, [asked[0], asked[1], []]);
    const bare = { ...question, headers: user.flat() };
    const verdicts = explain(bare).senders;
    const senders = sendersOf({ method: request.method, upgrade, own: stack.origin, listed: [sibling] });
    expect(verdicts.map(({ who }) => who)).toEqual(senders.map(({ who }) => who));
    for (const [at, { headers, upgrade: asUpgrade }] of senders.entries()) {
      const pairs = headers.flatMap((name, i): Lines => (i % 2 === 0 ? [[name, headers[i + 1] ?? ""]] : []));
      const lines: Lines = [["Host", new URL(stack.origin).host], ...pairs, ...user];
      const method = asUpgrade ? "GET" : request.method;
      const status = await statusOf(stack, { ...request, method, lines });
      expect([verdicts[at]?.who, verdicts[at]?.status]).toEqual([
        verdicts[at]?.who,
        status >= 400 ? status : undefined,
      ]);
    }
  },
);

test.each([
  ["GET", "/qlik/single/?appid=x", [undefined, undefined, 403]],
  ["GET", "/qlik/assets/x", [undefined, undefined, undefined]],
  ["GET", "/qlik/api/v1/items", [undefined, undefined, undefined]],
])("what a listed sibling's pages load by themselves: %s %s", async (method, target, statuses) => {
  const { explain } = await startBoth(started, "/qlik");
  const { senders } = explain({ method, upgrade: false, target, headers: user.flat() });
  const loads = ["a link", "a frame", "an image or script"].map((what) =>
    senders.find(({ who }) => who === `${what} on ${sibling}`),
  );
  expect(loads.map((load) => [load?.row, load?.status])).toEqual(statuses.map((status) => [9, status]));
});

const asked: AskedFor = {
  method: "GET",
  upgrade: false,
  own: "https://portal.example.com",
  listed: ["https://app.example.com", "https://partner.example"],
};

test("a listed origin of another site is no sibling", () => {
  const senders = sendersOf(asked);
  const sitesOf = (where: string) =>
    senders
      .filter(({ who }) => who.endsWith(where))
      .map(({ headers }) => headerValues(headers, "sec-fetch-site"));
  expect(sitesOf(" https://app.example.com")).toEqual(Array.from({ length: 4 }, () => ["same-site"]));
  expect(sitesOf(" https://partner.example")).toEqual(Array.from({ length: 4 }, () => ["cross-site"]));
});

test.each([false, true])("only browsers bring a cookie and say which they are; upgrade: %s", (upgrade) => {
  const says = (name: string) =>
    sendersOf({ ...asked, upgrade })
      .filter(({ headers }) => headerValues(headers, name).length > 0)
      .map(({ who }) => who);
  const browsers = sendersOf({ ...asked, upgrade })
    .map(({ who }) => who)
    .filter((who) => who !== "a program, no browser");
  expect(says("cookie")).toEqual(browsers);
  expect(says("user-agent")).toEqual(browsers);
});
