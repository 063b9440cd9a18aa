// What every peer is given, so that their set-ups compare: below one prefix, a request of a user that a header names goes
// on with that user's cookie in place of its own, a request of nobody is refused, and cookies of the upstream stay.
import process from "node:process";

/** `host:port` behind the proxy. */
export const upstream = process.env.ATTACK_UPSTREAM ?? "127.0.0.1:9";

/** Where the proxy is mounted; the upstream knows nothing of it. */
export const prefix = "/qlik";

/** The header that a front door would set, and the cookie of each user. */
export const userHeader = "x-user";
export const cookies = JSON.parse(process.env.ATTACK_COOKIES ?? "{}");

/** The cookie of the user that a request names; undefined for nobody. */
export const cookieOf = (request) => {
  const user = request.headers[userHeader];
  return typeof user === "string" && Object.hasOwn(cookies, user) ? cookies[user] : undefined;
};

/** The path that the upstream knows; undefined for what is not below the prefix. */
export const pathBehind = (url) => (url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : undefined);

/** Refuses an upgrade. */
export const refuse = (socket, status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);

/** Listens, and says where. */
export const listen = (server) => server.listen(0, "127.0.0.1", () => announce(server.address().port));

export const announce = (port) => process.stdout.write(`listening http://127.0.0.1:${port}\n`);
