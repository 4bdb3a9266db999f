import { expect, it } from 'vitest'

import { sidesOf } from './diff-colours.ts'
import { CODE_KINDS, highlight, MAX_CHARACTERS, PIECE, piecesOf } from './highlight.ts'

/** The coloured pieces as `kind:text`. */
function seen(code: string, language: string): readonly string[] {
  const colours = highlight(code, language)
  return Array.from({ length: colours.length / PIECE }, (_, i) => {
    const [from = 0, until = 0, kind = 0] = colours.subarray(i * PIECE, (i + 1) * PIECE)
    return `${CODE_KINDS[kind]}:${code.slice(from, until)}`
  })
}

it('UI-1143: code has colours for comments, strings, numbers and keywords', () => {
  expect(seen('const a = "x" // why\nreturn 0x1F', 'ts')).toEqual([
    'keyword:const',
    'string:"x"',
    'comment:// why',
    'keyword:return',
    'number:0x1F',
  ])
  expect(seen('if x: # why', 'py')).toEqual(['keyword:if', 'comment:# why'])
  expect(seen('SELECT 1 -- why', 'sql')).toEqual(['keyword:SELECT', 'number:1', 'comment:-- why'])
  expect(seen('{"a": "b", "c": [1, true]}', 'json')).toEqual([
    'name:"a"',
    'string:"b"',
    'name:"c"',
    'number:1',
    'keyword:true',
  ])
  expect(seen('<a href="x"><!-- if --></a>', 'html')).toEqual([
    'keyword:<a',
    'name:href',
    'string:"x"',
    'keyword:>',
    'comment:<!-- if -->',
    'keyword:</a>',
  ])
  expect(seen('--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z', 'diff')).toEqual([
    'keyword:--- a',
    'keyword:+++ b',
    'comment:@@ -1 +1 @@',
    'removed:-x',
    'added:+y',
  ])
})

it('UI-1143: what has no language, and what is too long, stays plain', () => {
  for (const language of ['', 'text', 'md']) expect(seen('if "x"', language)).toEqual([])
  expect(seen(`if ${' '.repeat(MAX_CHARACTERS)}`, 'ts')).toEqual([])
})

it('UI-1143: each part of a text has the colours of its place in the whole', () => {
  const code = 'let a = `one\ntwo` // end'
  const colours = highlight(code, 'js')
  const second = code.indexOf('two')
  expect(piecesOf(code, colours, second, code.length)).toEqual([
    { kind: 'string', text: 'two`' },
    { kind: undefined, text: ' ' },
    { kind: 'comment', text: '// end' },
  ])
  for (let from = 0; from <= code.length; from++)
    for (let until = from; until <= code.length; until++)
      expect(
        piecesOf(code, colours, from, until)
          .map(({ text }) => text)
          .join(''),
      ).toBe(code.slice(from, until))
})

it('UI-1143: the sides of a diff are coloured for themselves, and hunks too', () => {
  const { texts, places } = sidesOf([
    { kind: 'same', text: 'a' },
    { kind: 'removed', text: '/* b' },
    { kind: 'added', text: 'c' },
    { kind: 'gap', text: '' },
    { kind: 'same', text: 'd' },
  ])
  expect(texts).toEqual(['a\nc\n', 'a\n/* b\n', 'd\n', 'd\n'])
  expect(places).toEqual([
    { text: 0, from: 0 },
    { text: 1, from: 2 },
    { text: 0, from: 2 },
    undefined,
    { text: 2, from: 0 },
  ])
})
