// The doors of the package, as its `exports` name them: programs with their declarations, and documents.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What package.json says. */
export const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/** The file that a door leads to for Node: the value itself, or what its conditions end with. */
const fileOf = (target) =>
  typeof target === "string" ? target : fileOf(target.import ?? target.node ?? target.default);

/** Name as it is imported, short name for files, path below the repository: `qlik-session-proxy/redis`, `redis`, `dist/redis.js`. */
const doors = Object.entries(manifest.exports).map(([subpath, target]) => ({
  specifier: `${manifest.name}${subpath.slice(1)}`,
  name: subpath === "." ? "index" : subpath.slice(2),
  file: fileOf(target).slice(2),
}));

/** Doors that are programs. */
export const programDoors = doors.filter(({ file }) => file.endsWith(".js"));

/** Doors that are JSON. */
export const documentDoors = doors.filter(({ file }) => file.endsWith(".json"));
