import { dirname, resolve } from "node:path";
import { OptionsError } from "../errors.ts";
import { Secret } from "../kernel/secret.ts";
import { readFileTree, readText } from "../server/config/file-tree.ts";
import {
  formatListenAddress,
  type ListenAddress,
  parseListenAddress,
} from "../server/config/listen-address.ts";
import { getAt } from "../server/config/merge.ts";
import type { AdminTarget } from "./sessions-request.ts";
import { UsageError } from "./verb.ts";

/** Where the private listener is looked for, unless something else is said: where the documents put it. */
const defaultUrl = "http://127.0.0.1:8788";

/** What was said of the private listener, and where. */
export interface TargetArguments {
  readonly admin?: string;
  readonly tokenFile?: string;
  /** A configuration file of the proxy. */
  readonly config?: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Finds the private listener and its token: flags win over variables, variables over the file.
 *
 * Of the file only `admin` is read: who ends sessions need not hold the keys that sign users in.
 *
 * @throws UsageError where nothing names a token
 * @throws OptionsError where a file cannot be read, or holds no private listener
 */
export function findTarget(told: TargetArguments): AdminTarget {
  const { tokenFile, config, environment } = told;
  const file = config === undefined ? {} : readAdmin(config);
  return { url: findUrl(told, file), token: new Secret(findToken(tokenFile, environment, file)) };
}

/**
 * Finds the private listener, for who needs no token.
 *
 * @throws UsageError, OptionsError as `findTarget`
 */
export function findProbes(told: Omit<TargetArguments, "tokenFile">): AdminTarget {
  return { url: findUrl(told, told.config === undefined ? {} : readAdmin(told.config)) };
}

function findUrl({ admin, environment }: TargetArguments, file: AdminKeys): string {
  if (admin !== undefined) return checkUrl(admin);
  const listen = environment["QSP_ADMIN_LISTEN"] ?? file.listen;
  return listen === undefined ? defaultUrl : toUrl(listen);
}

interface AdminKeys {
  readonly listen?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

function readAdmin(config: string): AdminKeys {
  const { tree, problems } = readFileTree(config);
  if (problems.length > 0) throw new OptionsError(problems);
  const text = (key: string): string | undefined => {
    const value = getAt(tree, ["admin", key]);
    return typeof value === "string" ? value : undefined;
  };
  const [listen, token, tokenFile] = ["listen", "token", "tokenFile"].map(text);
  if (listen === undefined)
    throw problem("admin.listen", `is missing in ${config}: it has no private listener`);
  return {
    listen,
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(dirname(config), tokenFile) }),
  };
}

function findToken(
  flag: string | undefined,
  { QSP_ADMIN_TOKEN: token, QSP_ADMIN_TOKEN_FILE: tokenFile }: Readonly<NodeJS.ProcessEnv>,
  file: AdminKeys,
): string {
  if (flag !== undefined) return readToken("--token-file", flag);
  if (token !== undefined && tokenFile !== undefined) {
    throw new UsageError("the token is given more than once: in QSP_ADMIN_TOKEN and QSP_ADMIN_TOKEN_FILE");
  }
  if (tokenFile !== undefined) return readToken("QSP_ADMIN_TOKEN_FILE", tokenFile);
  if (token !== undefined) return checkToken("QSP_ADMIN_TOKEN", token);
  if (file.tokenFile !== undefined) return readToken("admin.tokenFile", file.tokenFile);
  if (file.token !== undefined) return checkToken("admin.token", file.token);
  throw new UsageError("sessions needs the admin token: --token-file FILE, QSP_ADMIN_TOKEN_FILE or -c FILE");
}

function readToken(path: string, file: string): string {
  const result = readText(file);
  if ("problem" in result) throw problem(path, `names a file that ${result.problem}`);
  return checkToken(path, result.text.replace(/\r?\n$/, ""));
}

/** What cannot stand in a header would end in an exception that says nothing. */
function checkToken(path: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw problem(path, "must be one line of visible ASCII characters");
}

const problem = (path: string, message: string): OptionsError => new OptionsError([{ path, message }]);

/** Who listens everywhere is asked on this machine. */
const anyAddress: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

function toUrl(listen: string): string {
  const address: ListenAddress | null = parseListenAddress(listen);
  if (address === null) throw problem("admin.listen", "is not an address with a port, or unix:/path");
  if ("path" in address) return formatListenAddress(address);
  const host = anyAddress[address.host] ?? address.host;
  return `http://${formatListenAddress({ host, port: address.port })}`;
}

function checkUrl(text: string): string {
  if (parseListenAddress(text) !== null) return toUrl(text);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new UsageError(`--admin must be like ${defaultUrl} or unix:/path`);
}
