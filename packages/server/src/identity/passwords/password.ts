import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'

const deriveKey = promisify(pbkdf2)
/** Hashes at once: one core is left to the event loop, which everybody else waits for. */
const AT_ONCE = Math.max(1, availableParallelism() - 1)
const ITERATIONS = 65_535
const MAX_ITERATIONS = 10_000_000
const SALT_BYTES = 16
const HASH_BYTES = 64
/** Of a stored hash: a shorter one would be matched by chance, an empty one by anything. */
const MIN_HASH_BYTES = 16
const MAX_BYTES = 64
const UNKNOWN_FORM = 'a stored password hash has an unknown form'
const MIN_BITS = 52

let running = 0
/** As many as the edge lets in at once (ID-126). */
const waiting: (() => void)[] = []

/** Derives a key as soon as it is its turn. */
async function derive(...input: Parameters<typeof deriveKey>): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running += 1
  try {
    return await deriveKey(...input)
  } finally {
    // The place goes to the next in line, without being free in between.
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}

/** Hashes a password as `$pbkdf2-sha256$<iterations>$<salt>$<hash>` (ID-27). */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, ITERATIONS, HASH_BYTES, 'sha256')
  return `$pbkdf2-sha256$${ITERATIONS}$${unpadded(salt)}$${unpadded(hash)}`
}

// ID-28: what unknown users are compared with; no input can match the hash of an unknown random value.
const dummy = hashPassword(randomBytes(32).toString('base64'))

/**
 * Whether the password matches a stored hash, in constant time. An empty hash costs the same work and
 * never matches (ID-28).
 */
export async function passwordMatches(stored: string, password: string): Promise<boolean> {
  const known = stored !== ''
  const parts = (known ? stored : await dummy).split('$')
  const [, scheme, iterationsText, saltText = '', hashText = ''] = parts
  const iterations = Number(iterationsText)
  if (
    scheme !== 'pbkdf2-sha256' ||
    !Number.isInteger(iterations) ||
    iterations < 1 ||
    iterations > MAX_ITERATIONS
  )
    throw new Error(UNKNOWN_FORM)
  const expected = Buffer.from(hashText, 'base64')
  if (expected.length < MIN_HASH_BYTES) throw new Error(UNKNOWN_FORM)
  const actual = await derive(
    password,
    Buffer.from(saltText, 'base64'),
    iterations,
    expected.length,
    'sha256',
  )
  return timingSafeEqual(actual, expected) && known
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

const CLASSES: readonly { readonly pattern: RegExp; readonly size: number; readonly hint: string }[] = [
  { pattern: /[!@$&*]/, size: 5, hint: 'special characters' },
  { pattern: /[_\-., ]/, size: 5, hint: 'separators' },
  { pattern: /["#%'()+/:;<=>?[\\\]^{|}~`]/, size: 22, hint: 'punctuation' },
  { pattern: /[a-z]/, size: 26, hint: 'lower-case letters' },
  { pattern: /[A-Z]/, size: 26, hint: 'upper-case letters' },
  { pattern: /[0-9]/, size: 10, hint: 'digits' },
]
const RUNS = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm']

/** Why a password is too weak or too long; undefined when it is good (ID-26). */
export function passwordWeakness(password: string): string | undefined {
  if (Buffer.byteLength(password) > MAX_BYTES) return `password must be no more than ${MAX_BYTES} bytes long`
  if (entropyBits(password) >= MIN_BITS) return undefined
  const missing = CLASSES.filter((one) => !one.pattern.test(password)).map((one) => one.hint)
  const advice = missing.length === 0 ? '' : `include more ${missing.slice(0, 3).join(', ')} or `
  return `insecure password, try ${missing.length === 0 ? '' : advice}using a longer password`
}

/** Estimated entropy: effective length times the logarithm of the alphabet in use. */
export function entropyBits(password: string): number {
  let base = 0
  for (const one of CLASSES) if (one.pattern.test(password)) base += one.size
  base += new Set([...password].filter((char) => !CLASSES.some((one) => one.pattern.test(char)))).size
  return base === 0 ? 0 : effectiveLength([...password]) * Math.log2(base)
}

/** Length without the third and later repeats of a character and members of keyboard or alphabet runs. */
function effectiveLength(chars: readonly string[]): number {
  let repeat = 0
  let previous: string | undefined
  // A run goes one way along one row: how long it is now, for each row forwards and backwards.
  const runs = RUNS.flatMap((row) => [
    { row, step: 1, length: 1 },
    { row, step: -1, length: 1 },
  ])
  let length = 0
  for (const char of chars) {
    repeat = char === previous ? repeat + 1 : 1
    for (const run of runs)
      run.length = previous !== undefined && follows(run, previous, char) ? run.length + 1 : 1
    if (repeat < 3 && runs.every((run) => run.length < 3)) length += 1
    previous = char
  }
  return length
}

function follows(
  run: { readonly row: string; readonly step: number },
  before: string,
  char: string,
): boolean {
  const at = run.row.indexOf(before.toLowerCase())
  return at >= 0 && run.row[at + run.step] === char.toLowerCase()
}
