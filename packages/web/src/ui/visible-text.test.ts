import fc from 'fast-check'
import { expect, it } from 'vitest'

import { visibleText } from './visible-text.ts'

it('UI-907: characters that hide or turn text around show', () => {
  expect(visibleText('ls\u202e mr')).toBe('ls⟨U+202E⟩ mr')
  expect(visibleText('a\u200bb\x1b[2K')).toBe('a⟨U+200B⟩b⟨U+001B⟩[2K')
  expect(visibleText('one\ntwo')).toBe('one↵\ntwo')
})

it('UI-907: nothing invisible is left', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visibleText(text).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }),
  )
})
