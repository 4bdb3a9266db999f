import { describe, expect, it } from 'vitest'

import { KeyRows } from './key-rows.ts'

const row = (user: string) => ({ key: { user_id: user } })
const rows = (max: number) => new KeyRows<{ key: { user_id: string } }>({ max, ttl: 60_000 })

describe('ID-222: rows of keys that are kept', () => {
  it('all of a user fall at once, whoever else has come since', () => {
    const kept = rows(3)
    kept.set('k1', row('ada'))
    for (let n = 0; n < 100; n += 1) {
      kept.set(`other${n}`, row(`user${n}`))
      expect(kept.get('k1')).toBeDefined()
    }
    kept.set('k2', row('ada'))
    kept.drop('ada')
    expect([kept.get('k1'), kept.get('k2')]).toEqual([undefined, undefined])
    expect(kept.get('other99')).toBeDefined()
  })

  it('the users known are never more than the rows', () => {
    const kept = rows(3)
    for (let n = 0; n < 100; n += 1) kept.set(`k${n}`, row(`user${n}`))
    expect(kept.users).toBe(3)
    kept.clear()
    expect(kept.users).toBe(0)
  })

  it('one that takes the place of another is as old as that', async () => {
    const kept = new KeyRows<{ key: { user_id: string } }>({ max: 3, ttl: 300 })
    const made = performance.now()
    let last = row('ada')
    kept.set('k1', last)
    while (kept.get('k1') !== undefined) {
      const next = row('ada')
      kept.replace('k1', last, next)
      last = next
      await new Promise((resolve) => setImmediate(resolve))
      expect(performance.now() - made, 'it is still there').toBeLessThan(3_000)
    }
  })

  it('a row that was read before a change does not come back', () => {
    const kept = rows(3)
    const before = row('ada')
    kept.set('k1', before)
    kept.drop('ada')
    kept.replace('k1', before, row('ada'))
    expect(kept.get('k1')).toBeUndefined()
    const newer = row('ada')
    kept.set('k1', newer)
    kept.replace('k1', before, row('ada'))
    expect(kept.get('k1')).toBe(newer)
    const fresh = row('ada')
    kept.replace('k1', newer, fresh)
    expect(kept.get('k1')).toBe(fresh)
    kept.drop('ada')
    expect(kept.get('k1')).toBeUndefined()
  })

  it('make room by letting go of those that nobody has asked for, and of the oldest where all are asked for', () => {
    const kept = rows(3)
    for (const id of ['k1', 'k2', 'k3']) kept.set(id, row(id))
    kept.get('k1')
    kept.get('k3')
    kept.set('k4', row('k4'))
    expect(kept.get('k2')).toBeUndefined()
    for (const id of ['k1', 'k3', 'k4']) expect(kept.get(id), id).toBeDefined()
    kept.set('k5', row('k5'))
    expect(kept.get('k5')).toBeDefined()
    expect(['k1', 'k3', 'k4'].filter((id) => kept.get(id) !== undefined)).toHaveLength(2)
    expect(kept.users).toBe(3)
  })

  it('one falls by itself where it alone has changed', () => {
    const kept = rows(3)
    kept.set('k1', row('ada'))
    kept.set('k2', row('ada'))
    kept.dropKey('k1')
    kept.dropKey('k9')
    expect(kept.get('k1')).toBeUndefined()
    expect(kept.get('k2')).toBeDefined()
    kept.dropKey('k2')
    expect(kept.users).toBe(0)
  })
})
