import type { Json, JsonObject } from "../json-value.ts";

/*
 * Properties as the vendor's charts create them themselves (sn-bar-chart 2.14.0, sn-line-chart
 * 1.47.7, sn-pie-chart 1.26.7, sn-table 2.9.1, sn-kpi 1.0.0 under stardust 7.4.0). A stored object
 * that lacks one of the defaults crashes its chart, so the objects below carry all of them.
 */

/** A measure of a stored chart. */
export interface ChartMeasure {
  readonly expression: string;
  readonly label: string;
  /** A format such as `#,##0`; the chart's own abbreviations (k, M) by default. */
  readonly format?: string;
}

/** What a stored chart shows. */
export interface ChartContent {
  readonly id: string;
  readonly title: string;
  /** Field names. */
  readonly dimensions: readonly string[];
  readonly measures: readonly ChartMeasure[];
}

const SHARED: JsonObject = {
  subtitle: "",
  footnote: "",
  showDetails: true,
  showDisclaimer: true,
  components: [],
};

const COLOR: JsonObject = {
  auto: true,
  autoMinMax: true,
  dimensionScheme: "12",
  expressionIsColor: true,
  expressionLabel: "",
  formatting: { numFormatFromTemplate: true },
  measureScheme: "sg",
  mode: "primary",
  paletteColor: { index: 6 },
  persistent: false,
  reverseScheme: false,
  useBaseColors: "off",
  useDimColVal: true,
  useMeasureGradient: true,
};

const AXES: JsonObject = {
  dimensionAxis: {
    axisDisplayMode: "auto",
    continuousAuto: true,
    dock: "near",
    label: "auto",
    maxVisibleItems: 10,
    show: "all",
  },
  gridLine: { auto: true, spacing: 2 },
  legend: { dock: "auto", show: true, showTitle: true },
  preferContinuousAxis: true,
  refLine: { refLines: [], dimRefLines: [] },
  scrollbar: "miniChart",
  scrollStartPos: 0,
  showMiniChartForContinuousAxis: true,
};

const MEASURE_AXIS: JsonObject = {
  autoMinMax: true,
  dock: "near",
  max: 10,
  min: 0,
  minMax: "min",
  show: "all",
  spacing: 1,
};

/** A bar chart, highest bar first. */
export function barChart(content: ChartContent): JsonObject {
  return {
    ...base(content, "bar-chart", "2.14.0"),
    ...AXES,
    barGrouping: { grouping: "grouped" },
    color: COLOR,
    dataPoint: { showLabels: false, showSegmentLabels: false, showTotalLabels: true },
    measureAxis: MEASURE_AXIS,
    orientation: "vertical",
    tooltip: { auto: true, hideBasic: false, data: {} },
    qHyperCubeDef: {
      ...cube(content, { width: 17, height: 500, sortBy: "measure" }),
      qSuppressMissing: true,
      qSuppressZero: false,
    },
  };
}

/** A line chart along its dimension. */
export function lineChart(content: ChartContent): JsonObject {
  return {
    ...base(content, "line-chart", "1.47.7"),
    ...AXES,
    color: COLOR,
    dataPoint: { show: false, showLabels: false },
    lineType: "line",
    measureAxis: { ...MEASURE_AXIS, logarithmic: false },
    nullMode: "gap",
    orientation: "horizontal",
    separateStacking: true,
    stackedArea: false,
    tooltip: { auto: true, hideBasic: false, title: "", description: "" },
    qHyperCubeDef: {
      ...cube(content, { width: 17, height: 500, sortBy: "dimension" }),
      qAlwaysFullyExpanded: true,
      qDynamicScript: [],
      qMode: "S",
      qSuppressMissing: true,
      qSuppressZero: false,
    },
  };
}

/** A pie chart, largest slice first. */
export function pieChart(content: ChartContent): JsonObject {
  const sliceStyle = {
    strokeWidth: "none",
    strokeColor: { index: -1, color: "#FFFFFF" },
    cornerRadius: 0,
    innerRadius: 0.55,
  };
  return {
    ...base(content, "pie-chart", "1.26.7"),
    color: COLOR,
    components: [{ key: "slices", style: sliceStyle }],
    dataPoint: { auto: true, labelMode: "share", labelValueMode: "arc" },
    dimensionTitle: true,
    donut: { showAsDonut: false },
    legend: { dock: "auto", show: true, showTitle: true },
    tooltip: { auto: true, hideBasic: false, data: {} },
    qHyperCubeDef: {
      ...cube(content, { width: 10, height: 500, sortBy: "measure" }),
      qMode: "S",
      qSuppressMissing: true,
      qSuppressZero: false,
    },
  };
}

/** A table with a row of totals. */
export function table(content: ChartContent): JsonObject {
  return {
    ...base(content, "sn-table", "2.9.1"),
    enableChartExploration: false,
    totals: { show: true, position: "noTotals", label: "Totals" },
    usePagination: false,
    qHyperCubeDef: cube(content, { width: 50, height: 100, sortBy: "dimension" }),
  };
}

