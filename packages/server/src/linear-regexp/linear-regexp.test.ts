import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { LinearRegExp, RegExpSyntaxError, StepBudget, StepBudgetExceeded } from './index.ts'

const matches = (source: string, text: string, steps = 1_000_000): boolean =>
  new LinearRegExp(source).matches(text, new StepBudget(steps))

describe('regular expressions of administrators', () => {
  it.each([
    ['', 'x', true],
    ['^$', '', true],
    ['^$', 'x', false],
    ['dev', 'my-developers', true],
    ['^dev', 'my-developers', false],
    ['(?i)^DEV-', 'dev-team', true],
    ['(?i)straße', 'STRASSE', false],
    ['(?i:a)b', 'Ab', true],
    ['(?i:a)b', 'AB', false],
    ['(?i)a(?-i)b', 'AB', false],
    ['(?P<team>dev|ops)-\\d+$', 'ops-12', true],
    ['(?<team>dev|ops)-\\d+$', 'ops-', false],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2,}$', 'aaaa', true],
    ['^a{2}$', 'aa', true],
    ['a{,2}', 'a{,2}', true],
    ['^[^\\W\\d]+$', 'abc', true],
    ['^[^\\W\\d]+$', 'ab1', false],
    ['^[[:alpha:]]+$', 'aZ', true],
    ['^[[:^alpha:]]+$', 'aZ', false],
    ['^[]a]+$', ']a', true],
    ['^[a-]+$', 'a-', true],
    ['^\\pL+$', 'äβ', true],
    ['^\\p{Greek}+$', 'äβ', false],
    ['^\\P{^Greek}$', 'β', true],
    ['^\\Q.*\\E$', '.*', true],
    ['^\\Qab\\E+$', 'abb', true],
    ['\\bdev\\b', 'my dev.', true],
    ['\\Bdev', 'my dev.', false],
    ['\\x41\\x{1F600}\\101\\t', 'A😀A\t', true],
    ['^.$', '😀', true],
    ['^.$', '\n', false],
    ['(?s)^.$', '\n', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['^b$', 'a\nb\nc', false],
    ['a|', 'b', true],
    ['^(a*)*$', 'aaa', true],
    ['^(?U)a+?$', 'aaa', true],
    ['(?i)[^a]', 'A', false],
  ])('RE2: %s on %j', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected)
  })

  it.each([
    '(',
    ')',
    '[',
    '[b-a]',
    '*',
    'a**',
    'a{2}{3}',
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(a)\\1',
    '\\',
    '\\k',
    '\\p{Elvish}',
    '\\p{',
    '[[:elvish:]]',
    '(?i',
    '(?P<>a)',
    'a{1001}',
    'a{3,2}',
    '\\x{110000}',
    '(?i)*',
    `${'('.repeat(200)}a${')'.repeat(200)}`,
    '((a{100}){100}){100}',
    'toString\\p{toString}',
  ])('RE2 does not take %s', (source) => {
    expect(() => new LinearRegExp(source)).toThrow(RegExpSyntaxError)
  })

  it('agree with those of the language wherever both have the same syntax', () => {
    const character = fc.constantFrom(
      'a',
      'b',
      'c',
      '1',
      '\\d',
      '\\w',
      '\\s',
      '.',
      '[ab]',
      '[^a]',
      '[a-c1]',
      '\\b',
      '\\B',
    )
    const { expression } = fc.letrec<{ expression: string; part: string; atom: string }>((tie) => ({
      expression: fc
        .array(fc.array(tie('part'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
        .map((options) => options.map((parts) => parts.join('')).join('|')),
      part: fc
        .tuple(tie('atom'), fc.constantFrom('', '', '*', '+', '?', '{2}', '{0,2}', '{1,}', '*?'))
        .map(([atom, count]) => (/^\\[bB]$/.test(atom) ? atom : atom + count)),
      atom: fc.oneof(
        { maxDepth: 2, depthSize: 'small' },
        character,
        tie('expression').map((inner) => `(?:${inner})`),
      ),
    }))
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '-', '\n', 'é'), maxLength: 8 })
    fc.assert(
      fc.property(expression, text, fc.boolean(), (source, on, anchored) => {
        const whole = anchored ? `^(?:${source})$` : source
        expect(matches(whole, on)).toBe(new RegExp(whole, 'u').test(on))
      }),
      { numRuns: 500 },
    )
  })

  it('ReDoS: take no more steps than their length times that of the text', () => {
    for (const source of [
      '(a+)+$',
      '^(a|a)*$',
      '(a|aa)+$',
      '(.*)*x',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(a?){100}a{100}$',
    ])
      expect(matches(source, `${'a'.repeat(1000)}!`, 1001 * 600)).toBe(false)
  })

  it('ReDoS: take more steps for more that a character may be', () => {
    const text = 'é'.repeat(100)
    expect(matches('[a-z]x', text, 2_000)).toBe(false)
    const many = Array.from({ length: 900 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('')
    for (const source of [`[${many}]x`, `(?i)[${many.slice(0, 300)}]x`, '(?i)\\p{Greek}x'])
      expect(() => matches(source, text, 2_000), source).toThrow(StepBudgetExceeded)
  })

  it('ReDoS: compile in no time, however they are nested', () => {
    const nested = `${'('.repeat(90)}${'){1000}'.repeat(90)}`
    expect(matches(nested, 'x')).toBe(true)
  })

  it('stop when their time is up', () => {
    const budget = new StepBudget(5000)
    const expression = new LinearRegExp('(a+)+$')
    expect(expression.matches('aaaa!', budget)).toBe(false)
    expect(() => expression.matches(`${'a'.repeat(5000)}!`, budget)).toThrow(StepBudgetExceeded)
    expect(() => expression.matches('aaaa!', budget)).toThrow(StepBudgetExceeded)
  })
})
