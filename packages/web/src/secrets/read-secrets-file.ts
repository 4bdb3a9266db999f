import type { SecretsFileFormat } from '@slipway/contract'
import { byteLength, envNameFault, MAX_SECRETS, secretFaults } from './secret-rules.ts'

/** The largest file that is taken (ID-199). */
export const MAX_FILE_BYTES = 1024 * 1024

/** A secret that a file would make, as the server would see it. */
export interface PreviewRow {
  readonly name: string
  /** Undefined for what is no text. */
  readonly value: string | undefined
  /** Becomes a variable of this name; others are stored switched off. */
  readonly envName: string
  readonly fault: string | undefined
}

/** What importing a file would do. A fault of the file leaves no rows. */
export interface Preview {
  readonly rows: readonly PreviewRow[]
  readonly fault: string | undefined
}

interface Entry {
  readonly key: string
  readonly value: string | undefined
}

/** The format that a file has by its name; undefined when that says nothing. */
export function formatOfName(name: string): SecretsFileFormat | undefined {
  const lower = name.toLowerCase()
  if (lower.endsWith('.json')) return 'json'
  if (/\.ya?ml$/.test(lower)) return 'yaml'
  return /(^|\/)\.env(\.[\w.-]+)?$|\.env$/.test(lower) ? 'env' : undefined
}

/** Shows what the server would make of a file; it decides for itself (ID-199). */
export async function previewOf(
  format: SecretsFileFormat,
  content: string,
  taken: ReadonlySet<string>,
): Promise<Preview> {
  if (byteLength(content) > MAX_FILE_BYTES) return { rows: [], fault: 'The file is larger than 1 MiB.' }
  try {
    const text = content.replace(/^\uFEFF/, '')
    const entries =
      format === 'env' ? readEnv(text) : format === 'json' ? readJson(text) : await readYaml(text)
    if (entries.length === 0) return { rows: [], fault: 'The file holds no secrets.' }
    if (entries.length > MAX_SECRETS)
      return { rows: [], fault: `The file holds ${entries.length} secrets: ${MAX_SECRETS} is the most.` }
    return { rows: rowsOf(entries, taken), fault: undefined }
  } catch (error) {
    return { rows: [], fault: error instanceof Unreadable ? error.message : 'The file cannot be read.' }
  }
}

class Unreadable extends Error {}

function rowsOf(entries: readonly Entry[], taken: ReadonlySet<string>): PreviewRow[] {
  const seen = new Set<string>()
  return entries.map(({ key, value }) => {
    const twice = seen.has(key)
    seen.add(key)
    const envName = envNameFault(key) === undefined ? key : ''
    const draft = { name: key, value: value ?? '', envName, filePath: '', enabled: envName !== '' }
    const fault =
      value === undefined
        ? 'The value is not text: put it in quotes.'
        : twice
          ? 'The name is in the file twice.'
          : taken.has(key)
            ? 'You already have a secret with this name.'
            : Object.values(secretFaults(draft))[0]
    return { name: key, value, envName, fault }
  })
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"' }

/** Lines of `KEY=VALUE`, nothing of which is expanded. */
function readEnv(content: string): Entry[] {
  return content.split('\n').flatMap((raw, index) => {
    const line = trimmed(raw)
    if (line === '' || line.startsWith('#')) return []
    const assignment = line.replace(/^export[ \t]+/, '')
    const equals = assignment.indexOf('=')
    const key = trimmed(assignment.slice(0, Math.max(equals, 0)))
    if (key === '') throw new Unreadable(`Line ${index + 1} is neither KEY=VALUE, nor a comment, nor empty.`)
    const value = meaningOf(trimmed(assignment.slice(equals + 1)))
    if (value === undefined)
      throw new Unreadable(
        `Line ${index + 1}: the quoted value must end with its quote, and \\ may only stand before n t r \\ ".`,
      )
    return [{ key, value }]
  })
}

/** Without the blanks around it; other spaces belong to values. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && ' \t\r'.includes(text.charAt(start))) start += 1
  while (end > start && ' \t\r'.includes(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function meaningOf(text: string): string | undefined {
  if (text.startsWith("'")) return /^'([^']*)'$/.exec(text)?.[1]
  if (!text.startsWith('"')) return text
  const inner = /^"((?:[^"\\]|\\[ntr\\"])*)"$/.exec(text)?.[1]
  return inner?.replace(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? letter)
}

function readJson(content: string): Entry[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(content)
  } catch {
    throw new Unreadable('The file is not valid JSON.')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Unreadable('The file must be a JSON object of texts.')
  return Object.entries(parsed).map(([key, value]: [string, unknown]) => ({
    key,
    value: typeof value === 'string' ? value : undefined,
  }))
}

async function readYaml(content: string): Promise<Entry[]> {
  const { isMap, isScalar, parseDocument } = await import('yaml')
  const { contents, errors } = parseDocument(content, { uniqueKeys: false, prettyErrors: false })
  if (errors.length > 0) throw new Unreadable('The file is not valid YAML.')
  if (!isMap(contents)) throw new Unreadable('The file must be a YAML map of texts.')
  return contents.items.map(({ key, value }) => {
    const name: unknown = isScalar(key) ? key.value : undefined
    if (typeof name !== 'string')
      throw new Unreadable('The keys of the map must be texts: put them in quotes.')
    return { key: name, value: isScalar(value) && typeof value.value === 'string' ? value.value : undefined }
  })
}
