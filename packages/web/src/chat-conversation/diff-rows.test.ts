import { describe, expect, it } from 'vitest'

import { referenceOf, splitRows, treeOf } from './diff-rows.ts'
import type { DiffLine } from './line-diff.ts'
import { changedWords, wordMarks } from './word-diff.ts'

const lines: readonly DiffLine[] = [
  { kind: 'same', text: 'a', old: 1, new: 1 },
  { kind: 'removed', text: 'const x = 1', old: 2 },
  { kind: 'removed', text: 'const y = 2', old: 3 },
  { kind: 'added', text: 'const x = 10', new: 2 },
  { kind: 'gap', text: '' },
  { kind: 'added', text: 'z', new: 9 },
]

describe('UI-1143: the diff', () => {
  it('puts what goes beside what comes', () => {
    expect(splitRows(lines)).toEqual([
      { left: 0, right: 0 },
      { left: 1, right: 3 },
      { left: 2, right: undefined },
      { left: 4, right: 4 },
      { left: undefined, right: 5 },
    ])
  })

  it('marks the words that changed, of lines that belong together', () => {
    expect(changedWords('const x = 1', 'const x = 10')).toEqual([[[10, 11]], [[10, 12]]])
    expect(changedWords('alpha', 'wholly different')).toBeUndefined()
    expect(wordMarks(lines).size).toBe(0)
    const pair: readonly DiffLine[] = [
      { kind: 'removed', text: 'open(page)' },
      { kind: 'added', text: 'await open(page)' },
    ]
    expect(wordMarks(pair).get(1)).toEqual([[0, 6]])
    expect(wordMarks(pair).get(0)).toEqual([])
  })

  it('shows files as a tree', () => {
    expect(treeOf(['src/auth/a.ts', 'src/auth/b.ts', 'README.md'])).toEqual([
      {
        name: 'src/auth',
        file: undefined,
        children: [
          { name: 'a.ts', file: 0, children: [] },
          { name: 'b.ts', file: 1, children: [] },
        ],
      },
      { name: 'README.md', file: 2, children: [] },
    ])
  })
})

it('UI-1146: lines that are chosen are told with their numbers and signs', () => {
  expect(referenceOf('a.ts', lines, [3, 1], 'Why?')).toEqual({
    file: 'a.ts',
    from: 2,
    until: 2,
    content: '-const x = 1\n-const y = 2\n+const x = 10',
    comment: 'Why?',
  })
  expect(referenceOf('a.ts', lines, [2, 2], '')).toMatchObject({ from: 3, until: 3 })
  expect(referenceOf('a.ts', lines, [4, 4], '')).toBeUndefined()
})
