// Proves deploy/Dockerfile where there is no container engine: makes a root like its base, carries out each instruction as
// written, and runs what came of it as a container would: another user, the root read-only, no environment.
// `node tools/prove-image.mjs [--base DIR]`; as root, on Linux, with debootstrap. Some minutes; --base takes a Debian
// that debootstrap has made before, and leaves it as it is. Exit status 3: this machine cannot do it.
import { once } from "node:events";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execForm, lastOf, readDockerfile, readHealthCheck } from "./dockerfile.mjs";
import { buildStages, startInside } from "./image/build-stages.mjs";
import { addNode, makeDebian, missingForRoots, readBase, run } from "./image/clean-root.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));

/** What the server in the image must do within this time, or does not do at all. Milliseconds. */
const patience = 30_000;

const said = (line) => console.log(`  ${line}`);

function require(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
  console.log(`✓ ${what}`);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a command and keeps what it says; `ended` resolves with its exit code. */
function start(image, container) {
  const child = startInside(image, container);
  const process = { child, output: "", ended: once(child, "close").then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (process.output += text));
  return process;
}

async function finish(image, container) {
  const { output, ended } = await withTimer(
    (process) => process.ended.then(() => process),
    start(image, container),
  );
  return { code: await ended, output };
}

/** Waits for a process, and ends it when that takes too long. */
async function withTimer(wait, process) {
  const timer = setTimeout(() => process.child.kill("SIGKILL"), patience);
  try {
    return await wait(process);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves with the line that holds a text. */
const lineOf = (text) => (process) =>
  new Promise((resolve, reject) => {
    const look = () => {
      const line = process.output.split("\n").find((each) => each.includes(text));
      if (line !== undefined) resolve(line);
    };
    process.child.stdout.on("data", look);
    process.ended.then(() => reject(new Error(`ended without ${text}:\n${process.output}`)));
    look();
  });

/** The first process inside, as this machine counts. */
const insideOf = ({ child: { pid } }) =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);

const configuration = (listen, admin) => `
listen: 127.0.0.1:${listen}
publicOrigin: https://portal.example.com
admin: { listen: 127.0.0.1:${admin} }
tenant:
  origin: https://tenant.example.com
  signingKeys: [{ issuer: acme, keyId: one, privateKeyFile: /var/lib/qlik-session-proxy/keys/private-key.pem }]
identity: { trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email } }
session: { secret: "a-secret-of-thirty-two-bytes-or-so", store: "file:/var/lib/qlik-session-proxy/store" }
`;

/** The folders that a container would be given: a configuration to read, a volume to write. */
async function makeMounts(folder, user) {
  const [config, data] = ["config", "data"].map((name) => join(folder, name));
  for (const each of [config, data]) mkdirSync(each);
  chownSync(data, ...user.split(":").map(Number));
  writeFileSync(join(config, "proxy.yaml"), configuration(await freePort(), await freePort()));
  return [
    { from: config, to: "/etc/qlik-session-proxy", writable: false },
    { from: data, to: "/var/lib/qlik-session-proxy", writable: true },
  ];
}

async function proveImage(image, stage, folder) {
  const user = lastOf(stage, "USER");
  const [entry, command] = ["ENTRYPOINT", "CMD"].map((name) => execForm(lastOf(stage, name)));
  const check = readHealthCheck(lastOf(stage, "HEALTHCHECK")).command;
  const container = { user, mounts: await makeMounts(folder, user) };
  const inside = (words) => finish(image, { ...container, command: words });

  const touch = await inside(["/bin/sh", "-c", "touch /opt/here || touch /tmp/here"]);
  require(touch.code !== 0 && /Read-only/.test(touch.output), "the root is read-only");
  require((await inside(["/bin/sh", "-c", "command -v npm npx"])).code !== 0, "npm is gone");
  const development = await inside(["/bin/sh", "-c", "ls node_modules"]);
  require(!/typescript|vitest|esbuild/.test(development.output), "no development tool is shipped");
  const demo = await inside([...entry, "demo"]);
  require(demo.code === 1 && /production/.test(demo.output), "the demo is refused: NODE_ENV is production");
  const keygen = await inside([...entry, "keygen", "--out", "/var/lib/qlik-session-proxy/keys"]);
  require(keygen.code === 0, "keygen writes into the volume");
  require((await inside(check)).code === 1, "the health check fails while nothing runs");

  const server = start(image, { ...container, command: [...entry, ...command] });
  try {
    await withTimer(lineOf('"server.started"'), server);
    const pid = insideOf(server);
    const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    require(uid === user.split(":")[0], `the server has started, as user ${uid}, the first process`);
    const health = await inside(check);
    require(health.code === 0, `the health check as written says ${JSON.stringify(health.output.trim())}`);
    const ready = await inside(check.filter((word) => word !== "--live"));
    require(ready.code === 0, `without --live it says ${JSON.stringify(ready.output.trim())}`);
    process.kill(pid, lastOf(stage, "STOPSIGNAL"));
    const code = await withTimer(({ ended }) => ended, server);
    require(code === 0 &&
      server.output.includes('"server.stopped"'), `${lastOf(stage, "STOPSIGNAL")} drains it, exit 0`);
  } finally {
    server.child.kill("SIGKILL");
  }
}

async function main() {
  const { values } = parseArgs({ options: { base: { type: "string" } } });
  const missing = missingForRoots();
  if (missing.length > 0) {
    console.log(`This machine cannot prove the image: ${missing.join("; ")}`);
    return 3;
  }
  const stages = readDockerfile(join(repository, "deploy/Dockerfile"));
  const { node, suite } = readBase(stages[0].base);
  const folder = mkdtempSync(join(tmpdir(), "qsp-image-"));
  try {
    const cleanRoot = join(folder, "clean");
    console.log(`A root like ${stages[0].base}`);
    if (values.base === undefined) makeDebian(cleanRoot, suite);
    else run("cp", ["-a", values.base, cleanRoot]);
    said(
      `Debian ${readFileSync(join(cleanRoot, "etc/debian_version"), "utf8").trim()}, Node ${addNode(cleanRoot, node)}`,
    );
    console.log("The instructions");
    const image = buildStages(stages, { cleanRoot, folder, context: repository, told: said });
    const size = (path) => Number(run("du", ["-sm", path]).split("\t")[0]);
    said(`${size(image.root)} MiB, of which ${size(join(image.root, image.workdir))} MiB are ours`);
    console.log("The image");
    await proveImage(image, stages.at(-1), folder);
    console.log("deploy/Dockerfile is proven, but for the container engine itself.");
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main().catch((error) => {
  console.log(`✗ ${error.message}`);
  return 1;
});
