import fc from 'fast-check'
import { expect, it } from 'vitest'

import { usernameFromEmail } from './username.ts'

it.each([
  ['Ada.Lovelace@example.com', 'ada-lovelace'],
  ['..@example.com', 'admin'],
  ['', 'admin'],
  ['a+b__c@x', 'a-b-c'],
])('UI-602: %s suggests the username %s', (email, username) => {
  expect(usernameFromEmail(email)).toBe(username)
})

it('UI-602: every suggestion is a valid name', () => {
  fc.assert(
    fc.property(fc.string(), (email) => {
      expect(usernameFromEmail(email)).toMatch(/^(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$/)
    }),
  )
})
