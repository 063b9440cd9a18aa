import { NULL_CODE } from "./column.ts";
import type { Cube, CubeDimension } from "./cube.ts";
import { type PageArea, toNum } from "./cube-page.ts";
import type { JsonObject } from "./json-value.ts";
import { formatNumber } from "./number-format.ts";

/** One value of a dimension in a stacked cube, with the groups of the cube that have it. */
interface Branch {
  readonly code: number;
  readonly groups: readonly number[];
}

/** A node of a page, with the sums that stacked charts read. */
interface Node extends JsonObject {
  readonly qMaxPos: number;
  readonly qMinNeg: number;
}

/** Rows (values of the first dimension) and columns (at most so many values below one of them) of a stacked cube. */
export function stackSize(cube: Cube): { readonly rows: number; readonly columns: number } {
  const [first, second] = cube.dimensions;
  if (first === undefined) return { rows: Math.min(1, cube.order.length), columns: cube.measures.length };
  const rows = branches(cube.order, first);
  if (second === undefined) return { rows: rows.length, columns: cube.measures.length };
  return {
    rows: rows.length,
    columns: Math.max(0, ...rows.map(({ groups }) => branches(groups, second).length)),
  };
}

/** Cuts a page out of a stacked cube (`qMode` K): a tree with a level per dimension and the values as leaves. */
export function cutStackPage(cube: Cube, area: PageArea): JsonObject {
  const root = dimensionNodes(cube, cube.order, { level: 0, area });
  const { rows } = stackSize(cube);
  const shown = Math.max(0, Math.min(area.height, rows - area.top));
  return {
    qData: [
      {
        qElemNo: -1,
        qValue: "NaN",
        qType: "R",
        ...extent(root),
        qUp: Math.min(area.top, rows),
        qDown: Math.max(0, rows - area.top - shown),
        qRow: 0,
        qSubNodes: root,
      },
    ],
    qArea: {
      qLeft: area.left,
      qTop: area.top,
      qWidth: Math.min(area.width, stackSize(cube).columns),
      qHeight: shown,
    },
  };
}

function dimensionNodes(
  cube: Cube,
  groups: readonly number[],
  place: { readonly level: number; readonly area: PageArea },
): readonly Node[] {
  const { level, area } = place;
  const dimension = cube.dimensions[level];
  if (dimension === undefined) return measureNodes(cube, groups);
  const all = branches(groups, dimension);
  // The page cuts rows out of the first dimension and columns out of the second.
  const [start, length] = level === 0 ? [area.top, area.height] : [area.left, area.width];
  const shown = level > 1 ? all : all.slice(start, start + length);
  return shown.map((branch, index) => {
    const below = dimensionNodes(cube, branch.groups, { level: level + 1, area });
    const next = cube.dimensions[level + 1];
    const hidden = next === undefined || level > 0 ? 0 : branches(branch.groups, next).length - below.length;
    return {
      ...valueOf(dimension, branch.code),
      ...sum(below),
      qUp: 0,
      qDown: hidden,
      qRow: index,
      qSubNodes: below,
    };
  });
}

function measureNodes(cube: Cube, groups: readonly number[]): readonly Node[] {
  return cube.measures.map(({ values, definition }, index) => {
    const number = values.numbers[groups[0] ?? -1] ?? Number.NaN;
    const known = !Number.isNaN(number);
    return {
      qText: known ? formatNumber(number, definition.format) : "-",
      qElemNo: 0,
      qValue: toNum(number),
      qType: known ? "V" : "U",
      qMaxPos: known ? Math.max(0, number) : 0,
      qMinNeg: known ? Math.min(0, number) : 0,
      qUp: 0,
      qDown: 0,
      qRow: index,
      qSubNodes: [],
    };
  });
}

function valueOf(dimension: CubeDimension, code: number): JsonObject {
  const value = dimension.column?.values[code];
  if (value === undefined) return { qText: "-", qElemNo: -2, qValue: "NaN", qType: "U" };
  return { qText: value.text, qElemNo: code, qValue: toNum(value.number), qType: "N" };
}

/** The values of a dimension among some groups, in the order of the cube. */
function branches(groups: readonly number[], dimension: CubeDimension): readonly Branch[] {
  const byCode = new Map<number, number[]>();
  for (const group of groups) {
    const code = dimension.codes[group] ?? NULL_CODE;
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, [group]);
    else known.push(group);
  }
  return [...byCode].map(([code, members]) => ({ code, groups: members }));
}

function sum(nodes: readonly Node[]): { readonly qMaxPos: number; readonly qMinNeg: number } {
  return {
    qMaxPos: nodes.reduce((total, node) => total + node.qMaxPos, 0),
    qMinNeg: nodes.reduce((total, node) => total + node.qMinNeg, 0),
  };
}

function extent(nodes: readonly Node[]): { readonly qMaxPos: number; readonly qMinNeg: number } {
  return {
    qMaxPos: nodes.reduce((highest, node) => Math.max(highest, node.qMaxPos), 0),
    qMinNeg: nodes.reduce((lowest, node) => Math.min(lowest, node.qMinNeg), 0),
  };
}
