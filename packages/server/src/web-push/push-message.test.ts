import { describe, expect, it } from 'vitest'

import { payloadOf } from './push-message.ts'

const of = (title: string, body: string) => payloadOf({ title, body, tag: 'x'.repeat(32), path: '/agents' })

describe('OP-140: a message is never longer than push services take', () => {
  it.each([
    ['letters', 'a'],
    ['characters of four bytes', '😀'],
    ['quotes', '"'],
    ['what JSON escapes', '\u0001'],
    ['halves of characters', '\ud83d'],
    ['separators of lines', '\u2028'],
  ])('%s', (_name, text) => {
    const payload = of(text.repeat(10_000), text.repeat(10_000))
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(3993)
    expect(payload).toBe(JSON.stringify(JSON.parse(payload)))
  })
})

it('a long text is cut between characters, and is one line', () => {
  const { title, body } = JSON.parse(of('😀'.repeat(201), ' two\n\tlines '))
  expect(title).toBe(`${'😀'.repeat(199)}…`)
  expect(body).toBe('two lines')
})
