import { performance } from 'node:perf_hooks'

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { YoungSpace } from './young-space.ts'

let active = 0

beforeEach(() => {
  active = 0
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  vi.spyOn(performance, 'eventLoopUtilization').mockImplementation((now, before) => ({
    idle: 0,
    active,
    utilization: (now?.active ?? 0) - (before?.active ?? 0),
  }))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('the space of young objects grows at once under a load that lasts, and as ever without', () => {
  const set: number[] = []
  const seconds = (count: number, share: number): void => {
    for (let n = 0; n < count; n += 1) {
      active += share
      vi.advanceTimersByTime(1_000)
    }
  }
  {
    using _space = new YoungSpace((factor) => void set.push(factor))
    // As when many agents connect.
    seconds(3, 0.9)
    seconds(1, 0.7)
    seconds(3, 0.9)
    expect(set).toEqual([])
    seconds(5, 0.9)
    expect(set).toEqual([16])
    seconds(4, 0.1)
    expect(set).toEqual([16, 2])
    seconds(4, 0.9)
    expect(set).toEqual([16, 2, 16])
  }
  // What is compiled is stored at the end, for a start without this flag.
  expect(set).toEqual([16, 2, 16, 2])
  seconds(5, 0.9)
  expect(set).toHaveLength(4)
})
