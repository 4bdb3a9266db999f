/**
 * What a model or a stranger has written, for a terminal: control characters, which could move the cursor or colour what
 * follows, and those that reorder text are left out; line breaks and tabs stay. Pieces of a text may come one by one.
 */
export function safeText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '')
}

/** The same in one line of at most so many characters. */
export function safeLine(text: string, most = 120): string {
  const line = safeText(text.replace(/\s+/g, ' ')).trim()
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}
