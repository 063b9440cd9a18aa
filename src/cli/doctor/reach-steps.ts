import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { lookupWithLoopback } from "../../upstream/loopback-lookup.ts";
import { trustOf } from "../../upstream/trust.ts";
import type { CauseName } from "./causes.ts";
import { failed, type Finding, passed, skipped, type Step } from "./step.ts";
import type { Visit } from "./visit.ts";

interface Place {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

function placeOf(visit: Visit): Place {
  const { hostname, port, protocol } = new URL(visit.get("options").tenant.origin);
  const isSecure = protocol === "https:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port === "" ? (isSecure ? 443 : 80) : port),
    isSecure,
  };
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code ?? "");

async function dns(visit: Visit): Promise<Finding> {
  const { host } = placeOf(visit);
  if (isIP(host) !== 0) {
    visit.note("address", host);
    return skipped(`${host} is an address already`);
  }
  return new Promise((resolve) => {
    lookupWithLoopback(host, { all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [];
      const [first] = addresses;
      if (error !== null || first === undefined)
        return resolve(failed("unknown-host", `${host}: ${error === null ? "no address" : codeOf(error)}`));
      visit.note("address", first);
      resolve(passed(`${host} is ${addresses.slice(0, 4).join(", ")}`));
    });
  });
}

/** Waits for a socket to be connected; the code of its error otherwise. */
function connected(
  socket: Socket,
  event: "connect" | "secureConnect",
  wait: number,
): Promise<{ readonly failure?: string }> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end({ failure: "ETIMEDOUT" }), wait);
    const end = (result: { readonly failure?: string }): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    socket.once(event, () => end({}));
    socket.on("error", (error) => end({ failure: codeOf(error) }));
    socket.once("close", () => end({ failure: "ECONNRESET" }));
  });
}

async function tcp(visit: Visit): Promise<Finding> {
  const { port } = placeOf(visit);
  const address = visit.get("address");
  const { connect: wait } = visit.get("options").timeouts;
  const { failure } = await connected(connect(port, address), "connect", wait);
  if (failure === undefined) return passed(`${address} accepts connections on ${port}`);
  const cause = failure === "ETIMEDOUT" ? "connection-timeout" : "connection-refused";
  return failed(cause, `${address} port ${port}: ${failure}`);
}

/** What node says of a handshake, by what it means. */
const tlsCauses: Readonly<Record<string, CauseName>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "other-name",
  CERT_HAS_EXPIRED: "certificate-dates",
  CERT_NOT_YET_VALID: "certificate-dates",
  ETIMEDOUT: "connection-timeout",
  EPROTO: "no-tls",
  ERR_SSL_WRONG_VERSION_NUMBER: "no-tls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "no-tls",
  ECONNRESET: "no-tls",
};

async function tls(visit: Visit): Promise<Finding> {
  const { host, port, isSecure } = placeOf(visit);
  if (!isSecure) return skipped("tenant.origin is plain HTTP (unsafe.plainHttpTenant)");
  const { tenant, timeouts } = visit.get("options");
  const socket = connectTls({
    host: visit.get("address"),
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...trustOf(tenant.origin, tenant.ca),
  });
  let protocol: string | null = null;
  socket.once("secureConnect", () => (protocol = socket.getProtocol()));
  const { failure } = await connected(socket, "secureConnect", timeouts.connect);
  if (failure === undefined) return passed(`${protocol ?? "TLS"}, the certificate of ${host} is trusted`);
  // All other codes are those of a chain that leads to nobody whom this machine knows.
  return failed(tlsCauses[failure] ?? "unknown-authority", `${host}: ${failure}`);
}

/** The way to the tenant, one layer after the other. */
export const reachSteps: readonly Step[] = [
  { name: "dns", needs: ["key"], run: dns },
  { name: "tcp", needs: ["dns"], run: tcp },
  { name: "tls", needs: ["tcp"], run: tls },
];
