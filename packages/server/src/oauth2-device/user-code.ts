import { createHash, randomInt } from 'node:crypto'

/** Letters that nobody takes for another and that make no words (RFC 8628 section 6.1). */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8

/** A random code that people type, as it is shown: `WDJB-MJHT`. */
export function newUserCode(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return shownUserCode(letters)
}

/** The letters of what somebody has typed, however they were grouped; undefined for what cannot be a code. */
export function readUserCode(text: string): string | undefined {
  const letters = text.toUpperCase().replace(/[^A-Z0-9]/g, '')
  const isCode = letters.length === LENGTH && [...letters].every((letter) => ALPHABET.includes(letter))
  return isCode ? letters : undefined
}

/** A code with its hyphen. */
export function shownUserCode(letters: string): string {
  return `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`
}

/** What is stored of the letters of a code, which are only compared. */
export function hashUserCode(letters: string): Buffer {
  return createHash('sha256').update(letters).digest()
}
