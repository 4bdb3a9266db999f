import { stripVTControlCharacters } from 'node:util'

import type { Command } from 'commander'

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

/** Adds `-o` and `-c` to a command that prints these columns; wrong ones are refused before it does anything (OP-185). */
export function tableOptions<Row>(command: Command, columns: readonly Column<Row>[]): Command {
  return command
    .option(
      '-c, --column <columns>',
      `columns, separated by commas: ${columns.map((column) => column.name).join(', ')}`,
    )
    .option('-o, --output <format>', 'table or json', 'table')
    .hook('preAction', (hooked, called) => {
      // A command below this one has options of its own.
      if (hooked !== called) return
      const { output = 'table', column }: OutputFlags = called.opts()
      if (output !== 'json' && output !== 'table') throw unknownFormat(output)
      chosen(columns, column)
    })
}

/** Adds `-o` to a command that prints text, or JSON for programs; a wrong one is refused before it does anything. */
export function jsonOption(command: Command): Command {
  return command
    .option('-o, --output <format>', 'text or json', 'text')
    .hook('preAction', (_hooked, called) => {
      const { output = 'text' }: OutputFlags = called.opts()
      if (output !== 'json' && output !== 'text')
        throw new CommandError(`--output must be text or json, not ${JSON.stringify(output)}`)
    })
}

function unknownFormat(output: string | undefined): CommandError {
  return new CommandError(`--output must be table or json, not ${JSON.stringify(output)}`)
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
      throw unknownFormat(flags.output)
  }
}

/** Prints one row as a table, or as a JSON object. @throws CommandError as {@link printRows}. */
export function printRow<Row>(
  row: Row,
  columns: readonly Column<Row>[],
  flags: OutputFlags,
  json: (row: Row) => unknown = (same) => same,
): void {
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify(json(row), null, 2)}\n`)
  else printRows([row], columns, flags)
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
    ...rows.map((row) => columns.map((column) => harmless(column.value(row)))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)))
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - cell.length)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** A cell keeps to its line, and what strangers have written does nothing to the terminal. */
function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
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
