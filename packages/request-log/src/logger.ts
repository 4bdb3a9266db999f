import { type DestinationStream, pino } from 'pino'

/** What a log field may hold. Errors are written with message and stack. */
export type LogValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | Date
  | Error
  | readonly LogValue[]
  | { readonly [key: string]: LogValue }

/** Named values of a log line, in the snake case of the request log (ID-109). */
export type LogFields = { readonly [key: string]: LogValue }

/** Severities, lowest first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/**
 * Typed log: a message and named fields, nothing loose (L-H7). Logging never throws; a line that cannot be
 * written is counted by the sink and dropped (OP-99).
 */
export interface Logger {
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to each of its lines. */
  with(fields: LogFields): Logger
  /** Whether lines of this level are written, to skip building expensive fields. */
  enabled(level: LogLevel): boolean
  /**
   * Writes a line whose fields are JSON already: `members` is text such as `,"status_code":200`. For the line of
   * each request only, where writing field by field costs more than all the rest of a cheap request.
   */
  line(level: LogLevel, message: string, members: string): void
}

/** Makes a logger that writes JSON lines with an ISO time to `sink`. */
export function createLogger(options: {
  readonly level: LogLevel
  readonly sink: DestinationStream
}): Logger {
  return wrap(
    pino(
      {
        level: options.level,
        base: null,
        messageKey: 'message',
        timestamp: timeField,
        formatters: { level: (label) => ({ level: label }) },
        serializers: {},
      },
      options.sink,
    ),
    options.sink,
    '',
  )
}

/** A logger that writes nothing, for tests and for parts that are used without a server. */
export function silentLogger(): Logger {
  return createLogger({ level: 'error', sink: { write: () => undefined } })
}

let lastTime = 0
let lastField = ''

/** Many lines are written in the same millisecond, and writing a time costs as much as many fields. */
function timeField(): string {
  const now = Date.now()
  if (now !== lastTime) {
    lastTime = now
    lastField = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastField
}

/** Printable ASCII without quote and backslash: what JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** A text as JSON. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

type Write = (fields: object, message: string) => void
interface Backend {
  trace: Write
  debug: Write
  info: Write
  warn: Write
  error: Write
  child(fields: object): Backend
  isLevelEnabled(level: string): boolean
}

/** `inherited` are the fields of all lines as members of JSON text, for lines that do not pass the backend. */
function wrap(backend: Backend, sink: DestinationStream, inherited: string): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (!backend.isLevelEnabled(level)) return
      backend[level](printable(fields), message)
    }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => {
      const own = printable(fields)
      const members = JSON.stringify(own).slice(1, -1)
      return wrap(backend.child(own), sink, members === '' ? inherited : `${inherited},${members}`)
    },
    enabled: (level) => backend.isLevelEnabled(level),
    line: (level, message, members) => {
      if (!backend.isLevelEnabled(level)) return
      sink.write(`{"level":"${level}"${timeField()}${inherited}${members},"message":${quoted(message)}}\n`)
    },
  }
}

function printable(fields: LogFields): object {
  let copy: Record<string, unknown> | undefined
  for (const key in fields) {
    const value = fields[key]
    if (value instanceof Error) {
      copy ??= { ...fields }
      copy[key] = describeError(value)
    } else if (typeof value === 'bigint') {
      copy ??= { ...fields }
      copy[key] = value.toString()
    }
  }
  return copy ?? fields
}

/** Message, stack and causes of an error, as one text for a log field. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined ? own : `${own}\ncaused by ${describeError(error.cause)}`
}
