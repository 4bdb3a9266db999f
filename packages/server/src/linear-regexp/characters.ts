import { type CharacterTest, RegExpSyntaxError } from './syntax.ts'

/** A look into the tables of Unicode, in comparisons. */
const UNICODE_COST = 20

const within = (ranges: string): CharacterTest => ({
  cost: ranges.length / 2,
  passes: (codePoint) => {
    for (let at = 0; at < ranges.length; at += 2)
      if (codePoint >= ranges.charCodeAt(at) && codePoint <= ranges.charCodeAt(at + 1)) return true
    return false
  },
})

/** Any of these tests. */
export const anyOf = (tests: readonly CharacterTest[]): CharacterTest => ({
  cost: tests.reduce((sum, { cost }) => sum + cost, 0),
  passes: (codePoint) => tests.some((test) => test.passes(codePoint)),
})

export const not = ({ cost, passes }: CharacterTest): CharacterTest => ({
  cost,
  passes: (codePoint) => !passes(codePoint),
})

/** Code points between two, both included. */
export const range = (low: number, high: number): CharacterTest => ({
  cost: 1,
  passes: (codePoint) => codePoint >= low && codePoint <= high,
})

/** Any code point. */
export const ANY: CharacterTest = { cost: 1, passes: () => true }

export const isDigit = within('09')
export const isWord = within('09AZ__az')
const isSpace = within('\t\n\f\r  ')

/** Classes of one letter after a backslash: of ASCII only, as RE2 has them. */
export const PERL_CLASSES: Readonly<Record<string, CharacterTest>> = {
  d: isDigit,
  D: not(isDigit),
  s: isSpace,
  S: not(isSpace),
  w: isWord,
  W: not(isWord),
}

/** Classes with a name, such as `[[:alpha:]]`. */
export const POSIX_CLASSES: Readonly<Record<string, CharacterTest>> = {
  alnum: within('09AZaz'),
  alpha: within('AZaz'),
  ascii: within('\0\x7f'),
  blank: within('\t\t  '),
  cntrl: within('\0\x1f\x7f\x7f'),
  digit: isDigit,
  graph: within('!~'),
  lower: within('az'),
  print: within(' ~'),
  punct: within('!/:@[`{~'),
  space: within('\t\r  '),
  upper: within('AZ'),
  word: isWord,
  xdigit: within('09AFaf'),
}

/**
 * Characters of a general category (`L`, `Lu`) or a script (`Greek`) of Unicode.
 *
 * @throws RegExpSyntaxError for another name.
 */
export function unicodeClass(name: string): CharacterTest {
  if (name === 'Any') return ANY
  for (const property of [`General_Category=${name}`, `Script=${name}`]) {
    if (!/^\w+=\w+$/.test(property)) break
    try {
      const one = new RegExp(`^\\p{${property}}$`, 'u')
      return { cost: UNICODE_COST, passes: (codePoint) => one.test(String.fromCodePoint(codePoint)) }
    } catch {
      // It is no name of this kind.
    }
  }
  throw new RegExpSyntaxError(`\\p{${name}} is not a known class of characters`)
}

/** The test without regard to upper and lower case. */
export function ignoringCase({ cost, passes }: CharacterTest): CharacterTest {
  return {
    cost: 3 * cost + UNICODE_COST,
    passes: (codePoint) => {
      if (passes(codePoint)) return true
      const character = String.fromCodePoint(codePoint)
      return [character.toLowerCase(), character.toUpperCase()].some((other) => {
        const folded = other.codePointAt(0)
        // What becomes two letters in the other case has no simple counterpart.
        return folded !== undefined && String.fromCodePoint(folded) === other && passes(folded)
      })
    },
  }
}
