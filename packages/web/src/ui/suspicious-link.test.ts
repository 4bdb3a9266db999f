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
  ['https://evil.example/', '**https://github.com/login**', true],
  ['https://evil.example/', 'see https://github.com/login for more', true],
  ['https://evil.example/', 'github.com/login', true],
  ['https://evil.example/', 'https://git\u04bbub.com', true],
  ['https://github.com@evil.example/', 'docs', true],
  ['https://github.com/a', '`github.com/a`', false],
  ['https://github.com/a', 'https://github.com/a.', false],
  ['mailto:someone@example.com', 'someone@example.com', false],
])('UI-2005: a link to %s that says %j', (target, text, suspicious) => {
  expect(isSuspicious(target, text)).toBe(suspicious)
})
