import { stripVTControlCharacters } from 'node:util'

import { CommandError } from './errors.ts'

/** A column of a table: its heading and its value in a row. */
export interface Column<Row> {
  readonly name: string
  readonly value: (row: Row) => string
  /** Shown only when `--column` names it. */
  readonly extra?: boolean
}

/** What `--output` and `--column` asked for. */
export interface OutputFlags {
  readonly output?: string
  readonly column?: string
}

/** Prints rows as a table, or as JSON for programs. @throws CommandError for an unknown format or column. */
export function printRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  flags: OutputFlags,
  json: (row: Row) => unknown = (row) => row,
): void {
  switch (flags.output ?? 'table') {
    case 'json':
      process.stdout.write(`${JSON.stringify(rows.map(json), null, 2)}\n`)
      return
    case 'table':
      process.stdout.write(table(rows, chosen(columns, flags.column)))
      return
    default:
      throw new CommandError(`--output must be table or json, not ${JSON.stringify(flags.output)}`)
  }
}

function chosen<Row>(columns: readonly Column<Row>[], names: string | undefined): readonly Column<Row>[] {
  if (names === undefined) return columns.filter((column) => column.extra !== true)
  return names.split(',').map((name) => {
    const column = columns.find((one) => one.name.toLowerCase() === name.trim().toLowerCase())
    if (column === undefined)
      throw new CommandError(
        `there is no column ${JSON.stringify(name)}: choose from ${columns.map((one) => one.name).join(', ')}`,
      )
    return column
  })
}

function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map((column) => column.name.toUpperCase()),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => width(row[i] ?? ''))))
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell))))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function width(text: string): number {
  return stripVTControlCharacters(text).length
}

/** How long ago, in the largest unit that fits. */
export function ago(time: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000))
  if (seconds < 60) return `${seconds}s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ago`
  return `${Math.floor(seconds / 86_400)}d ago`
}

/** How long from now, in the largest unit that fits; `now` when it is due. */
export function until(time: string, now = Date.now()): string {
  const ms = Date.parse(time) - now
  return ms <= 0 ? 'now' : `in ${span(ms)}`
}

/** A length of time, in milliseconds, as `8h` or `1h30m`; nothing below a minute but seconds. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.round(seconds / 60)
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  return `${hours === 0 ? '' : `${hours}h`}${rest === 0 ? '' : `${rest}m`}`
}

/** A time to the minute, in UTC. */
export function day(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')}Z`
}
