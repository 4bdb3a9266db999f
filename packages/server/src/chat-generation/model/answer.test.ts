import { expect, it } from 'vitest'

import { Answer } from './answer.ts'

const MEBI = 'x'.repeat(1024 * 1024)

it('CH-706: an answer of more than 16 Mi characters is refused, of whatever pieces it is made', () => {
  const answer = new Answer({
    now: () => new Date(),
    usedIds: new Set(),
    serverOf: () => undefined,
    show: () => undefined,
  })
  answer.add({ type: 'tool-input-start', id: 'call', toolName: 'write_file' })
  const kinds = ['text-delta', 'reasoning-delta', 'tool-input-delta'] as const
  for (let n = 0; n < 16; n += 1)
    answer.add({
      type: kinds[n % 3] ?? 'text-delta',
      id: n % 3 === 2 ? 'call' : `block-${n % 3}`,
      delta: MEBI,
    })
  for (const type of kinds)
    expect(
      () => answer.add({ type, id: type === 'tool-input-delta' ? 'call' : type, delta: 'x' }),
      type,
    ).toThrow('more than')
})
