import { describe, expect, it } from 'vitest'

import { cleanPath, limitedSubject, type RateDecision, RateLimiter, type SharedCount } from './rate-limit.ts'

/** A limiter that counts for itself alone, and so decides at once. */
function local(limit: number, now: () => number): { take(subject: string, path: string): RateDecision } {
  const limiter = new RateLimiter({ name: 'test', limit, now })
  return {
    take: (subject, path) => {
      const decision = limiter.take(subject, path)
      if (decision instanceof Promise) throw new Error('a local limiter waited')
      return decision
    },
  }
}

describe('ID-121: the sliding window', () => {
  it('counts the window before by its remaining share, and refused requests not at all', () => {
    let now = 0
    const limiter = local(10, () => now)
    const take = () => limiter.take('user', '/a').allowed
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(10)
    now = 90_000
    // Half of the window before is left: five of its ten count.
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(5)
    now = 300_000
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(10)
  })

  it('ID-208: says in true seconds when the next request passes', () => {
    let now = 0
    const limiter = local(10, () => now)
    const take = () => limiter.take('user', '/a')
    for (let i = 0; i < 10; i += 1) expect(take().retryAfter).toBe(0)
    for (const at of [0, 30_000, 59_000, 61_000, 65_000, 65_999]) {
      now = at
      const { allowed, retryAfter } = take()
      expect([at, allowed, retryAfter]).toEqual([at, false, Math.ceil((66_000 - at) / 1000)])
    }
    now = 66_000
    expect(take().allowed).toBe(true)
    expect(take()).toMatchObject({ allowed: false })
  })

  it('ID-208: a limit of one leaves a whole window between two requests', () => {
    let now = 10_000
    const limiter = local(1, () => now)
    limiter.take('user', '/a')
    const { retryAfter } = limiter.take('user', '/a')
    now += retryAfter * 1000
    expect([retryAfter, limiter.take('user', '/a').allowed]).toEqual([110, true])
  })

  it('ID-120: keeps subjects and paths apart', () => {
    const limiter = local(1, () => 0)
    expect(limiter.take('a', '/x').allowed).toBe(true)
    expect(limiter.take('a', '/y').allowed).toBe(true)
    expect(limiter.take('b', '/x').allowed).toBe(true)
    expect(limiter.take('a', '/x').allowed).toBe(false)
  })

  it('a flood of paths pushes out no bucket of another, and a flood of addresses only the longest unused', () => {
    const limiter = local(1, () => 0)
    limiter.take('quiet', '/x')
    for (let i = 0; i < 60_000; i += 1) limiter.take('flood', `/${i}`)
    expect(limiter.take('quiet', '/x').allowed).toBe(false)
    for (let i = 0; i < 60_000; i += 1) {
      limiter.take(`address ${i}`, '/x')
      if (i % 10_000 === 0) expect(limiter.take('quiet', '/x').allowed).toBe(false)
    }
    expect(limiter.take('address 59999', '/x').allowed).toBe(false)
    expect(limiter.take('address 0', '/x').allowed).toBe(true)
  })
})

describe('ID-120: who and what is counted', () => {
  it('a user, else the address, IPv6 by /64', () => {
    expect(limitedSubject('id', '10.0.0.1')).toBe('id')
    expect(limitedSubject(undefined, '10.0.0.1')).toBe('10.0.0.1')
    expect(limitedSubject(undefined, '2001:db8::1')).toBe(limitedSubject(undefined, '2001:db8:0:0:ffff::2'))
    expect(limitedSubject(undefined, '2001:db8:0:1::1')).not.toBe(limitedSubject(undefined, '2001:db8::1'))
  })

  it.each(['/a/b', '//a///b', '/a/./b', '/a/c/../b', '/../a/b'])('%s is one spelling of /a/b', (path) => {
    expect(cleanPath(path)).toBe('/a/b')
  })
})

describe('ID-208: counts that are shared with other replicas', () => {
  const spent: SharedCount = { allowed: false, current: 3, previous: 0 }

  it('a budget that others have spent is refused, and not asked for again', async () => {
    let asked = 0
    const limiter = new RateLimiter({
      name: 'test',
      limit: 3,
      now: () => 0,
      shared: {
        take: async () => {
          asked += 1
          return spent
        },
      },
    })
    expect(await limiter.take('user', '/a')).toMatchObject({ allowed: false, remaining: 0, retryAfter: 80 })
    for (let i = 0; i < 5; i += 1) expect(await limiter.take('user', '/a')).toMatchObject({ allowed: false })
    expect(asked).toBe(1)
  })

  it('while nobody answers the replica counts for itself', async () => {
    const limiter = new RateLimiter({
      name: 'test',
      limit: 2,
      now: () => 0,
      shared: { take: async () => undefined },
    })
    const allowed = async () => (await limiter.take('user', '/a')).allowed
    expect([await allowed(), await allowed(), await allowed()]).toEqual([true, true, false])
  })
})
