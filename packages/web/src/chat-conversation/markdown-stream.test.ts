import { expect, it } from 'vitest'

import { BlockSplitter } from './block-splitter.ts'
import { tidyOpenBlock } from './open-block.ts'

const LONG = [
  '# Title',
  '',
  'A paragraph with **bold** text.',
  '',
  '- one',
  '- two',
  '',
  '  still two',
  '',
  '```ts',
  'const a = 1',
  '',
  'const b = 2',
  '```',
  '',
  '| a | b |',
  '| - | - |',
  '| 1 | 2 |',
  '',
  'The end',
].join('\n')

it('UI-1129: blocks that are settled stay the same while text comes', () => {
  const splitter = new BlockSplitter()
  let before: readonly string[] = []
  for (let length = 1; length <= LONG.length; length++) {
    const { settled } = splitter.split(LONG.slice(0, length))
    expect(settled.slice(0, before.length)).toEqual(before)
    before = settled
  }
  const { settled, open } = splitter.split(LONG)
  expect(settled.map((block) => block.trim().split('\n')[0])).toEqual([
    '# Title',
    'A paragraph with **bold** text.',
    '- one',
    '```ts',
    '| a | b |',
  ])
  expect(settled[2]).toContain('still two')
  expect(open.trim()).toBe('The end')
})

it('UI-1129: another text is read anew', () => {
  const splitter = new BlockSplitter()
  splitter.split('one\n\ntwo\n\nthree')
  expect(splitter.split('four\n\nfive')).toEqual({ settled: ['four'], open: 'five' })
})

it.each([
  ['a **bol', 'a **bol**'],
  ['a **bold*', 'a **bold**'],
  ['a `cod', 'a `cod`'],
  ['see [the docs](https://exa', 'see the docs'],
  ['see [the do', 'see the do'],
  ['text\n##', 'text'],
  ['- one\n-', '- one'],
  ['```ts', ''],
  ['```ts\nconst a', '```ts\nconst a'],
  ['| a | b |', ''],
  ['| a | b |\n| - | - |\n| 1', '| a | b |\n| - | - |\n| 1'],
  ['plain', 'plain'],
  ['42', '42'],
  ['`**` is bold', '`**` is bold'],
])('UI-1129: %j shows as %j while it is written', (raw, shown) => {
  expect(tidyOpenBlock(raw)).toBe(shown)
})
