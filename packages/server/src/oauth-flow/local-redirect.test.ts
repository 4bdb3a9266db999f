import fc from 'fast-check'
import { expect, it } from 'vitest'

import { localRedirect } from './local-redirect.ts'

const HERE = 'https://slipway.example'

it.each([
  ['//evil.example/x', '/evil.example/x'],
  ['///evil.example', '/evil.example'],
  ['/\\evil.example', '/evil.example'],
  ['\\\\evil.example', '/evil.example'],
  ['https://evil.example/x?y=1#z', '/x?y=1#z'],
  ['https:evil.example', '/'],
  ['http:evil.example/x', '/evil.example/x'],
  ['javascript:alert(1)', '/'],
  ['java\nscript:alert(1)', '/'],
  ['data:text/html,x', '/'],
  ['/a/../../b', '/b'],
  ['/.//evil.example', '/evil.example'],
  ['/templates?redirect=https://evil.example', '/templates?redirect=https://evil.example'],
  ['/oauth2/authorize?a=b%20c#d', '/oauth2/authorize?a=b%20c#d'],
  ['workspaces', '/workspaces'],
  ['', '/'],
  [undefined, '/'],
  [`/${'x'.repeat(3000)}`, '/'],
])('ID-97: %j is reduced to %j', (asked, expected) => {
  expect(localRedirect(asked)).toBe(expected)
})

it('ID-97: whatever is asked for, a browser stays here, and asking again changes nothing', () => {
  const tricky = fc.array(
    fc.constantFrom(
      '/',
      '\\',
      ':',
      'http',
      'https',
      'javascript',
      'evil.example',
      '@',
      '?',
      '#',
      '.',
      '\t',
      '\r\n',
      '%2f',
      ' ',
    ),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        tricky.map((parts) => parts.join('')),
      ),
      (asked) => {
        const target = localRedirect(asked)
        expect(target).toMatch(/^\/(?![/\\])/)
        expect(new URL(target, HERE).origin).toBe(HERE)
        expect(target).not.toMatch(/[\r\n]/)
        expect(localRedirect(target)).toBe(target)
      },
    ),
    { numRuns: 2_000 },
  )
})
