import { expect, it } from 'vitest'

import { type SessionProbe, unauthorizedHandler } from './unauthorized.ts'

function fixture(answer: () => Promise<SessionProbe>) {
  const counts = { probes: 0, expired: 0 }
  const handle = unauthorizedHandler(
    () => {
      counts.probes++
      return answer()
    },
    () => {
      counts.expired++
    },
  )
  return { handle, counts }
}

it('UI-202: many 401s at once send one probe', async () => {
  const { handle, counts } = fixture(async () => 'alive')
  await Promise.all([handle(), handle(), handle()])
  expect(counts).toEqual({ probes: 1, expired: 0 })
})

it('UI-202: the session ends only on the probe’s own 401', async () => {
  const expired = fixture(async () => 'expired')
  await expired.handle()
  expect(expired.counts.expired).toBe(1)
})

it.each(['alive', 'unknown'] as const)('UI-202: a probe that answers "%s" ends nothing', async (answer) => {
  const { handle, counts } = fixture(async () => answer)
  await handle()
  expect(counts.expired).toBe(0)
})

it('UI-202: a probe that throws ends nothing, and the next 401 probes anew', async () => {
  const { handle, counts } = fixture(() => Promise.reject(new Error('no network')))
  await handle()
  await handle()
  expect(counts).toEqual({ probes: 2, expired: 0 })
})
