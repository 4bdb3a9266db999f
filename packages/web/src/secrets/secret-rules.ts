/** What a form says about a secret. */
export interface SecretDraft {
  readonly name: string
  /** Left out where it stays as it is. */
  readonly value: string | undefined
  readonly envName: string
  readonly filePath: string
  readonly enabled: boolean
}

export type SecretField = 'name' | 'value' | 'env_name' | 'file_path' | 'enabled'
export type SecretFaults = Partial<Record<SecretField, string>>

/** Limits of ID-195 and ID-197, in bytes where texts are stored. */
export const MAX_VALUE_BYTES = 24 * 1024
export const MAX_SECRETS = 50
const MAX_ENV_NAME = 256
const MAX_PATH_BYTES = 4096
const MAX_NAME = 256

/** Variables that belong to the workspace itself (ID-196). */
const RESERVED = new Set(
  [
    'PATH HOME SHELL USER LOGNAME PWD OLDPWD LANG TERM IFS CDPATH ENV BASH_ENV TMPDIR TMP TEMP HOSTNAME',
    'SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY EDITOR VISUAL PAGER VSCODE_PROXY_URI',
    'CS_DISABLE_GETTING_STARTED_OVERRIDE CODER',
    'XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME',
  ].flatMap((line) => line.split(' ')),
)
const RESERVED_PREFIX = /^(CODER|GIT|LC|LD|DYLD)_/

/** Bytes of a text as it is stored. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

/** What is wrong with the name of a variable; undefined for a good one. */
export function envNameFault(name: string): string | undefined {
  if (name.length > MAX_ENV_NAME) return `Use at most ${MAX_ENV_NAME} characters.`
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return 'Start with a letter or _, and use only letters, digits and _.'
  const upper = name.toUpperCase()
  return RESERVED.has(upper) || RESERVED_PREFIX.test(upper)
    ? `${upper} is reserved for the workspace itself.`
    : undefined
}

/** Everything that is wrong with a secret, by the same rules as the server's (ID-195, ID-196). */
export function secretFaults(draft: SecretDraft): SecretFaults {
  const found: Record<SecretField, string | undefined> = {
    name: nameFault(draft.name),
    value: draft.value === undefined ? undefined : valueFault(draft.value),
    env_name: draft.envName === '' ? undefined : envNameFault(draft.envName),
    file_path: draft.filePath === '' ? undefined : pathFault(draft.filePath),
    enabled:
      draft.enabled && draft.envName === '' && draft.filePath === ''
        ? 'Give a variable or a file, or switch the secret off.'
        : undefined,
  }
  const faults: SecretFaults = {}
  for (const field of ['name', 'value', 'env_name', 'file_path', 'enabled'] as const) {
    const fault = found[field]
    if (fault !== undefined) faults[field] = fault
  }
  return faults
}

function nameFault(name: string): string | undefined {
  if (name.trim() === '') return 'Give it a name.'
  if (name.length > MAX_NAME) return `Use at most ${MAX_NAME} characters.`
  if (/[/?#]/.test(name)) return 'Use none of / ? #.'
  return name === '.' || name === '..' ? 'Use another name than . or ..' : textFault(name)
}

function valueFault(value: string): string | undefined {
  if (value === '') return 'Give the value.'
  const bytes = byteLength(value)
  return bytes > MAX_VALUE_BYTES
    ? `Use at most ${MAX_VALUE_BYTES.toLocaleString('en')} bytes: this is ${bytes.toLocaleString('en')}.`
    : textFault(value)
}

function pathFault(path: string): string | undefined {
  if (!/^~?\/./s.test(path)) return 'Start with ~/ or /.'
  return byteLength(path) > MAX_PATH_BYTES ? `Use at most ${MAX_PATH_BYTES} bytes.` : textFault(path)
}

function textFault(text: string): string | undefined {
  return text.includes('\0') ? 'It holds a NUL character.' : undefined
}
