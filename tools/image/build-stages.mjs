// Carries out the instructions of a Dockerfile, each stage in a root of its own.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { readCopy } from "../dockerfile.mjs";
import { run } from "./clean-root.mjs";

/** Where a container engine looks for programs. */
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Single quotes for a shell. */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The kernel's folders, as a container has them: nothing of this machine's devices. */
const kernelFolders = (root) => `
mount -t proc proc ${root}/proc
mount -t tmpfs -o mode=755 tmpfs ${root}/dev
for device in null zero full random urandom; do
  touch ${root}/dev/$device
  mount --bind /dev/$device ${root}/dev/$device
done
ln -s /proc/self/fd ${root}/dev/fd
`;

/** How this machine reaches the registry: which one, and whose certificates it trusts beside the usual ones. */
function wayToRegistry(root) {
  const registry = run("npm", ["config", "get", "registry"]).trim();
  const authority = process.env.NODE_EXTRA_CA_CERTS;
  if (authority === undefined || !existsSync(authority))
    return { mounts: "", variables: { npm_config_registry: registry } };
  const inside = "/run/build-authority.pem";
  return {
    mounts: `mount -t tmpfs tmpfs ${root}/run\ncp ${quote(authority)} ${root}${inside}\n`,
    variables: { npm_config_registry: registry, NODE_EXTRA_CA_CERTS: inside },
  };
}

/** Runs a command in a root as a container engine runs RUN: by a shell, as root, in the working directory. */
function runInside({ root, workdir, environment }, command) {
  const { mounts, variables } = wayToRegistry(root);
  const settings = { PATH: path, HOME: "/root", ...environment, ...variables };
  const words = Object.entries(settings).map(([name, value]) => quote(`${name}=${value}`));
  const inside = `cd ${workdir} && ${command}`;
  const script = `set -e\n${kernelFolders(root)}${mounts}exec chroot ${root} /usr/bin/env -i ${words.join(" ")} /bin/sh -c ${quote(inside)}`;
  run("unshare", ["--mount", "--pid", "--fork", "sh", "-c", script]);
}

/** Copies like COPY: a folder's content into the target, files into a target that ends in a slash or is a folder. */
function copy(from, sources, target) {
  const isFolder = target.endsWith("/") || (existsSync(target) && statSync(target).isDirectory());
  for (const source of sources) {
    const file = join(from, source);
    const into = isFolder && !statSync(file).isDirectory() ? join(target, basename(file)) : target;
    mkdirSync(join(into, ".."), { recursive: true });
    cpSync(file, into, { recursive: true, verbatimSymlinks: true });
  }
}

/** Carries out one instruction; what it changes beside files is in `stage`. */
const carryOut = {
  WORKDIR(stage, rest) {
    stage.workdir = rest;
    mkdirSync(join(stage.root, rest), { recursive: true });
  },
  COPY(stage, rest, { context, roots }) {
    const { from, sources, target } = readCopy(rest);
    const base = target.startsWith("/") ? "" : stage.workdir;
    const slash = target.endsWith("/") ? "/" : "";
    copy(from === undefined ? context : roots.get(from), sources, join(stage.root, base, target) + slash);
  },
  RUN: (stage, rest) => runInside(stage, rest),
  ENV(stage, rest) {
    for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.environment[name] = value;
  },
};

/**
 * Makes every stage out of a clean root. Returns the last one: its root, and what its processes run with.
 * `told(step)` is called before each instruction that does something.
 */
export function buildStages(stages, { cleanRoot, folder, context, told }) {
  const roots = new Map();
  let stage;
  for (const [index, { alias, instructions }] of stages.entries()) {
    stage = { root: join(folder, alias ?? `stage-${index}`), workdir: "/", environment: {} };
    run("cp", ["-a", cleanRoot, stage.root]);
    roots.set(alias, stage.root);
    for (const { name, rest } of instructions) {
      if (carryOut[name] === undefined) continue;
      told(`${alias ?? "image"}: ${name} ${rest}`);
      carryOut[name](stage, rest, { context, roots });
    }
  }
  return stage;
}

/**
 * Starts a command in a root as a container engine starts a container with a read-only root: as that user, the first
 * process, nothing in its environment but the image's. `mounts` are folders of this machine: `{ from, to, writable }`.
 */
export function startInside({ root, workdir, environment }, { user, mounts, command }) {
  const [uid, gid] = user.split(":");
  for (const { to } of mounts) mkdirSync(join(root, to), { recursive: true });
  const binds = mounts.map(
    ({ from, to, writable }) =>
      `mount --bind ${quote(from)} ${root}${to}\n${writable ? "" : `mount -o remount,bind,ro ${root}${to}\n`}`,
  );
  const words = Object.entries({ PATH: path, ...environment }).map(([name, value]) =>
    quote(`${name}=${value}`),
  );
  const script = `set -e
mount --bind ${root} ${root}
${kernelFolders(root)}${binds.join("")}mount -o remount,bind,ro ${root}
exec setpriv --no-new-privs chroot --userspec=${uid}:${gid} --groups= ${root} \\
  /usr/bin/env -i ${words.join(" ")} /bin/sh -c ${quote(`cd ${workdir} && exec "$@"`)} sh ${command.map(quote).join(" ")}`;
  return spawn("unshare", ["--mount", "--pid", "--fork", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}
