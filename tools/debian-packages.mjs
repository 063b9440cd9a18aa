// The Debian packages that the tests need, and their installation on a bare machine.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** One row for each package: what the tests run of it, and why they cannot do without. */
const debianPackages = [
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
    name: "nginx-light",
    command: "nginx",
    reason: "stands before three nodes while they are replaced one after the other",
  },
];

// Servers are installed there, and it is not on the PATH of everybody.
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

const missingPackages = () => debianPackages.filter(({ command }) => !isOnPath(command));

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
export function ensureDebianPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name);
  const install = ["install", "-y", "--no-install-recommends", ...names];
  if (process.getuid?.() === 0 && isOnPath("apt-get")) {
    console.error(`Installing ${names.join(", ")}: needed by the tests.`);
    if (aptGet("update", "-q") && aptGet(...install) && missingPackages().length === 0) return [];
  }
  return [
    "The tests need what this machine does not have:",
    ...missingPackages().map(({ name, command, reason }) => `  ${name} (command ${command}): ${reason}`),
    "Install it as root, then try again:",
    `  apt-get update && apt-get ${install.join(" ")}`,
  ];
}
