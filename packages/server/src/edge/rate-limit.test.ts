import { describe, expect, it } from 'vitest'

import { cleanPath, limitedSubject, RateLimiter } from './rate-limit.ts'

describe('ID-121: the sliding window', () => {
  it('counts the window before by its remaining share, and refused requests not at all', () => {
    let now = 0
    const limiter = new RateLimiter(10, () => now)
    const take = () => limiter.take('user', '/a').allowed
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(10)
    now = 90_000
    // Half of the window before is left: five of its ten count.
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(5)
    now = 300_000
    expect(Array.from({ length: 12 }, take).filter(Boolean)).toHaveLength(10)
  })

  it('ID-120: keeps subjects and paths apart', () => {
    const limiter = new RateLimiter(1, () => 0)
    expect(limiter.take('a', '/x').allowed).toBe(true)
    expect(limiter.take('a', '/y').allowed).toBe(true)
    expect(limiter.take('b', '/x').allowed).toBe(true)
    expect(limiter.take('a', '/x').allowed).toBe(false)
  })

  it('a flood of paths pushes out no bucket of another, and a flood of addresses only the longest unused', () => {
    const limiter = new RateLimiter(1, () => 0)
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
