// The Debian packages that the tests and the bench need, and their installation on a bare machine.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** What the bench runs; its tests do without those that are only measured. */
const benchPackages = [
  { name: "openssl", command: "openssl", reason: "makes the certificate of the bench's tenant" },
  {
    name: "nginx",
    command: "nginx",
    reason: "stands before nodes that are replaced, and is the tenant of the bench",
  },
  { name: "wrk", command: "wrk", reason: "makes the requests of the bench" },
  {
    name: "haproxy",
    command: "haproxy",
    reason: "asks for verdicts as an edge, as the documents say; the bench runs it too",
  },
  {
    name: "caddy",
    command: "caddy",
    reason: "stands before the proxy as the documents say; the bench runs it too",
  },
  { name: "golang-go", command: "go", reason: "compiles a proxy that is measured by the bench" },
];

/** One row for each package: what is run of it, and why one cannot do without. */
const testPackages = [
  {
    name: "chromium",
    command: "chromium",
    reason: "draws the vendor's charts with third-party cookies blocked, as a user's browser does",
  },
  {
    name: "firefox-esr",
    command: "firefox-esr",
    reason:
      "tries from hostile pages what chromium tries: browsers differ in what they say of a request's origin",
  },
  {
    name: "webkit2gtk-driver",
    command: "WebKitWebDriver",
    reason: "draws the same charts in the engine of Safari",
  },
  { name: "xvfb", command: "Xvfb", reason: "is the screen of an engine that needs one" },
  {
    name: "redis-server",
    command: "redis-server",
    reason: "the shared store is tested on real servers: alone, with TLS and users, and as a cluster",
  },
  {
    name: "redis-sentinel",
    command: "redis-sentinel",
    reason: "watches over a master and its replicas in the tests of failover",
  },
  {
    name: "systemd",
    command: "systemd-analyze",
    reason: "reads the unit of the service as it would read it at the start",
  },
  { name: "python3", command: "python3", reason: "runs the sample portal, which knows nothing of Node" },
  ...benchPackages.filter(({ reason }) => !reason.includes("measured")),
];

// Servers are there, where the PATH of a person who is not root does not lead; who starts one finds it too.
process.env.PATH = [process.env.PATH ?? "", "/usr/sbin"].join(delimiter);

/** Whether an executable of that name is on the PATH. */
function isOnPath(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missingOf = (packages) => packages.filter(({ command }) => !isOnPath(command));

function aptGet(...args) {
  const { status } = spawnSync("apt-get", args, {
    // What apt says is progress, not result: keep it off stdout.
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return status === 0;
}

/**
 * Makes sure of every package: installs what is missing when this process may, and says nothing when nothing
 * is missing. Returns the lines that tell a person what to do, none when all is well.
 */
function ensure(packages, who) {
  const missing = missingOf(packages);
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name);
  const install = ["install", "-y", "--no-install-recommends", ...names];
  if (process.getuid?.() === 0 && isOnPath("apt-get")) {
    console.error(`Installing ${names.join(", ")}: needed by the ${who}.`);
    if (aptGet("update", "-q") && aptGet(...install) && missingOf(packages).length === 0) return [];
  }
  return [
    `The ${who} ${who.endsWith("s") ? "need" : "needs"} what this machine does not have:`,
    ...missingOf(packages).map(({ name, command, reason }) => `  ${name} (command ${command}): ${reason}`),
    "Install it as root, then try again:",
    `  apt-get update && apt-get ${install.join(" ")}`,
  ];
}

/** Makes sure of what the tests run. */
export const ensureDebianPackages = () => ensure(testPackages, "tests");

/** Makes sure of what the bench runs, by the names of the packages. */
export const ensureBenchPackages = (names) =>
  ensure(
    benchPackages.filter(({ name }) => names.includes(name)),
    "bench",
  );
