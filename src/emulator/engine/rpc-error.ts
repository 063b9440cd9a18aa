/** Error codes of the engine's answers (facts §5.4). */
export const ERROR = {
  notFound: 2,
  alreadyExists: 3,
  accessDenied: 5,
  invalidParameters: 8,
  internalError: 10,
  appAlreadyOpen: 1002,
  appNotFound: 1003,
  appOpenInDifferentMode: 1009,
  invalidObject: 6000,
  resultTooLarge: 6001,
  invalidDefinition: 7000,
  notInLibrary: 7001,
  pagesTooLarge: 7009,
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidHandleOrParameters: -32_602,
} as const;

const MESSAGES: Readonly<Record<number, string>> = {
  [ERROR.notFound]: "Not found",
  [ERROR.alreadyExists]: "Already exists",
  [ERROR.accessDenied]: "Access denied",
  [ERROR.invalidParameters]: "Invalid parameters",
  [ERROR.internalError]: "Internal error",
  [ERROR.appAlreadyOpen]: "App already open",
  [ERROR.appNotFound]: "App not found",
  [ERROR.appOpenInDifferentMode]: "App already open in different mode",
  [ERROR.invalidObject]: "Invalid object",
  [ERROR.resultTooLarge]: "Result too large",
  [ERROR.invalidDefinition]: "Invalid definition",
  [ERROR.notInLibrary]: "Not in library",
  [ERROR.pagesTooLarge]: "Calculation pages too large",
  [ERROR.parseError]: "Parse error",
  [ERROR.invalidRequest]: "Invalid request",
  [ERROR.methodNotFound]: "Method not found",
  [ERROR.invalidHandleOrParameters]: "Invalid params",
};

/** An answer the engine gives instead of a result. */
export class RpcError extends Error {
  readonly code: number;
  /** Says which parameter or thing the error is about. */
  readonly parameter: string;

  constructor(code: number, parameter = "") {
    super(MESSAGES[code] ?? "Unknown error");
    this.name = "RpcError";
    this.code = code;
    this.parameter = parameter;
  }
}
