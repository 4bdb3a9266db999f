import { stripVTControlCharacters } from 'node:util'

import { CommandError } from './errors.ts'

/** A column of a table: its heading and its value in a row. */
export interface Column<Row> {
  readonly name: string
  readonly value: (row: Row) => string
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
  if (names === undefined) return columns
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
