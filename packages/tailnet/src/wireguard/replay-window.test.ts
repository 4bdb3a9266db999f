import fc from 'fast-check'
import { expect, it } from 'vitest'

import { REPLAY_WINDOW, ReplayWindow } from './replay-window.ts'

it('AC-151: each packet is taken once, in any order, as far back as the window reaches', () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 40_000 })), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, fc.boolean(), (counters, far) => {
      const window = new ReplayWindow()
      const seen = new Set<number>()
      const base = far ? 2 ** 40 : 0
      let newest = -1
      for (const step of counters) {
        const counter = base + step
        const expected = !seen.has(counter) && (newest === -1 || counter + REPLAY_WINDOW >= newest)
        expect(window.isNew(counter)).toBe(expected)
        if (!expected) continue
        window.mark(counter)
        seen.add(counter)
        newest = Math.max(newest, counter)
      }
    }),
  )
})
