import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { environmentOf } from "./peers.ts";
import { versionOf } from "./programs.ts";

/** Go's own reverse proxy, compiled into a folder of this run. */
export function goContender(root: string, folder: string): Contender {
  const program = join(folder, "reverse-proxy");
  let compiled: { readonly failure: string | null } | undefined;
  const compile = (): string | null => {
    const version = versionOf("go", ["version"]);
    if (version === undefined) return "Go is not installed here: apt-get install golang-go";
    const { status, stderr } = spawnSync(
      "go",
      ["build", "-o", program, join(root, "bench/peers/reverse-proxy.go")],
      // The standard library is all it needs; nothing is looked for elsewhere, nothing is left behind.
      { encoding: "utf8", env: { ...process.env, GOPROXY: "off", GOCACHE: join(folder, "go-cache") } },
    );
    return status === 0 ? null : `it does not compile: ${stderr}`;
  };
  return {
    name: "go",
    role: "yardstick",
    what: "httputil.ReverseProxy, 1 thread (GOMAXPROCS=1)",
    hasSockets: true,
    rewritesLinks: false,
    obstacle: () => (compiled ??= { failure: compile() }).failure,
    version: () => versionOf("go", ["version"]) ?? "",
    program: (place) => ({
      command: program,
      args: [],
      env: { ...environmentOf(place), GOMAXPROCS: "1" },
    }),
  };
}
