import { expect, it } from 'vitest'

import { textOf } from './chat-store.ts'
import { mentionAt, mentionsIn, partsOfText, usedFiles, withMention } from './mentions.ts'

const known = {
  'src/a.ts': '/w/src/a.ts',
  'src/a.ts.md': '/w/src/a.ts.md',
  'new name.txt': '/w/new name.txt',
}

it('UI-1122: what is typed behind an @ is a file that is looked for, and nothing else is', () => {
  const at = (text: string, caret = text.length) => mentionAt(text, caret, known)
  expect(at('see @')).toEqual({ from: 4, until: 5, query: '', lines: '' })
  expect(at('@ma')).toEqual({ from: 0, until: 3, query: 'ma', lines: '' })
  expect(at('(@src/b:10-2')).toEqual({ from: 1, until: 12, query: 'src/b', lines: ':10-2' })
  expect(at('see @ma and', 7)).toEqual({ from: 4, until: 7, query: 'ma', lines: '' })
  for (const text of ['a@b', 'see @ma ', 'see', '@@', 'me@host.example']) expect(at(text)).toBeUndefined()
  // It is named in full: the list would be in the way.
  expect(at('@src/a.ts')).toBeUndefined()
  expect(at('@src/a.ts:3')).toBeUndefined()
})

it('UI-1122: the path takes the place of what was typed, with its lines', () => {
  const put = (text: string, caret: number, path: string) => {
    const open = mentionAt(text, caret, {})
    return open === undefined ? undefined : withMention(text, open, path)
  }
  expect(put('see @ma', 7, 'src/main.ts')).toEqual({ text: 'see @src/main.ts ', caret: 17 })
  expect(put('see @ma, please', 7, 'm')).toEqual({ text: 'see @m , please', caret: 7 })
  expect(put('see @ma please', 7, 'm')).toEqual({ text: 'see @m please', caret: 7 })
  expect(put('@ma:10-20', 9, 'm.ts')).toEqual({ text: '@m.ts:10-20 ', caret: 12 })
  expect(put('@ma:', 4, 'm.ts')).toEqual({ text: '@m.ts ', caret: 6 })
})

it('UI-1122: files keep their place in the text', () => {
  expect(partsOfText('compare @src/a.ts:3-1 with @new name.txt, please', known)).toEqual([
    { type: 'text', text: 'compare' },
    { type: 'file-reference', file_name: '/w/src/a.ts', start_line: 1, end_line: 3, content: '' },
    { type: 'text', text: 'with' },
    { type: 'file-reference', file_name: '/w/new name.txt', start_line: 0, end_line: 0, content: '' },
    { type: 'text', text: ', please' },
  ])
  expect(partsOfText('plain', known)).toEqual([{ type: 'text', text: 'plain' }])
  expect(partsOfText(' ', known)).toEqual([])
})

it('UI-1122: longer paths win, and parts of words or of other paths are none', () => {
  expect(mentionsIn('@src/a.ts.md', known).map(({ file }) => file)).toEqual(['/w/src/a.ts.md'])
  expect(mentionsIn('me@src/a.ts @src/a.tsx @src/a.ts.x @src/a.ts/b', known)).toEqual([])
  expect(mentionsIn('@src/a.ts.', known).map(({ until }) => until)).toEqual([9])
  expect(usedFiles('@src/a.ts', known)).toEqual({ 'src/a.ts': '/w/src/a.ts' })
})

it('UI-1122: a message that was sent reads as it was typed', () => {
  const parts = partsOfText('compare @src/a.ts:1-3 with @new name.txt, please', known)
  expect(textOf(parts.map((part) => ({ ...part, type: part.type as 'text' })))).toBe(
    'compare @/w/src/a.ts:1-3 with @/w/new name.txt, please',
  )
})
