// Compares the picture of the house in docs/explain/architecture.md with what the files of src/ really import.
// `node tools/check-floors.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { packageOf, readSources } from "./source-imports.mjs";

const document = "docs/explain/architecture.md";
const longestFile = 400;

/** The lines of the fenced block with that info string; none if there is no such block. */
function fencedLines(markdown, info) {
  const block = new RegExp(`^\`\`\`${info}\\n(.*?)^\`\`\`$`, "ms").exec(markdown);
  return block ? block[1].split("\n").filter((line) => line.trim() !== "") : [];
}

/**
 * Reads the block `floors`. Its lines have three forms; what stands after two or more spaces is for people:
 * `F2 tenant/ policy/  …` a floor, `side emulator/  …` a house of its own, `door index.ts → proxy/  …` an entry
 * file and the room below which everything is within its reach.
 */
function readPicture(markdown) {
  const picture = { floorOf: new Map(), sides: new Set(), doors: new Map(), unread: [] };
  for (const line of fencedLines(markdown, "floors")) {
    const [, kind, names = ""] = /^(F\d+|side|door)\s+(\S.*?)(?:\s{2,}.*)?$/.exec(line) ?? [];
    const rooms = names.split(" ").filter((name) => /^[a-z-]+(?:\/|\.ts)$/.test(name));
    if (kind === "door" && rooms.length === 2) picture.doors.set(rooms[0], rooms[1]);
    else if (kind === "side" && rooms.length > 0) rooms.forEach((room) => picture.sides.add(room));
    else if (kind?.startsWith("F") && rooms.length > 0)
      rooms.forEach((room) => picture.floorOf.set(room, Number(kind.slice(1))));
    else picture.unread.push(line);
  }
  return picture;
}

/** Reads the block `packages`, lines `name: room/ room/`, into a map of package to rooms. */
function readPins(markdown) {
  return new Map(
    fencedLines(markdown, "packages").map((line) => {
      const [name, rooms = ""] = line.split(/:\s+/);
      return [name, rooms.trim().split(/\s+/)];
    }),
  );
}

/** The room of a path: the folder directly below src/ with its slash, or the file itself. */
const roomOf = (path) => (path.includes("/") ? path.slice(0, path.indexOf("/") + 1) : path);

const isTest = (path) => path.endsWith(".test.ts");

/** Why a file in `from` must not import a file in `to`; undefined when it may. */
function breach({ floorOf, sides, doors }, from, to) {
  if (from === to) return undefined;
  if (sides.has(from)) return `${from} is a house of its own and imports nothing of the rest`;
  if (doors.has(from)) {
    const reach = doors.get(from);
    const allowed = sides.has(reach) ? to === reach : floorOf.get(to) <= floorOf.get(reach);
    return allowed ? undefined : `${from} opens ${reach} and what is below it`;
  }
  // The command starts everything, the houses beside this one included.
  if (floorOf.get(from) === Math.max(...floorOf.values()))
    return floorOf.get(to) === floorOf.get(from) ? `${from} and ${to} are on the same floor` : undefined;
  if (doors.has(to)) return `${to} is for users of the package`;
  if (sides.has(to)) return `${to} is a house of its own: only its door and the top floor import it`;
  if (floorOf.get(to) < floorOf.get(from)) return undefined;
  return floorOf.get(to) === floorOf.get(from)
    ? `${from} and ${to} are on the same floor`
    : `${to} is above ${from}`;
}

