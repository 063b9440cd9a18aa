import { createPublicKey, KeyObject } from "node:crypto";
import type { TenantEmulatorOptions } from "../emulator/options.ts";
import type { TenantModes } from "../emulator/modes.ts";
import { revealed } from "../kernel/secret.ts";
import type { SessionProxyOptions } from "../options/session-proxy-options.ts";
import type { TenantOptions } from "../options/tenant-options.ts";
import type { ServerConfig } from "../server/config/load.ts";
import type { TenantProfile } from "../server/tenant-profile.ts";

/** How the local tenant behaves as the one that a profile was made of; what was not learned keeps its default. */
export function toModes({ tokens, cookies, rest, sockets }: TenantProfile): Partial<TenantModes> {
  const isTaken = ({ status }: { readonly status: number }): boolean => status < 300;
  const session = cookies.atLogin.find(({ name }) => name === "eas.sid");
  const signature = cookies.atLogin.find(({ name }) => name === "eas.sid.sig");
  const ms = (seconds: number | null): number | "never" => (seconds === null ? "never" : seconds * 1000);
  return {
    badTokenStatus: tokens.wrongSignature.status === 400 ? 400 : 401,
    requireSubType: !isTaken(tokens.withoutSubType),
    requireEmail: !isTaken(tokens.withoutEmail),
    requireJti: !isTaken(tokens.repeated),
    foreignOrigin: isTaken(rest.foreignOrigin) ? "answerWithoutCors" : "refuse",
    socketWithoutSession: sockets.withoutSession.status === 101 ? "closeAfter101" : "401",
    endSocketsWithSession: sockets.closeCodeAfterLogout !== null,
    requireSocketCsrf: sockets.withoutToken.status !== 101,
    loadBalancerCookies: cookies.onEveryAnswer.length > 0,
    secureCookies: session?.secure ?? true,
    signatureLength: signature?.length === 27 ? 27 : 86,
    autoAssignLicense: !rest.licence.code.startsWith("LICENSES-"),
    bootEndpoint: isTaken({ status: rest.boot }),
    socketIdleCut: ms(sockets.idleCutAfterSeconds),
    socketPing: ms(sockets.pingEverySeconds),
    ...(rest.takesOverGroups === null ? {} : { takeOverGroups: rest.takesOverGroups }),
  };
}

/** Makes the local tenant that a configuration of the proxy expects: its address, lifetimes and keys. */
export function toLocalTenant({
  options,
  profile,
}: Pick<ServerConfig, "profile"> & { readonly options: SessionProxyOptions }): TenantEmulatorOptions {
  const { origin, signingKeys, sessionIdle, sessionLifetime } = options.tenant;
  const kind = kindOptions(options.tenant);
  const url = new URL(origin);
  return {
    ...kind,
    hostname: url.hostname,
    port: Number(url.port),
    plainHttp: url.protocol === "http:",
    identityProviders: (signingKeys ?? []).map(({ issuer, keyId, privateKey }) => ({
      issuer,
      keyId,
      pem: privateKey instanceof KeyObject ? toPublicPem(privateKey) : "",
    })),
    ...(options.publicOrigin === undefined ? {} : { frameAncestors: [options.publicOrigin] }),
    ...(profile === undefined ? {} : { modes: toModes(profile) }),
    // The file's texts have become milliseconds where it was read.
    ...(typeof sessionIdle === "number" ? { sessionIdle } : {}),
    ...(typeof sessionLifetime === "number" ? { sessionLifetime } : {}),
  };
}

/** What only some kinds of tenant have. */
function kindOptions(tenant: TenantOptions): TenantEmulatorOptions {
  if (tenant.kind === "qlik-cloud-oauth") {
    const { kind, clientId, clientSecret, scope } = tenant;
    const client = { clientId, clientSecret: revealed(clientSecret) };
    return { kind, oauthClients: [scope === undefined ? client : { ...client, scopes: scope.split(" ") }] };
  }
  if (tenant.kind !== "qlik-sense-jwt") return {};
  const { kind, virtualProxy, sessionCookie, userIdClaim, userDirectoryClaim, socketOrigin } = tenant;
  return {
    kind,
    virtualProxy: {
      ...(virtualProxy === undefined ? {} : { prefix: virtualProxy }),
      ...(sessionCookie === undefined ? {} : { sessionCookie }),
      ...(userIdClaim === undefined ? {} : { userIdAttribute: userIdClaim }),
      ...(userDirectoryClaim === undefined ? {} : { userDirectoryAttribute: userDirectoryClaim }),
      ...(socketOrigin === undefined ? {} : { hostAllowList: [socketOrigin] }),
    },
  };
}

const toPublicPem = (privateKey: KeyObject): string =>
  String(createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
