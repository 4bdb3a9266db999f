import { EventEmitter } from 'node:events'

import { expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { RightsWatch } from './rights-watch.ts'

it('RB-137, AC-308: a connection ends when its rights are gone, and not before', async () => {
  await using watch = new RightsWatch(silentLogger(), 2)
  const [carrier, other] = [new EventEmitter(), new EventEmitter()]
  let allowed = true
  let asked = 0
  let ended = 0
  const still = async (): Promise<boolean> => {
    asked += 1
    return allowed
  }
  watch.watch(carrier, still, () => {
    ended += 1
    carrier.emit('close')
  })
  watch.watch(
    other,
    async () => true,
    () => expect.unreachable('the other one may stay'),
  )
  await until('some rounds', () => asked > 3)
  expect(ended).toBe(0)
  allowed = false
  await until('the end', () => ended === 1)
  const before = asked
  let rounds = 0
  watch.watch(
    new EventEmitter(),
    async () => {
      rounds += 1
      return true
    },
    () => undefined,
  )
  await until('more rounds', () => rounds > 3)
  expect({ asked, ended }).toEqual({ asked: before, ended: 1 })
})

it('RB-137: trouble of ours cuts nobody off', async () => {
  await using watch = new RightsWatch(silentLogger(), 2)
  let asked = 0
  watch.watch(
    new EventEmitter(),
    async () => {
      asked += 1
      throw new Error('the database is away')
    },
    () => expect.unreachable('nobody knows that it may not stay'),
  )
  await until('some rounds', () => asked > 3)
})
