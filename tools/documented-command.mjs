// Stands in for the command where a document's commands are run: the same, but `serve` listens on a free port and is told
// to stop as soon as it has started.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const args = process.argv.slice(2);

if (args[0] === "serve") {
  const env = { ...process.env, QSP_LISTEN: "127.0.0.1:0" };
  const server = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
  server.stdout.setEncoding("utf8").on("data", (text) => {
    process.stdout.write(text);
    if (text.includes('"server.started"')) server.kill("SIGTERM");
  });
  server.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.exitCode = spawnSync(process.execPath, [main, ...args], { stdio: "inherit" }).status ?? 1;
}
