import { randomInt } from 'node:crypto'

/** Who a provider says somebody is, in our terms. */
export interface Profile {
  /** Names the person at the provider for ever (ID-167). */
  readonly linkedId: string
  /** What a new account would be called. */
  readonly username: string
  readonly email: string
  readonly emailVerified: boolean
  readonly name: string
  readonly avatarUrl: string
  /** The number of a user of github.com (ID-173). */
  readonly githubComUserId: number | undefined
}

const USERNAME = /^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/
const MAX_USERNAME = 32
const MAX_NAME_BYTES = 128
const MAX_URL = 2048
/** Pages of the dashboard and words that stand for whoever asks (ID-4, ID-218). */
const RESERVED = new Set(['me', 'new', 'create'])

const ADJECTIVES = ['brave', 'calm', 'clever', 'eager', 'fair', 'gentle', 'happy', 'keen', 'lucky', 'quick']
const ANIMALS = ['otter', 'heron', 'falcon', 'badger', 'dolphin', 'marten', 'puffin', 'lynx', 'seal', 'swift']

/** Whether an account may be called this (ID-4, ID-218). */
function isUsername(text: string): boolean {
  return text.length <= MAX_USERNAME && USERNAME.test(text) && !RESERVED.has(text.toLowerCase())
}

/**
 * A username from the first of these texts that gives one: as it is, else what is before the `@` without characters that
 * names may not have; else a generated one (ID-161).
 */
export function usernameFrom(...texts: readonly string[]): string {
  for (const text of texts) {
    if (isUsername(text)) return text
    const reduced = text
      .replace(/@.*$/s, '')
      .replace(/[^a-zA-Z0-9-]+/g, '')
      .replace(/-{2,}/g, '-')
      .replace(/^-|-$/g, '')
    if (isUsername(reduced)) return reduced
  }
  return generatedUsername()
}

/** A name that nobody has chosen. */
export function generatedUsername(): string {
  const pick = (words: readonly string[]): string => words[randomInt(words.length)] ?? 'user'
  return `${pick(ADJECTIVES)}-${pick(ANIMALS)}-${randomInt(1_000_000)}`
}

/** Another name for a new account whose name is taken: the same with a number (ID-163). */
export function alternativeUsername(username: string): string {
  const suffix = `-${randomInt(10_000)}`
  return `${username.slice(0, MAX_USERNAME - suffix.length).replace(/-$/, '')}${suffix}`
}

/** A real name as accounts hold it: at most 128 bytes without spaces around it. */
export function realName(text: string): string {
  // Providers let people write whole books, of which each character is taken off by itself.
  let name = text
    .replace(/\0/g, '')
    .trim()
    .slice(0, 2 * MAX_NAME_BYTES)
  while (Buffer.byteLength(name) > MAX_NAME_BYTES) name = [...name].slice(0, -1).join('')
  return name.trim()
}

/** The address of a picture; empty for what no page could load. */
export function avatarUrl(text: string): string {
  if (text.length > MAX_URL || !URL.canParse(text)) return ''
  const { protocol, href } = new URL(text)
  return protocol === 'https:' || protocol === 'http:' ? href : ''
}