/** A cycle of imports that run, as a list of paths, the first one repeated at the end; undefined if there is none. */
function findCycle(sources) {
  const importsOf = new Map(
    sources.map(({ path, imports }) => [path, imports.flatMap(({ runs, target }) => (runs ? [target] : []))]),
  );
  const done = new Set();
  const trail = [];
  const visit = (path) => {
    const start = trail.indexOf(path);
    if (start >= 0) return [...trail.slice(start), path];
    if (done.has(path) || !importsOf.has(path)) return undefined;
    trail.push(path);
    for (const next of importsOf.get(path)) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    trail.pop();
    done.add(path);
    return undefined;
  };
  for (const path of importsOf.keys()) {
    const cycle = visit(path);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Rooms that stand in src/ and not in the picture, and the other way round. */
function compareRooms(picture, root) {
  const drawn = new Set([...picture.floorOf.keys(), ...picture.sides, ...picture.doors.keys()]);
  const standing = readdirSync(join(root, "src"), { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .filter((room) => !isTest(room));
  return [
    ...standing.filter((room) => !drawn.has(room)).map((room) => `src/${room} is not in the picture`),
    ...[...drawn]
      .filter((room) => !standing.includes(room))
      .map((room) => `${room} is drawn, but not in src/`),
  ];
}

/** What the imports of one file break. */
function checkFile(file, picture, pins) {
  const room = roomOf(file.path);
  // A test may look at the house from any floor; the tests of a house of its own stay inside it all the same.
  if (isTest(file.path) && !picture.sides.has(room)) return [];
  return file.imports.flatMap(({ specifier, target }) => {
    if (target !== undefined) {
      const reason = breach(picture, room, roomOf(target));
      return reason === undefined ? [] : [`src/${file.path} imports src/${target}: ${reason}`];
    }
    const rooms = pins.get(packageOf(specifier));
    if (specifier.startsWith("node:") || rooms?.includes(room) || isTest(file.path)) return [];
    // The browser code is bundled: its packages are development dependencies, listed in package.json only.
    if (room === "web/" && rooms === undefined) return [];
    const where = rooms ? `in ${rooms.join(" ")} only` : "not listed among the packages";
    return [`src/${file.path} imports ${specifier}: the package is ${where}`];
  });
}

/** Packages of the drawing that no room uses: a dependency for nothing, or a drawing of yesterday. */
function unusedPins(pins, sources) {
  const used = new Set(
    sources
      .filter(({ path }) => !isTest(path))
      .flatMap(({ imports }) => imports.map(({ specifier }) => packageOf(specifier))),
  );
  return [...pins.keys()]
    .filter((name) => !used.has(name))
    .map((name) => `the package ${name} is drawn, but nothing in src/ imports it`);
}

/** Paths that the document names in code spans and that do not exist, neither in src/ nor in the repository. */
function missingNames(markdown, root) {
  const names = [...markdown.matchAll(/`([\w@.-]+(?:\/[\w.-]+)*(?:\.(?:ts|mjs|md|json)|\/))`/g)].map(
    (m) => m[1],
  );
  return [...new Set(names)]
    .filter((name) => !existsSync(join(root, "src", name)) && !existsSync(join(root, name)))
    .map((name) => `${document} names ${name}, which does not exist`);
}

/**
 * What the attack suite imports and must not: it knows a proxy by its bytes only, or it would be blind to what ours believes.
 * The set-ups of public proxies beside it are programs of their own.
 */
function checkAttackSuite(root) {
  const folder = join(root, "attack");
  if (!existsSync(folder)) return [];
  return readSources(folder).flatMap(({ path, lines, imports }) => [
    ...imports
      .filter(({ specifier, target }) => target?.startsWith("../") ?? !specifier.startsWith("node:"))
      .map(
        ({ specifier }) => `attack/${path} imports ${specifier}: the attack suite imports node and itself`,
      ),
    ...(lines > longestFile ? [`attack/${path} has ${lines} lines, more than ${longestFile}`] : []),
  ]);
}

/** Every way in which the house below `root` differs from its picture. */
function checkFloors(root) {
  const markdown = readFileSync(join(root, document), "utf8");
  const picture = readPicture(markdown);
  const pins = readPins(markdown);
  const sources = readSources(join(root, "src"));
  const cycle = findCycle(sources);
  return [
    ...(picture.floorOf.size === 0 ? [`${document} has no block of floors`] : []),
    ...picture.unread.map((line) => `${document}: cannot read the line "${line.trim()}" of the picture`),
    ...compareRooms(picture, root),
    ...sources.flatMap((file) => checkFile(file, picture, pins)),
    ...unusedPins(pins, sources),
    ...(cycle ? [`import cycle: ${cycle.map((path) => `src/${path}`).join(" → ")}`] : []),
    ...sources
      .filter(({ lines }) => lines > longestFile)
      .map(({ path, lines }) => `src/${path} has ${lines} lines, more than ${longestFile}`),
    ...checkAttackSuite(root),
    ...missingNames(markdown, root),
  ];
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const problems = checkFloors(root);
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
