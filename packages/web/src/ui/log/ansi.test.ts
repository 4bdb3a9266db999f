import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseAnsi } from './ansi.ts'

const plain = (line: string) =>
  parseAnsi(line)
    .map((span) => span.text)
    .join('')

describe('UI-2004: escape sequences in logs', () => {
  it('honours SGR and resets it', () => {
    expect(parseAnsi('\x1b[1;31mError\x1b[0m: no')).toEqual([
      { text: 'Error', bold: true, color: 1 },
      { text: ': no' },
    ])
  })

  it('maps 256 and true colours to the sixteen of the theme', () => {
    expect(parseAnsi('\x1b[38;5;196mx')).toEqual([{ text: 'x', color: 9 }])
    expect(parseAnsi('\x1b[38;2;0;200;0my')).toEqual([{ text: 'y', color: 2 }])
    expect(parseAnsi('\x1b[38;5;12;4mz')).toEqual([{ text: 'z', color: 12, underline: true }])
  })

  it.each([
    ['cursor movement', 'a\x1b[2Jb\x1b[10;10Hc', 'abc'],
    ['a link with a script', '\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07', 'click'],
    ['a title', '\x1b]0;title\x1b\\text', 'text'],
    ['an unterminated string', 'text\x1b]0;title', 'text'],
  ])('drops %s', (_, line, text) => {
    expect(plain(line)).toBe(text)
  })

  it('UI-803: shows the text after the last carriage return', () => {
    expect(plain('10%\r50%\r100%\r')).toBe('100%')
  })

  it('never lets a control character through', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\x1b', '[', ']', '3', '8', ';', 'm', 'a', '\r', '\x07', '\x00', 'é')),
        (parts) => {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
          expect(plain(parts.join(''))).not.toMatch(/[\x00-\x08\x0b-\x1f]/)
        },
      ),
    )
  })
})
