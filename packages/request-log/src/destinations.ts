import { LogSink } from './sink.ts'

/** How lines are written: for people, for programs, or as Google Cloud reads them (OP-97). */
export type LogFormat = 'human' | 'json' | 'stackdriver'

/** Where lines go, by format: a path, `/dev/stdout` or `/dev/stderr`; nowhere when it is empty or `/dev/null`. */
export type LogTargets = Readonly<Partial<Record<LogFormat, string>>>

/** A line as it was logged. */
interface Entry {
  readonly level: string
  readonly time: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const FORMATS: Readonly<Record<LogFormat, (entry: Entry) => string>> = { human, json, stackdriver }

/** After which size a file begins anew, and the former one is kept beside it (OP-97). */
const ROTATE_AT = 5 * 1024 * 1024

/**
 * Destination of log lines that writes each to all targets, in their formats (OP-97). Lines of a level below `info` pass only
 * where `passes` takes their message (OP-98).
 */
export class LogDestinations implements Disposable {
  readonly #targets: readonly { readonly format: (entry: Entry) => string; readonly sink: LogSink }[]
  readonly #passes: (message: string) => boolean

  /** @throws Error naming the file that cannot be opened. */
  constructor(targets: LogTargets, passes: (message: string) => boolean = () => true) {
    this.#passes = passes
    const opened: { format: (entry: Entry) => string; sink: LogSink }[] = []
    this.#targets = opened
    try {
      for (const format of ['human', 'json', 'stackdriver'] as const) {
        const target = targets[format] ?? ''
        if (target === '' || target === '/dev/null') continue
        opened.push({ format: FORMATS[format], sink: open(target) })
      }
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** Takes one line of a logger, which is JSON. */
  write(line: string): void {
    if (this.#targets.length === 0) return
    const entry = read(line)
    if ((entry.level === 'debug' || entry.level === 'trace') && !this.#passes(entry.message)) return
    for (const { format, sink } of this.#targets) sink.write(`${format(entry)}\n`)
  }

  /** Opens the files anew, for whoever has moved them away (OP-15); one that cannot be opened is written on. */
  reopen(): void {
    for (const { sink } of this.#targets) sink.reopen()
  }

  [Symbol.dispose](): void {
    for (const { sink } of this.#targets) sink[Symbol.dispose]()
  }
}

function open(target: string): LogSink {
  if (target === '/dev/stdout') return new LogSink(1)
  if (target === '/dev/stderr') return new LogSink(2)
  return new LogSink(target, { rotateAt: ROTATE_AT })
}

/** What is no line of ours is a message. */
function read(line: string): Entry {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    parsed = undefined
  }
  const { level, time, message, ...fields } = isRecord(parsed) ? parsed : { message: line.trimEnd() }
  return {
    level: typeof level === 'string' ? level : 'info',
    time: typeof time === 'string' ? time : new Date().toISOString(),
    message: typeof message === 'string' ? message : '',
    fields,
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function json({ level, time, message, fields }: Entry): string {
  return JSON.stringify({ ts: time, level: severity(level), msg: message, logger_names: [], fields })
}

function stackdriver({ level, time, message, fields }: Entry): string {
  const word = severity(level)
  return JSON.stringify({ timestamp: time, severity: word === 'WARN' ? 'WARNING' : word, message, fields })
}

function severity(level: string): string {
  return level === 'trace' ? 'DEBUG' : level.toUpperCase()
}

/** One line, and what has several lines of its own below it. */
function human({ level, time, message, fields }: Entry): string {
  const at = time.replace('T', ' ').replace('Z', '')
  const below: string[] = []
  let text = `${at} [${level}] ${level.length === 4 ? ' ' : ''}${printable(message)}`
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string' && value.includes('\n'))
      below.push(`${name}:`, ...value.split('\n').map((line) => `  ${printable(line)}`))
    else text += ` ${name}=${plain(value)}`
  }
  return [text, ...below.map((line) => `    ${line}`)].join('\n')
}

function plain(value: unknown): string {
  if (typeof value !== 'string') return printable(JSON.stringify(value))
  return /^[\w./:@+-]+$/.test(value) ? value : printable(JSON.stringify(value))
}

/** What a terminal would take for an order is written out. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${code}`
  })
}
