import { expect, it } from 'vitest'

import { Scrollback } from './scrollback.ts'

it('AC-121: keeps the newest bytes, whatever the pieces they came in', () => {
  for (const piece of [1, 3, 7, 10, 11, 100]) {
    const scrollback = new Scrollback(10)
    const all = Buffer.from('abcdefghijklmnopqrstuvwxyz'.repeat(5))
    for (let at = 0; at < all.length; at += piece) scrollback.add(all.subarray(at, at + piece))
    expect(scrollback.read().toString()).toBe('qrstuvwxyz')
  }
  const empty = new Scrollback(10)
  expect(empty.read().length).toBe(0)
  empty.add(Buffer.from('few'))
  expect(empty.read().toString()).toBe('few')
})

it('AC-121: begins with a whole character', () => {
  const scrollback = new Scrollback(8)
  scrollback.add(Buffer.from('a🚢bcdef'))
  expect(scrollback.read().toString()).toBe('bcdef')
  scrollback.add(Buffer.alloc(8, 0x80))
  expect(scrollback.read()).toEqual(Buffer.alloc(8, 0x80))
})
