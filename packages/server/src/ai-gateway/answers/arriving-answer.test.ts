import { expect, it } from 'vitest'

import { ArrivingAnswer } from './arriving-answer.ts'

/** An answer of 200 under way, with what its connection is told. */
function arriving(fromFirstByte = false) {
  const told: { paused: boolean; aborted: unknown; over: number } = {
    paused: false,
    aborted: undefined,
    over: 0,
  }
  const controller = {
    get paused() {
      return told.paused
    },
    get aborted() {
      return told.aborted !== undefined
    },
    reason: null,
    pause: () => {
      told.paused = true
    },
    resume: () => {
      told.paused = false
    },
    abort: (reason: Error) => {
      told.aborted = reason
    },
  }
  const answer = new ArrivingAnswer(fromFirstByte, () => {
    told.over += 1
  })
  answer.onRequestStart(controller)
  answer.onResponseStart(controller, 200, {})
  const push = (text: string): void => answer.onResponseData(controller, Buffer.from(text))
  const fail = (error: Error): void => answer.onResponseError(controller, error)
  return { answer, told, push, fail }
}
const textOf = async (answer: ArrivingAnswer): Promise<string | undefined> => {
  const { value, done } = await answer.next()
  return done === true ? undefined : Buffer.from(value).toString()
}

it('AG-23: the provider waits while the reader is far behind, and what waits is read at once', async () => {
  const { answer, told, push } = arriving()
  push('a'.repeat(60_000))
  expect(told.paused).toBe(false)
  push('b'.repeat(6_000))
  expect(told.paused).toBe(true)
  expect(await textOf(answer)).toBe('a'.repeat(60_000) + 'b'.repeat(6_000))
  expect(told.paused).toBe(false)
  const next = textOf(answer)
  push('c')
  expect(await next).toBe('c')
  answer.onResponseEnd()
  expect([await textOf(answer), told.over]).toEqual([undefined, 1])
})

it('AG-51: what came before a failure is read before it', async () => {
  const { answer, push, fail, told } = arriving()
  push('so far')
  fail(new Error('reset'))
  expect(await textOf(answer)).toBe('so far')
  await expect(answer.next()).rejects.toThrow('reset')
  expect(told.over).toBe(1)
})

it('AG-24: whoever leaves ends the request at the provider, and a wait for more', async () => {
  const { answer, told } = arriving()
  const next = answer.next()
  answer.destroy(new Error('enough'))
  await expect(next).rejects.toThrow('enough')
  expect(told).toMatchObject({ aborted: expect.objectContaining({ message: 'enough' }), over: 1 })
})

it('AG-B3: what was let go of a whole answer does not pass for its end', async () => {
  const { answer, push, told } = arriving()
  push('the answer')
  answer.onResponseEnd()
  await answer.return()
  await expect(answer.next()).rejects.toThrow('nobody wants the rest')
  expect(told).toMatchObject({ aborted: undefined, over: 1 })
})

it('AG-B10: where only a byte is a beginning, a failure behind the head is one before the answer', async () => {
  const { answer, fail } = arriving(true)
  fail(new Error('reset'))
  await expect(answer.begun).rejects.toThrow('reset')
  const { answer: other, push } = arriving(true)
  push('x')
  expect(await other.begun).toEqual({ status: 200, headers: {} })
})
