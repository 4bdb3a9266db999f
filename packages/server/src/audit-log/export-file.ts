import { Readable } from 'node:stream'

import type { FastifyReply } from 'fastify'

/** Entries that are read and written at once. */
const PAGE = 1_000

/** A log as a file. */
export interface Export<Entry extends { readonly id: string }> {
  /** Name of the file without its extension. */
  readonly name: string
  readonly format: 'jsonl' | 'csv'
  /** Entries behind the one with this id, in a stable order. */
  readonly page: (limit: number, afterId: string | undefined) => Promise<Entry[]>
  /** First line and a line for each entry, from {@link csvLine}. */
  readonly csvHead: string
  readonly csvRow: (entry: Entry) => string
}

/**
 * Answers with all entries as a file, page by page as the client takes them (RB-128). What is written meanwhile is
 * younger than the first page and left out.
 *
 * @throws what reading the first page throws: nothing has been answered then.
 */
export async function exportFile<Entry extends { readonly id: string }>(
  reply: FastifyReply,
  file: Export<Entry>,
): Promise<void> {
  const first = await file.page(PAGE, undefined)
  const [type, extension] = file.format === 'csv' ? ['text/csv', 'csv'] : ['application/x-ndjson', 'jsonl']
  await reply
    .type(`${type}; charset=utf-8`)
    .header('Content-Disposition', `attachment; filename="${file.name}.${extension}"`)
    .send(Readable.from(linesOf(first, file)))
}

async function* linesOf<Entry extends { readonly id: string }>(
  first: readonly Entry[],
  { format, page, csvHead, csvRow }: Export<Entry>,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvHead
  const line = format === 'csv' ? csvRow : (entry: Entry): string => `${JSON.stringify(entry)}\n`
  for (let entries = first; entries.length > 0; ) {
    yield entries.map(line).join('')
    entries = entries.length < PAGE ? [] : await page(PAGE, entries.at(-1)?.id)
  }
}

/** A line of a CSV file (RFC 4180). Texts that a spreadsheet would run as formulas get an apostrophe in front. */
export function csvLine(values: readonly (string | number | undefined)[]): string {
  return `${values.map(csvValue).join(',')}\r\n`
}

function csvValue(value: string | number | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
