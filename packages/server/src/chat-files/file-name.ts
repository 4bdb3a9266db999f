/** Bytes of a name (CH-440). */
const MAX_BYTES = 255
/** Control characters, and those that write the rest of a name backwards. */
const HIDDEN = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/** Longer endings are part of the name. */
const MAX_EXTENSION = 32

const PARAMETER = /;\s*(filename\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/gi
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The name of a file in a Content-Disposition header (RFC 6266): `filename*` before `filename`, without folders, control
 * characters and what is too long. Undefined when there is none.
 */
export function fileNameOf(header: string | undefined): string | undefined {
  let plain: string | undefined
  let extended: string | undefined
  for (const [, parameter = '', quoted, token = ''] of (header ?? '').slice(0, 8192).matchAll(PARAMETER)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? token
    if (parameter.endsWith('*')) extended ??= decodeExtended(value)
    else plain ??= decodeBytes(value)
  }
  return safeName(extended ?? plain ?? '')
}

/** A name as it is stored; undefined when nothing of it is left. */
export function safeName(given: string): string | undefined {
  const name = given
    .toWellFormed()
    .replace(HIDDEN, '')
    .replace(/^.*[/\\]/s, '')
    .trim()
  if (name === '' || name === '.' || name === '..') return undefined
  return Buffer.byteLength(name) <= MAX_BYTES ? name : shortened(name)
}

/** The beginning of a name and its ending, which says what it is. */
function shortened(name: string): string {
  const dot = name.lastIndexOf('.')
  const ending = dot > 0 && name.length - dot <= MAX_EXTENSION ? name.slice(dot) : ''
  let room = MAX_BYTES - Buffer.byteLength(ending)
  let start = ''
  for (const character of name) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    start += character
  }
  return start + ending
}

/** `UTF-8''…` of RFC 8187. */
function decodeExtended(value: string): string | undefined {
  const [charset = '', , ...rest] = value.split("'")
  if (charset.toLowerCase() !== 'utf-8') return undefined
  try {
    return decodeURIComponent(rest.join("'"))
  } catch {
    return undefined
  }
}

/** Headers arrive byte by byte; most clients write UTF-8 into them. */
function decodeBytes(value: string): string {
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

/** A Content-Disposition header that every client reads (RFC 6266, appendix D). */
export function dispositionOf(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const extended = encodeURIComponent(name).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return plain === name
    ? `${kind}; filename="${plain}"`
    : `${kind}; filename="${plain}"; filename*=UTF-8''${extended}`
}
