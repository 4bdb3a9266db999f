import { describe, expect, it } from 'vitest'

import { entropyBits, hashPassword, passwordMatches, passwordWeakness } from './password.ts'

const bits = (length: number, alphabet: number) => length * Math.log2(alphabet)

describe('strength of passwords', () => {
  it.each([
    ['only lower case', 'kxbtwmqz', bits(8, 26)],
    ['classes add up', 'kX7!_#', bits(6, 26 + 26 + 10 + 5 + 5 + 22)],
    ['each distinct other character counts for one', 'kééü', bits(4, 26 + 2)],
    ['the third repeat counts for nothing', 'kkkkx', bits(3, 26)],
    ['repeats that are apart count', 'kxkxkx', bits(6, 26)],
    ['the third of a run counts for nothing', '01234567', bits(2, 10)],
    ['backwards too', 'zyxwv', bits(2, 26)],
    ['along the rows of a keyboard', 'qwertyuiop', bits(2, 26)],
    ['a turn ends a run', 'abab', bits(4, 26)],
    ['a run does not go on in another row', 'wefg', bits(3, 26)],
    ['nothing is worth nothing', '', 0],
  ])('ID-26: %s', (_what, password, expected) => {
    expect(entropyBits(password)).toBeCloseTo(expected, 6)
  })

  it('ID-26: 52 bits are enough, and 64 bytes the most', () => {
    expect(passwordWeakness('SomePassword-2026!')).toBeUndefined()
    expect(passwordWeakness('kxbtwmqz')).toContain('special characters')
    expect(passwordWeakness(`${'kX7!'.repeat(16)}`)).toBeUndefined()
    expect(passwordWeakness(`${'kX7!'.repeat(16)}x`)).toContain('64 bytes')
  })

  it('ID-27, ID-28: a hash is opened by its password alone, and an empty one by none', async () => {
    const hash = await hashPassword('SomePassword-2026!')
    expect(hash).toMatch(/^\$pbkdf2-sha256\$65535\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{86}$/)
    expect(await passwordMatches(hash, 'SomePassword-2026!')).toBe(true)
    expect(await passwordMatches(hash, 'SomePassword-2026')).toBe(false)
    expect(await passwordMatches('', '')).toBe(false)
  })

  it.each([
    '$pbkdf2-sha256$1$c2FsdA$',
    '$pbkdf2-sha256$1$c2FsdA$aGFzaA',
    '$pbkdf2-sha256$0$c2FsdA$aGFzaA',
    '$pbkdf2-sha256$99999999$c2FsdA$aGFzaA',
    'x',
  ])('ID-27: a stored hash of another form opens for nobody: %s', async (stored) => {
    await expect(passwordMatches(stored, 'SomePassword-2026!')).rejects.toThrow()
  })
})
