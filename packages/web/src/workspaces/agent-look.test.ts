import { expect, it } from 'vitest'

import { hasBeenConnected, lostAt } from './agent-look.ts'

const AT = '2026-03-01T08:00:00Z'

it('UI-1902: what an agent offers stays in its place while it is away, and goes where it never came', () => {
  expect(hasBeenConnected({ status: 'connected' })).toBe(true)
  expect(hasBeenConnected({ status: 'disconnected', first_connected_at: AT })).toBe(true)
  expect(hasBeenConnected({ status: 'connecting' })).toBe(false)
  expect(hasBeenConnected({ status: 'timeout' })).toBe(false)
})

it('UI-723: a lost connection is a notice once it lasts', () => {
  expect(lostAt({ status: 'connected' })).toBeUndefined()
  expect(lostAt({ status: 'disconnected', disconnected_at: AT })).toBe(Date.parse(AT) + 15_000)
  expect(lostAt({ status: 'disconnected' })).toBe(0)
})
