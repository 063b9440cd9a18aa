import type { Attack } from "../attack.ts";
import type { Bout } from "../bout.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import { headerOf } from "../wire/answers.ts";

/** Addresses that some parser takes for one of the page's own origin, and a browser does not. */
const destinations = (host: string): string[] => [
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "https:evil.example",
  "https:/\\evil.example",
  "/%09/evil.example",
  "%09//evil.example",
  "/\t/evil.example",
  `https://${host}@evil.example/`,
  `https://${host}.evil.example/`,
  "https://evil.example/",
  "javascript:alert(1)",
  "java%0ascript:alert(1)",
  "data:text/html,x",
  "///evil.example",
  "/..//evil.example",
  "http://[::1]/",
];

/** Asks for a page that may not exist, as a browser does that goes there. */
async function visit(bout: Bout, target: string): ReturnType<Bout["send"]> {
  const lines = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
  return bout.send({ target, bare: true, lines }, { ms: 4000 });
}

/** Has the upstream redirect, and looks where the client is sent and who goes along. */
async function redirects(bout: Bout, status: string, location: string): ReturnType<Bout["send"]> {
  bout.script(async ({ whole, write }) => {
    await whole;
    write(`HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
  });
  return bout.send({});
}

/** Redirects, and pages of the proxy's own. */
export const pages: readonly Attack[] = [
  {
    id: "U2-redirects-followed",
    tries: "has the proxy follow a redirect to another server, with the credential",
    advisory: "CVE-2022-31151",
    run: async (bout): Promise<Verdict> => {
      for (const status of ["301", "302", "303", "307", "308"]) {
        await redirects(bout.again(), status, `http://${bout.trap.authority}/`);
      }
      return verdictOf(bout.trap.visits.map((bytes) => `the other server was asked: ${bytes}`));
    },
  },
  {
    id: "U2-redirects-inside",
    tries: "is sent to the upstream's own address, past the proxy",
    needs: ["answers"],
    run: async (bout) => {
      const { authority } = bout.upstream;
      const found: string[] = [];
      for (const location of [`http://${authority}/api/v1/x`, `//${authority}/x`, `http://${authority}`]) {
        const { answer } = await redirects(bout.again(), "302", location);
        const given = (answer && headerOf(answer, "location")) ?? "";
        if (given.includes(authority)) found.push(`Location: ${given}`);
      }
      return verdictOf(found);
    },
  },
  {
    id: "R1-return-addresses",
    tries: "sends the user to another site by the proxy's own redirect",
    advisory: "GHSA-qqxw, CVE-2024-29041",
    needs: ["pages"],
    uses: ["returnPath"],
    run: async (bout) => {
      const { origin, returnPath = "", prefix, host } = bout.target;
      const found: string[] = [];
      for (const destination of destinations(host)) {
        for (const spelled of [destination, encodeURIComponent(destination)]) {
          const { answer } = await visit(bout, `${prefix}${returnPath}${spelled}`);
          const location = answer && headerOf(answer, "location");
          if (location === undefined) continue;
          const leadsTo = URL.canParse(location, origin) ? new URL(location, origin).origin : location;
          if (leadsTo !== origin) found.push(`${spelled}: Location: ${location}`);
        }
      }
      return verdictOf(found);
    },
  },
  {
    id: "R2-reflection",
    tries: "has a page of the proxy's own show markup out of the address",
    run: async (bout) => {
      const mark = `<b onx=${bout.tag}>`;
      const { prefix, readPath } = bout.target;
      const spelled = mark.replaceAll(" ", "%20");
      const found: string[] = [];
      for (const path of [
        `${prefix}/${spelled}`,
        `${prefix}${readPath}?${spelled}`,
        `${prefix}/..${spelled}`,
        `/${spelled}`,
      ]) {
        const { text } = await visit(bout, path);
        if (text.includes(mark) || (/^content-type:\s*text\/html/im.test(text) && text.includes(spelled)))
          found.push(`${path} is shown as it is`);
      }
      return verdictOf(found);
    },
  },
  {
    id: "R2-error-details",
    tries: "learns the upstream's address, or how the proxy is made, from its errors",
    needs: ["pages"],
    run: async (bout) => {
      bout.script(async ({ whole, end }) => {
        await whole;
        end("garbage\r\n\r\n");
      });
      const { text } = await bout.send({});
      const { authority } = bout.upstream;
      return verdictOf([
        ...(text.includes(authority) ? ["the upstream's address"] : []),
        ...(/\bat \S+ \(|node:internal|node_modules/.test(text) ? ["a stack"] : []),
        ...(bout.upstream.owners.isIn(text) ? ["a credential"] : []),
      ]);
    },
  },
];
