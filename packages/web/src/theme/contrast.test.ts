import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { contrast, tokenTable } from './contrast.ts'

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
const usual = tokenTable(css)
const TABLES = new Map([
  ['usual', usual],
  ...['[data-vision="protan-deuter"]', '[data-vision="tritan"]', '[data-contrast="more"]'].map(
    (which) => [which, new Map([...usual, ...tokenTable(css, `:root${which}`)])] as const,
  ),
])
const THEMES = [...TABLES.keys()].flatMap((which) => [[which, 'light'] as const, [which, 'dark'] as const])

const GROUNDS = ['bg', 'surface', 'raised', 'hover']
const STATES = ['ok', 'run', 'warn', 'bad', 'off']

/** Text and what it stands on: 4.5 : 1 (visual language, UI-1805). */
const TEXT: readonly (readonly [string, string])[] = [
  ...GROUNDS.flatMap((ground) => ['ink', 'ink-2', 'accent'].map((text) => [text, ground] as const)),
  ...['bg', 'surface', 'raised'].flatMap((ground) =>
    [...STATES, 'ink-3'].map((text) => [text, ground] as const),
  ),
  ['accent-ink', 'accent'],
  ['bad-ink', 'bad'],
  ['ink', 'accent-wash'],
  ['ink-2', 'accent-wash'],
  ['accent', 'accent-wash'],
  ...['ok', 'run', 'warn', 'bad'].flatMap(
    (state) =>
      [
        [state, `${state}-wash`],
        ['ink', `${state}-wash`],
        ['ink-2', `${state}-wash`],
      ] as const,
  ),
]

/** Graphics, states as icons, focus: 3 : 1. */
const GRAPHICS: readonly (readonly [string, string])[] = [
  ...GROUNDS.flatMap((ground) => [...STATES, 'accent', 'ink-3'].map((mark) => [mark, ground] as const)),
  // The sixteen terminal colours. Black on a dark ground is meant to recede, in every terminal.
  ...Array.from({ length: 15 }, (_, n) => [`ansi-${n + 1}`, 'console'] as const),
]

function ratio(which: string, theme: 'light' | 'dark', text: string, ground: string): number {
  const tokens = TABLES.get(which)
  const [a, b] = [tokens?.get(text), tokens?.get(ground)]
  if (a === undefined || b === undefined) throw new Error(`no token ${a === undefined ? text : ground}`)
  return contrast(a[theme], b[theme])
}

describe.each(THEMES)('UI-1805: contrast of the %s colours in the %s', (which, theme) => {
  it.each(TEXT)('text %s on %s is at least 4.5 : 1', (text, ground) => {
    expect(ratio(which, theme, text, ground)).toBeGreaterThanOrEqual(4.5)
  })
  it.each(GRAPHICS)('%s on %s is at least 3 : 1', (mark, ground) => {
    expect(ratio(which, theme, mark, ground)).toBeGreaterThanOrEqual(3)
  })
})

it('contrast agrees with the reference values of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 1)
})

it('every table has its own colours', () => {
  for (const [which, tokens] of TABLES)
    if (which !== 'usual') expect([...tokens.entries()], which).not.toEqual([...usual.entries()])
})
