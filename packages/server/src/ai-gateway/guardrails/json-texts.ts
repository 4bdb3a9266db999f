import { endOfString, skipSpace } from '../data-plane/json-members.ts'

/** Members that hold no text of people: what is signed or encrypted, and what others refer to. */
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
const DATA_URL = /^data:[\w/+.-]{1,64};base64,/
const NO_BASE64 = /[^A-Za-z0-9+/_=\r\n-]/
/** Shorter texts of these characters may be words. */
const MIN_BINARY = 1024

/**
 * A JSON text with some of its texts changed and everything else as it was, to the byte (AG-20). Names of members,
 * images and other binary data are passed over.
 *
 * @param json must be what `JSON.parse` takes.
 * @param edit gives the new text, or undefined where it stays.
 */
export function editTexts(json: string, edit: (text: string) => string | undefined): string {
  let edited = ''
  let copied = 0
  let name = ''
  const outer: string[] = []
  const marks = /["[\]{}]/g
  for (let found = marks.exec(json); found !== null; found = marks.exec(json)) {
    switch (found[0]) {
      case '{':
      case '[':
        outer.push(name)
        continue
      case '}':
      case ']':
        name = outer.pop() ?? ''
        continue
    }
    const start = found.index
    const end = endOfString(json, start)
    marks.lastIndex = end
    if (json[skipSpace(json, end)] === ':') {
      name = decoded(json.slice(start, end))
      continue
    }
    if (OPAQUE.has(name)) continue
    const text = decoded(json.slice(start, end))
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
