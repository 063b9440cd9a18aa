import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "../kernel/secret.ts";
import { parseStoreUrl, type RedisAddress } from "../store/redis-url.ts";
import type { SessionStore } from "../store/session-store.ts";

/** Where sessions are kept, after the checks. */
export type StoreChoice =
  | { readonly kind: "memory" }
  /** An absolute path. */
  | { readonly kind: "file"; readonly folder: string }
  /** `ca` is an extra authority in PEM. */
  | { readonly kind: "redis"; readonly address: RedisAddress; readonly ca: string | undefined }
  | { readonly kind: "custom"; readonly store: SessionStore };

/** What a `store` option means, or what is wrong with it; never repeats the text, which may hold a password. */
export type StoreReading = StoreChoice | { readonly problem: string };

const forms = "memory, file:DIR, redis://…, rediss://…, redis+sentinel://… or redis+cluster://…";

/** Reads the `store` option. */
export function readStoreChoice(value: unknown, ca?: string): StoreReading {
  if (value instanceof Secret) return readStoreChoice(value.reveal(), ca);
  if (value === undefined || value === "memory") return { kind: "memory" };
  if (typeof value === "string") return readStoreText(value, ca);
  if (isSessionStore(value)) return { kind: "custom", store: value };
  return { problem: `must be ${forms}, or a store made by qlik-session-proxy/redis` };
}

function readStoreText(text: string, ca: string | undefined): StoreReading {
  if (text.startsWith("file:")) return readFolder(text.slice("file:".length));
  if (!text.startsWith("redis")) return { problem: `must be ${forms}` };
  const address = parseStoreUrl(text);
  return "problem" in address ? address : { kind: "redis", address, ca };
}

function readFolder(path: string): StoreReading {
  if (path.startsWith("//")) return readFolderUrl(path);
  if (path === "") return { problem: "must name a folder, such as file:/var/lib/qlik-session-proxy" };
  if (path.includes("\0")) return { problem: "names a folder with a NUL character" };
  return { kind: "file", folder: resolve(path) };
}

/** `file:///var/lib/x` is the same as `file:/var/lib/x`; a host in it would be ignored silently elsewhere. */
function readFolderUrl(path: string): StoreReading {
  try {
    return { kind: "file", folder: resolve(fileURLToPath(`file:${path}`)) };
  } catch {
    return {
      problem: "must name a folder of this machine, such as file:/var/lib/qlik-session-proxy or file:DIR",
    };
  }
}

const storeCalls = ["read", "write", "names", "publish", "subscribe", "close"] as const;

function isSessionStore(value: unknown): value is SessionStore {
  if (typeof value !== "object" || value === null) return false;
  const store = value as Partial<Record<keyof SessionStore, unknown>>;
  return (
    storeCalls.every((call) => typeof store[call] === "function") &&
    (store.reach === "process" || store.reach === "host" || store.reach === "nodes")
  );
}

/** Tells whether the text of a store holds a password, so that it must be kept like a secret. */
export function holdsPassword(text: string): boolean {
  const address = parseStoreUrl(text);
  if ("problem" in address) return false;
  return address.login !== undefined || (address.kind === "sentinel" && address.sentinelLogin !== undefined);
}
