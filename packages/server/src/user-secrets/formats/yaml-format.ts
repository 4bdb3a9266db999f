import { isMap, isScalar, Lexer, parseDocument } from 'yaml'

import { type Entry, unreadable } from './entry.ts'

/** Far more than the secrets of a user need with comments; a block of lines is one token. */
const MAX_TOKENS = 10_000

/**
 * Reads a YAML 1.2 map whose values are texts (ID-199). Nothing is resolved: an alias is no text.
 *
 * @throws ApiError 400 for what is no such map.
 */
export function parseYaml(content: string): Entry[] {
  requireShort(content)
  const root = document(content)
  if (!isMap(root)) throw unreadable('must be a YAML map of texts')
  return root.items.map(({ key, value }) => {
    const name: unknown = isScalar(key) ? key.value : undefined
    if (typeof name !== 'string') throw unreadable('the keys of the map must be texts: quote them')
    return { key: name, value: isScalar(value) && typeof value.value === 'string' ? value.value : undefined }
  })
}

/** Reading takes seconds for a file of nothing but brackets, so that such a file must not get that far. */
function requireShort(content: string): void {
  let tokens = 0
  for (const _token of new Lexer().lex(content)) {
    tokens += 1
    if (tokens > MAX_TOKENS) throw unreadable('is too complicated for a YAML map of texts')
  }
}

function document(content: string): unknown {
  try {
    const { contents, errors } = parseDocument(content, { uniqueKeys: false, prettyErrors: false })
    if (errors.length === 0) return contents
  } catch {
    // Nested deeper than the stack, for one.
  }
  throw unreadable('is not valid YAML')
}
