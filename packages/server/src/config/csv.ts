/**
 * Entries of one CSV record such as `a,"b,c"` (OP-3, RFC 4180 section 2). Spaces around an unquoted entry do
 * not count and unquoted empty entries are left out; undefined when a quote is misplaced or not closed.
 */
export function parseCsvRecord(text: string): string[] | undefined {
  const entries: string[] = []
  let at = 0
  while (at <= text.length) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*(?:,|$)/.exec(text.slice(at))
    const plain = /^([^",]*)(?:,|$)/.exec(text.slice(at))
    const match = quoted ?? plain
    if (match === null) return undefined
    const entry = match[1] ?? ''
    if (quoted !== null) entries.push(entry.replaceAll('""', '"'))
    else if (entry.trim() !== '') entries.push(entry.trim())
    at += match[0].length
    if (!match[0].endsWith(',')) break
  }
  return entries
}

/** The record that {@link parseCsvRecord} reads back as `entries`. */
export function formatCsvRecord(entries: readonly string[]): string {
  return entries
    .map((entry) => (/^$|[",]|^\s|\s$/.test(entry) ? `"${entry.replaceAll('"', '""')}"` : entry))
    .join(',')
}
