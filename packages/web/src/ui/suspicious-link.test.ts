import { expect, it } from 'vitest'

import { isSuspicious } from './suspicious-link.ts'

it.each([
  ['https://example.com/a', 'https://example.com', false],
  ['https://www.example.com/', 'example.com', false],
  ['https://evil.example/', 'https://github.com/login', true],
  ['https://evil.example/', 'www.github.com', true],
  ['https://evil.example/', 'the documentation', false],
  ['https://example.com/main.go', 'main.go', false],
  ['https://xn--80ak6aa92e.com/', 'docs', true],
  ['https://example.com/', 'exa\u202emple', true],
])('UI-2005: a link to %s that says %j', (target, text, suspicious) => {
  expect(isSuspicious(target, text)).toBe(suspicious)
})
