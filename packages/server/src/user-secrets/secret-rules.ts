import type { Validation } from '../errors/index.ts'

/** What a user gives of a secret. */
export interface SecretFields {
  readonly name: string
  /** Left out where it stays as it is. */
  readonly value?: string | undefined
  readonly envName: string
  readonly filePath: string
  readonly enabled: boolean
}

/** Limits of one secret (ID-195). */
export const MAX_VALUE_BYTES = 24 * 1024
const MAX_ENV_NAME = 256
const MAX_PATH_BYTES = 4096
/** Names stand in addresses, and in an index. */
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

/** What is wrong with a variable's name; undefined for a good one (ID-195, ID-196). */
export function envNameFault(name: string): string | undefined {
  if (name.length > MAX_ENV_NAME) return `must be at most ${MAX_ENV_NAME} characters`
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return 'must start with a letter or _ and hold only letters, digits and _'
  const upper = name.toUpperCase()
  return RESERVED.has(upper) || RESERVED_PREFIX.test(upper)
    ? 'is reserved for the workspace itself'
    : undefined
}

/** Everything that is wrong with a secret, without repeating its value (ID-195, ID-207). */
export function secretFaults(secret: SecretFields): Validation[] {
  const faults: Validation[] = []
  const note = (field: string, detail: string | undefined): void => {
    if (detail !== undefined) faults.push({ field, detail })
  }
  note('name', nameFault(secret.name))
  if (secret.value !== undefined) note('value', valueFault(secret.value))
  if (secret.envName !== '') note('env_name', envNameFault(secret.envName))
  if (secret.filePath !== '') note('file_path', pathFault(secret.filePath))
  if (secret.enabled && secret.envName === '' && secret.filePath === '')
    note('enabled', 'an enabled secret needs env_name or file_path: give one, or disable the secret')
  return faults
}

function nameFault(name: string): string | undefined {
  if (name.trim() === '') return 'must not be blank'
  if (name !== name.trim()) return 'must not start or end with a space'
  if (name.length > MAX_NAME) return `must be at most ${MAX_NAME} characters`
  // Addresses resolve dots away, so such a secret could not be reached.
  if (/[/?#]/.test(name) || name === '.' || name === '..') return 'must not hold / ? # or be . or ..'
  return textFault(name)
}

function valueFault(value: string): string | undefined {
  if (value === '') return 'must not be empty'
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) return `must be at most ${MAX_VALUE_BYTES} bytes`
  return textFault(value)
}

function pathFault(path: string): string | undefined {
  if (!/^~?\/./s.test(path)) return 'must be a path that starts with ~/ or /'
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `must be at most ${MAX_PATH_BYTES} bytes`
  return textFault(path)
}

function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'must not hold NUL characters'
  return text.isWellFormed() ? undefined : 'must be well-formed Unicode'
}
