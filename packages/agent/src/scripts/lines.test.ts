import { expect, it } from 'vitest'

import { Lines } from './lines.ts'

function linesOf(...chunks: (string | Buffer)[]): string[] {
  const found: string[] = []
  const lines = new Lines((line) => found.push(line))
  for (const chunk of chunks) lines.write(Buffer.from(chunk))
  lines.end()
  return found
}

it('cuts output into lines wherever its pieces end', () => {
  expect(linesOf('one\ntw', 'o\r\n\nthree')).toEqual(['one', 'two', '', 'three'])
  expect(linesOf('')).toEqual([])
})

it('puts characters together that arrive in parts', () => {
  const bytes = Buffer.from('grüße 🎉\n')
  expect(linesOf(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual(['grüße 🎉'])
})

it('AC-303: a line that is too long keeps its beginning and says what is missing', () => {
  const [line = '', next] = linesOf('x'.repeat(600), `${'x'.repeat(600)}\nnext\n`)
  expect(line).toBe(`${'x'.repeat(980)} … (220 characters more)`)
  expect(next).toBe('next')
})

it('AC-93: a line that never ends takes no memory', () => {
  const found: string[] = []
  const lines = new Lines((line) => found.push(line))
  const chunk = Buffer.alloc(1024 * 1024, 'y')
  for (let i = 0; i < 200; i += 1) lines.write(chunk)
  lines.end()
  expect(found).toHaveLength(1)
  expect(found[0]?.length).toBeLessThanOrEqual(1024)
})
