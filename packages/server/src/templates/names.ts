import { validationFailed } from '../errors/index.ts'

const NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/
const VERSION_NAME = /^[a-zA-Z0-9]+(?:[_.-][a-zA-Z0-9]+)*$/
const RESERVED = new Set(['new', 'create'])

/** Whether a workspace, template or organization may be called so (WS-1). */
export function isName(name: string): boolean {
  return name.length <= 32 && NAME.test(name) && !RESERVED.has(name.toLowerCase())
}

/** @throws ApiError 400 for a name that WS-1 refuses. */
export function requireName(name: string, field = 'name'): void {
  if (!isName(name))
    throw validationFailed([
      {
        field,
        detail:
          'must be 1 to 32 letters and digits, with single hyphens between them, and not "new" or "create"',
      },
    ])
}

/** @throws ApiError 400 for a template version name that WS-1 refuses. */
export function requireVersionName(name: string): void {
  if (name.length > 64 || !VERSION_NAME.test(name))
    throw validationFailed([
      { field: 'name', detail: 'must be 1 to 64 letters and digits, with single . _ or - between them' },
    ])
}

/** @throws ApiError 400 for a display name that WS-1 refuses. */
export function requireDisplayName(name: string): void {
  if (name.length > 64 || name !== name.trim())
    throw validationFailed([
      { field: 'display_name', detail: 'must be at most 64 characters without spaces around them' },
    ])
}

const FIRST = [
  'amber',
  'brave',
  'calm',
  'clever',
  'eager',
  'gentle',
  'jolly',
  'keen',
  'lucid',
  'merry',
  'noble',
  'quiet',
  'rapid',
  'sunny',
  'vivid',
  'witty',
]
const SECOND = [
  'babbage',
  'curie',
  'darwin',
  'euler',
  'faraday',
  'gauss',
  'hopper',
  'kepler',
  'lovelace',
  'maxwell',
  'newton',
  'noether',
  'pascal',
  'ritchie',
  'turing',
  'volta',
]

/** A random name for a version that was given none, with a number of so many digits (WS-100). */
export function randomVersionName(digits: number, random: () => number = Math.random): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? 'one'
  const number = String(Math.floor(random() * 10 ** digits)).padStart(digits, '0')
  return `${pick(FIRST)}_${pick(SECOND)}${number}`
}
