import { OptionsError, SessionProxyError } from "../../errors.ts";
import { randomId } from "../../kernel/random.ts";
import { systemClock } from "../../kernel/clock.ts";
import { openStore } from "../../proxy/open-store.ts";
import { formatListenAddress, type ListenAddress } from "../../server/config/listen-address.ts";
import { createListener, listen, ListenError } from "../../server/listener.ts";
import { isOurs, knockInside } from "./door-calls.ts";
import { failed, type Finding, passed, skipped, type Step } from "./step.ts";
import type { Visit } from "./visit.ts";

/** Listens for a moment where `serve` would. */
async function listeners(visit: Visit): Promise<Finding> {
  const { listen: address, admin } = visit.get("config");
  const places = [["listen", address] as const, ...(admin ? [["admin.listen", admin.listen] as const] : [])];
  if (visit.find("isServed") === true) return skipped("the proxy is running");
  for (const [key, place] of places) {
    const problem = await problemAt(place);
    if (problem !== null && key === "listen" && (await isOurProxyAt(visit, place)))
      return skipped(`${formatListenAddress(place)}: the proxy is running`);
    if (problem !== null)
      return failed(problem.includes("in use") ? "address-in-use" : "address-unusable", `${key}: ${problem}`);
  }
  return passed(`${places.map(([, place]) => formatListenAddress(place)).join(" and ")} can be listened on`);
}

const isOurProxyAt = (visit: Visit, place: ListenAddress): Promise<boolean> =>
  knockInside(visit, "/_session", place).then(isOurs, () => false);

async function problemAt(address: ListenAddress): Promise<string | null> {
  const server = createListener(undefined);
  try {
    await listen(server, address);
    return null;
  } catch (error) {
    if (error instanceof ListenError) return error.message;
    throw error;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Writes a document, reads it, lets it run out. Milliseconds. */
const keepFor = 1000;

/** Connecting may take a moment; as often as a call of the store is waited for. */
const attempts = 4;

async function store(visit: Visit): Promise<Finding> {
  const { store: choice, timeouts } = visit.get("options");
  if (choice.kind === "memory") return passed("memory: sessions end with the process, and are not shared");
  const opened = openUnlessTaken(visit);
  if ("outcome" in opened) return opened;
  const name = `doctor.${randomId(9, "hex")}`;
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { version, now } = await opened.read(name);
        const { written } = await opened.write(name, { version, readAt: now, value: "doctor", keepFor });
        const { value } = await opened.read(name);
        if (written && value === "doctor") return passed(`${choice.kind}: a document was written and read`);
        return failed("store-unreachable", `${choice.kind}: a document was not written as it was given`);
      } catch (error) {
        if (attempt === attempts) return failed("store-unreachable", `${choice.kind}: ${reasonOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, timeouts.store / 2));
      }
    }
  } finally {
    await opened.close();
  }
}

function openUnlessTaken(visit: Visit): ReturnType<typeof openStore> | Finding {
  const { store: choice, timeouts } = visit.get("options");
  try {
    return openStore(choice, { clock: systemClock, timeout: timeouts.store });
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const text = error.problems.map(({ message }) => message).join("\n");
    return text.includes("is in use") ? skipped(text) : failed("store-unreachable", text);
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof SessionProxyError ? (error.reason ?? error.code) : (error as Error).message;

/** What belongs to this machine and its store. */
export const placeSteps: readonly Step[] = [
  { name: "listeners", needs: ["key"], run: listeners },
  { name: "store", needs: ["key"], run: store },
];
