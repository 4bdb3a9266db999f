import path from 'node:path'

/** What may be uploaded (CH-441). */
export const ALLOWED_TYPES = [
  'application/json',
  'application/pdf',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'text/csv',
  'text/markdown',
  'text/plain',
] as const

/** A type that files of chats may have. */
export type ChatFileType = (typeof ALLOWED_TYPES)[number]

/** Whether files of this type are taken. */
export function isAllowedType(type: string): type is ChatFileType {
  return ALLOWED_TYPES.some((allowed) => allowed === type)
}

const ASCII = (text: string): Buffer => Buffer.from(text, 'latin1')
const MAGIC: readonly [ChatFileType, (bytes: Buffer) => boolean][] = [
  ['image/png', (bytes) => startsWith(bytes, ASCII('\x89PNG\r\n\x1a\n'))],
  ['image/jpeg', (bytes) => startsWith(bytes, ASCII('\xff\xd8\xff'))],
  ['image/gif', (bytes) => startsWith(bytes, ASCII('GIF87a')) || startsWith(bytes, ASCII('GIF89a'))],
  ['image/webp', (bytes) => startsWith(bytes, ASCII('RIFF')) && startsWith(bytes.subarray(8), ASCII('WEBP'))],
  ['application/pdf', (bytes) => startsWith(bytes, ASCII('%PDF-'))],
]

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start)
}

/** Control characters that no text has; terminals colour theirs with escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * What a file is, by its bytes alone; only texts are told apart by the ending of their name (CH-441). Nobody's word for it
 * counts, so that nothing that a browser would run is ever served as what it is not.
 */
export function detectType(
  bytes: Buffer,
  name: string,
): ChatFileType | 'image/svg+xml' | 'application/octet-stream' {
  for (const [type, matches] of MAGIC) if (matches(bytes)) return type
  const text = textOf(bytes)
  if (text === undefined) return 'application/octet-stream'
  if (rootOf(text)?.toLowerCase() === 'svg') return 'image/svg+xml'
  switch (path.extname(name).toLowerCase()) {
    case '.json':
      return isJson(text) ? 'application/json' : 'text/plain'
    case '.md':
    case '.markdown':
      return 'text/markdown'
    case '.csv':
      return 'text/csv'
    default:
      return 'text/plain'
  }
}

/** The text that bytes are, without a byte order mark; undefined for what is none. */
function textOf(bytes: Buffer): string | undefined {
  try {
    const text = utf8.decode(bytes)
    return BINARY.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const SPACE = /\s*/y
const NAME = /[^\s/>[\]<"'=]+/y

/**
 * Local name of the root element of XML, behind declarations, comments and a document type; that of the document type
 * when no element follows. Undefined for what does not look like XML. Takes time in proportion to the length.
 */
function rootOf(text: string): string | undefined {
  let at = 0
  let doctype: string | undefined
  for (;;) {
    at = match(SPACE, text, at)
    if (text.startsWith('<?', at)) at = after(text, '?>', at + 2)
    else if (text.startsWith('<!--', at)) at = after(text, '-->', at + 4)
    else if (/^<!doctype/i.test(text.slice(at, at + 9))) {
      doctype = nameAt(text, match(SPACE, text, at + 9)) ?? doctype
      at = afterDoctype(text, at + 9)
    } else break
  }
  const element = text[at] === '<' ? nameAt(text, at + 1) : undefined
  return element ?? doctype
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function nameAt(text: string, at: number): string | undefined {
  const end = match(NAME, text, at)
  const name = text.slice(at, end)
  return name === '' ? undefined : name.slice(name.lastIndexOf(':') + 1)
}

/** Where the text goes on behind a mark; its end when the mark is not there. */
function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found < 0 ? text.length : found + mark.length
}

/** A document type may hold declarations in brackets, with `>` in quotes and comments. */
function afterDoctype(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"' || character === "'") at = after(text, character, at + 1) - 1
    else if (text.startsWith('<!--', at)) at = after(text, '-->', at + 4) - 1
    else if (character === '[') depth += 1
    else if (character === ']') depth -= 1
    else if (character === '>' && depth <= 0) return at + 1
  }
  return text.length
}

/**
 * Whether what a client calls a file agrees with what it is: exactly, or so that it leaves the finding to the server
 * (CH-441).
 */
export function agrees(declared: string, detected: ChatFileType): boolean {
  const [type = ''] = declared.split(';')
  switch (type.trim().toLowerCase()) {
    case '':
    case 'application/octet-stream':
    case detected:
      return true
    case 'text/plain':
      return detected === 'text/markdown' || detected === 'text/csv' || detected === 'application/json'
    default:
      return false
  }
}
