import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { LinearRegExp, StepBudget, StepBudgetExceeded } from './linear-regexp.ts'

const spans = (source: string, text: string) =>
  new LinearRegExp(source).spans(text, new StepBudget(1e7)).map(({ start, end }) => text.slice(start, end))

describe('where a text matches', () => {
  it('finds the first place, as long as it can be, and goes on behind it', () => {
    expect(spans('a+|b', 'xaaab abaa')).toEqual(['aaa', 'b', 'a', 'b', 'aa'])
    expect(spans('ab|abcd', 'abcd ab')).toEqual(['abcd', 'ab'])
    expect(spans('x*', 'axxbx')).toEqual(['xx', 'x'])
    expect(spans('^a', 'aab')).toEqual(['a'])
    expect(spans('\\bkey-[0-9]{2,}\\b', 'key-1 key-22 monkey-33')).toEqual(['key-22'])
  })

  it('counts as slices do, whatever the characters', () => {
    expect(spans('[😀é]+', 'a😀é😀b')).toEqual(['😀é😀'])
  })

  it('agrees with the expressions of the language, where those take the longest too', () => {
    const token = fc.stringMatching(/^[ab1 -]{0,40}$/)
    fc.assert(
      fc.property(token, (text) => {
        for (const source of ['a+1*', '[ab]{2,5}', 'a(b|1)*', '(a|b)+-1?', '1[^1]*1'])
          expect(spans(source, text)).toEqual(text.match(new RegExp(source, 'g')) ?? [])
      }),
    )
  })

  it('gives up when it takes too long', () => {
    expect(() => new LinearRegExp('(a*)*b').spans('a'.repeat(10_000), new StepBudget(10_000))).toThrow(
      StepBudgetExceeded,
    )
  })
})