/** One or two numbers. */
export function kpi(content: ChartContent): JsonObject {
  return {
    ...base(content, "kpi", "1.0.0"),
    showTitles: false,
    showMeasureTitle: true,
    showSecondMeasureTitle: true,
    textAlign: "center",
    layoutBehavior: "relative",
    disableNavMenu: true,
    fontSize: "M",
    useLink: false,
    sheetLink: "",
    openUrlInNewTab: true,
    qHyperCubeDef: {
      ...cube(content, { width: 500, height: 10, sortBy: "dimension" }),
      qSuppressMissing: true,
      qSuppressZero: false,
    },
  };
}

/** A list of a field's values to select in. */
export function listBox(id: string, title: string, field: string): JsonObject {
  return {
    ...base({ id, title, dimensions: [], measures: [] }, "listbox", "1.0.0"),
    qListObjectDef: {
      qStateName: "$",
      qShowAlternatives: true,
      frequencyEnabled: false,
      qFrequencyMode: "N",
      qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 100 }],
      qDef: {
        qFieldDefs: [field],
        qSortCriterias: [{ qSortByState: 1, qSortByAscii: 1, qSortByNumeric: 1, qSortByLoadOrder: 1 }],
      },
    },
    histogram: false,
    checkboxes: false,
    searchEnabled: true,
    showTitle: true,
    wildCardSearch: false,
    autoConfirm: false,
    layoutOptions: {
      dense: false,
      dataLayout: "singleColumn",
      layoutOrder: "row",
      maxVisibleColumns: { auto: true, maxColumns: 3 },
      maxVisibleRows: { auto: true, maxRows: 3 },
    },
  };
}

/** A sheet that holds charts in a grid, two to a row. */
export function sheet(id: string, title: string, charts: readonly JsonObject[]): JsonObject {
  return {
    qInfo: { qId: id, qType: "sheet" },
    qMetaDef: { title, description: "" },
    rank: 0,
    columns: 24,
    rows: 12,
    cells: charts.map((chart, index) => ({
      name: idOf(chart),
      type: chart["visualization"],
      col: (index % 2) * 12,
      row: Math.floor(index / 2) * 4,
      colspan: 12,
      rowspan: 4,
    })),
    qChildListDef: { qData: { title: "/title" } },
  };
}

/** A dimension of the library. */
export function libraryDimension(id: string, title: string, field: string): JsonObject {
  return {
    qInfo: { qId: id, qType: "dimension" },
    qDim: { qGrouping: "N", qFieldDefs: [field], qFieldLabels: [title], title },
    qMetaDef: { title, description: "", tags: [] },
  };
}

/** A measure of the library. */
export function libraryMeasure(id: string, { label, expression, format }: ChartMeasure): JsonObject {
  return {
    qInfo: { qId: id, qType: "measure" },
    qMeasure: {
      qLabel: label,
      qDef: expression,
      qGrouping: "N",
      qNumFormat: numberFormat(format),
      title: label,
    },
    qMetaDef: { title: label, description: "", tags: [] },
  };
}

function idOf(properties: JsonObject): Json {
  return (properties["qInfo"] as JsonObject)["qId"] ?? null;
}

function base({ id, title }: ChartContent, visualization: string, version: string): JsonObject {
  return {
    qInfo: { qId: id, qType: visualization },
    qMetaDef: {},
    ...SHARED,
    visualization,
    version,
    title,
    showTitles: true,
  };
}

function cube(
  { id, dimensions, measures }: ChartContent,
  options: { readonly width: number; readonly height: number; readonly sortBy: "dimension" | "measure" },
): JsonObject {
  const columns = [...dimensions, ...measures].map((_, column) => column);
  const measureFirst = [dimensions.length, ...columns.filter((column) => column !== dimensions.length)];
  return {
    qDimensions: dimensions.map((field, index) => ({
      qDef: {
        qFieldDefs: [field.includes(" ") ? `[${field}]` : field],
        cId: `${id}-d${index}`,
        qSortCriterias: [{ qSortByLoadOrder: 1, qSortByNumeric: 1, qSortByAscii: 1 }],
      },
      qOtherTotalSpec: {},
      qAttributeExpressions: [],
      qAttributeDimensions: [],
    })),
    qMeasures: measures.map(({ expression, label, format }, index) => ({
      qDef: {
        qDef: expression,
        qLabel: label,
        cId: `${id}-m${index}`,
        qNumFormat: numberFormat(format),
        qIsAutoFormat: format === undefined,
      },
      qSortBy: { qSortByLoadOrder: 1, qSortByNumeric: -1 },
      qAttributeDimensions: [],
      qAttributeExpressions: [],
    })),
    qInitialDataFetch: [{ qWidth: options.width, qHeight: options.height }],
    qInterColumnSortOrder: options.sortBy === "measure" ? measureFirst : columns,
    qColumnOrder: [],
    qExpansionState: [],
  };
}

function numberFormat(format: string | undefined): JsonObject {
  if (format === undefined) return { qType: "U", qnDec: 10, qUseThou: 0 };
  return { qType: "F", qnDec: 2, qUseThou: 1, qFmt: format, qDec: ".", qThou: "," };
}
