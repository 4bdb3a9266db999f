import { expect, it } from 'vitest'

import { countInvisible, enterAction, isLongPaste, pastedName, safeFileName } from './composer-text.ts'
import { parseDraft } from './drafts.ts'

const enter = { key: 'Enter', shiftKey: false, altKey: false, modifier: false, composing: false }

it('UI-1116: Enter sends when that is the habit, and never by accident', () => {
  expect(enterAction(enter, 'enter', false)).toBe('send')
  expect(enterAction(enter, 'modifier_enter', false)).toBe('newline')
  expect(enterAction(enter, undefined, false)).toBe('newline')
  expect(enterAction(enter, 'enter', true)).toBe('newline')
  expect(enterAction({ ...enter, shiftKey: true }, 'enter', false)).toBe('newline')
  expect(enterAction({ ...enter, composing: true }, 'enter', false)).toBeUndefined()
  expect(enterAction({ ...enter, modifier: true }, undefined, true)).toBe('send')
  expect(enterAction({ ...enter, modifier: true, shiftKey: true }, 'enter', false)).toBe('send-now')
})

it.each([
  ['a b.txt', 'a_b.txt'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\x\\$(rm -rf).sh', '_rm_-rf_.sh'],
  ['größe 日本.md', 'größe_日本.md'],
  ['***', 'file'],
  ['.env', 'env'],
])('UI-1118: the file %j is called %j', (name, safe) => {
  expect(safeFileName(name)).toBe(safe)
})

it('UI-1118: long pasted text becomes a file', () => {
  expect(isLongPaste('a\n'.repeat(9))).toBe(true)
  expect(isLongPaste('short')).toBe(false)
  expect(isLongPaste('x'.repeat(1000))).toBe(true)
  expect(pastedName(new Date('2026-01-02T03:04:05Z'))).toBe('pasted-text-2026-01-02-03-04-05.txt')
})

it('UI-1124: characters that nobody sees are counted, those of emoji are not', () => {
  expect(countInvisible('a\u200bb\u202e')).toBe(2)
  expect(countInvisible('\u{1f468}\u200d\u{1f469}\u200d\u{1f467}')).toBe(0)
  expect(countInvisible('a\u200db')).toBe(1)
  expect(countInvisible('\u0646\u200c\u0645')).toBe(0)
})

it('UI-1117: what is no draft counts as none', () => {
  expect(parseDraft('nonsense')).toEqual({ text: '', files: [] })
  expect(parseDraft('{"text":"a","files":[{"id":1},{"id":"f","name":"n","type":"t","size":2}]}')).toEqual({
    text: 'a',
    files: [{ id: 'f', name: 'n', type: 't', size: 2 }],
  })
})
