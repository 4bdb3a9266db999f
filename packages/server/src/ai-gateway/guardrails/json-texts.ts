import { endOfString, skipSpace } from '../data-plane/json-members.ts'

/** Members of APIs that hold no text of people: what is signed or encrypted, and what others refer to. */
const OPAQUE: ReadonlySet<string> = new Set([
  'signature',
  'thoughtSignature',
  'thought_signature',
  'encrypted_content',
  // What a model has thought is signed as it was.
  'thinking',
  'id',
  'type',
  'role',
  'model',
  'media_type',
  'mimeType',
  'tool_use_id',
  'tool_call_id',
  'call_id',
])
/** Members whose content APIs leave to their users, who name things in it as they like; at any depth. */
const FREE: ReadonlySet<string> = new Set([
  'input',
  'args',
  'arguments',
  'parameters',
  'input_schema',
  'inputSchema',
  'schema',
  'responseSchema',
  'response',
  'json',
  'metadata',
  'env',
])
/** Members of a whole request with the same name as one of those, but with messages of the API. */
const MESSAGES = 'input'
const DATA_URL = /^data:[\w/+.-]{1,64};base64,/
const NO_BASE64 = /[^A-Za-z0-9+/_=\r\n-]/
/** Shorter texts of these characters may be words. */
const MIN_BINARY = 1024

/**
 * A JSON text with some of its texts changed and everything else as it was, to the byte (AG-20). Images and other binary
 * data are passed over, and of what APIs define the names of members and {@link OPAQUE} ones.
 *
 * @param json must be what `JSON.parse` takes.
 * @param edit gives the new text, or undefined where it stays.
 * @param of what it is: a request to a provider, or something that users shape as they like.
 */
export function editTexts(
  json: string,
  edit: (text: string) => string | undefined,
  of: 'request' | 'arguments' = 'request',
): string {
  let edited = ''
  let copied = 0
  let name = ''
  let free = of === 'arguments'
  let inList = false
  const outer: { readonly name: string; readonly free: boolean; readonly inList: boolean }[] = []
  const marks = /["[\]{}]/g
  for (let found = marks.exec(json); found !== null; found = marks.exec(json)) {
    switch (found[0]) {
      case '{':
      case '[':
        outer.push({ name, free, inList })
        if (!inList) free ||= FREE.has(name) && (outer.length > 2 || name !== MESSAGES)
        inList = found[0] === '['
        continue
      case '}':
      case ']': {
        const left = outer.pop()
        if (left !== undefined) ({ name, free, inList } = left)
        continue
      }
    }
    const start = found.index
    const end = endOfString(json, start)
    marks.lastIndex = end
    const text = decoded(json.slice(start, end))
    if (json[skipSpace(json, end)] === ':') {
      name = text
      if (!free) continue
    } else if (!free && OPAQUE.has(name)) continue
    if (isBinary(text)) continue
    const changed = edit(text)
    if (changed === undefined) continue
    edited += json.slice(copied, start) + JSON.stringify(changed)
    copied = end
  }
  return copied === 0 ? json : edited + json.slice(copied)
}

/** Whether all of a text is in base64: behind what only begins like that there may be more. */
function isBinary(text: string): boolean {
  const head = DATA_URL.exec(text)?.[0].length ?? 0
  return (head > 0 || text.length >= MIN_BINARY) && !NO_BASE64.test(text.slice(head))
}

function decoded(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  const text: unknown = JSON.parse(token)
  return String(text)
}
