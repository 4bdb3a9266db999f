import { type Entry, unreadable } from './entry.ts'

/** Of a text that is JSON: its strings, brackets and what separates. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]/gs

/**
 * Reads an object whose values are texts, with keys that are there twice (ID-199), which `JSON.parse` would hide.
 *
 * @throws ApiError 400 for what is no JSON object.
 */
export function parseJson(content: string): Entry[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(content)
  } catch {
    throw unreadable('is not valid JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw unreadable('must be a JSON object of texts')
  const entries: Entry[] = []
  let depth = 0
  let key: string | undefined
  let value: string | undefined
  const finish = (): void => {
    if (key !== undefined) entries.push({ key, value })
    key = undefined
    value = undefined
  }
  for (const [token] of content.matchAll(TOKENS)) {
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    else if (depth === 1 && token === ',') finish()
    else if (depth === 1 && token.startsWith('"')) {
      const text = String(JSON.parse(token))
      if (key === undefined) key = text
      else value = text
    }
  }
  finish()
  return entries
}
