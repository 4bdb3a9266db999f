import { expect, it } from 'vitest'

import { KeyTouches } from './key-touches.ts'

const use = (id: string) => ({ id, now: new Date(0), ipAddress: '127.0.0.1', expiresAt: undefined })

it('ID-43: uses of one user that come together are noted together, and each hears of its own key', async () => {
  const statements: [string, string[]][] = []
  const touches = new KeyTouches(async (userId, uses) => {
    statements.push([userId, uses.map(({ id }) => id)])
    if (userId === 'eve') throw new Error('no database')
    return new Set(uses.map(({ id }) => id).filter((id) => id !== 'ended'))
  })
  const noted = await Promise.allSettled([
    touches.note('ada', use('k1')),
    touches.note('eve', use('k2')),
    touches.note('ada', use('ended')),
  ])
  expect(noted).toEqual([
    { status: 'fulfilled', value: true },
    { status: 'rejected', reason: new Error('no database') },
    { status: 'fulfilled', value: false },
  ])
  expect(statements).toEqual([
    ['ada', ['k1', 'ended']],
    ['eve', ['k2']],
  ])
  expect(await touches.note('ada', use('k1'))).toBe(true)
  expect(statements).toHaveLength(3)
})
