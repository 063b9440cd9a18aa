import { firstHeader } from "../../http/raw-headers.ts";
import { productInfoPath } from "../../proxy/own/product-info.ts";
import { backdate, lifetime } from "../../tenant/assertion.ts";
import { failed, type Finding, passed, skipped, type Step, warned } from "./step.ts";
import { askOpenly, objectOf, shownAnswer } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

/** What makes the vendor's clients take a host for Qlik Sense on Windows. facts §6.1 */
const windows: ReadonlySet<unknown> = new Set(["QlikSenseServer", "QlikSenseDesktop", "QlikSenseMobile"]);

/** Asks for what needs no session: says who answers there, and what time it is at the tenant. */
async function tenant(visit: Visit): Promise<Finding> {
  const startedAt = Date.now();
  const answer = await askOpenly(visit, productInfoPath);
  visit.note("firstAnswer", { answer, at: (startedAt + Date.now()) / 2 });
  const found = `product-info.json answers ${shownAnswer(answer)}`;
  if (answer.status === 403) return failed("address-not-admitted", found);
  if (answer.status >= 500) return failed("tenant-down", found);
  if (answer.status === 404) return passed(`${found}; clients take the tenant for Qlik Cloud then`);
  const { composition } = objectOf(answer);
  if (answer.status !== 200 || !isObject(composition)) return failed("not-qlik-cloud", found);
  const { deploymentType, version } = composition;
  const isSense = visit.get("options").tenant.kind === "qlik-sense-jwt";
  if (windows.has(deploymentType) && !isSense)
    return failed("not-qlik-cloud", `${found}: Qlik Sense on Windows`);
  return passed(`${found}${typeof version === "string" ? `, ${version.slice(0, 40)}` : ""}`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** HTTP dates are whole seconds, and an answer takes a moment. */
const unnoticed = 3;

/** Compares the tenant's `Date` with this machine's clock: a token is dated back, and lives for a while. facts §1.3 */
function clock(visit: Visit): Finding {
  const first = visit.find("firstAnswer");
  if (first === undefined) return skipped("the tenant has not answered");
  const date = Date.parse(firstHeader(first.answer.headers, "date") ?? "");
  if (Number.isNaN(date)) return skipped("the tenant's answer has no Date");
  const skew = Math.round((date + 500 - first.at) / 1000);
  visit.note("skew", skew);
  if (Math.abs(skew) <= unnoticed) return passed("both clocks agree");
  const found = `the tenant's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} this machine's`;
  const isTooMuch = skew < -backdate || skew >= lifetime;
  return isTooMuch ? failed("clock-skew", found) : warned("clock-skew", `${found}; a login bears that`);
}

/** Who answers there, and when. */
export const tenantSteps: readonly Step[] = [
  { name: "tenant", needs: ["tls"], run: tenant },
  { name: "clock", needs: ["tls"], run: clock },
];
