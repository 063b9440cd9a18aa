// nginx as it stands in Debian, with the directives that its manual names for WebSockets and headers.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { announce, cookies, prefix, upstream, userHeader } from "./set-up.mjs";

/** A port that is free now. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const canConnect = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

const folder = mkdtempSync(join(tmpdir(), "attack-nginx-"));
const port = await freePort();
const users = Object.entries(cookies).map(([user, cookie]) => `    "${user}" "${cookie}";`);
writeFileSync(
  join(folder, "nginx.conf"),
  `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_${userHeader.replaceAll("-", "_")} $credential {
    default "";
${users.join("\n")}
  }
  map $http_upgrade $connection_upgrade {
    default upgrade;
    "" close;
  }
  server {
    listen 127.0.0.1:${port};
    location ${prefix}/ {
      if ($credential = "") { return 401; }
      proxy_pass http://${upstream}/;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Cookie $credential;
      proxy_hide_header Set-Cookie;
    }
  }
}
`,
);

const nginx = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
  stdio: ["ignore", "inherit", "inherit"],
});
const end = () => {
  nginx.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
};
process.on("exit", end);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1));
nginx.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
nginx.on("exit", () => process.exit(1));

while (!(await canConnect(port))) await sleep(20);
announce(port);
