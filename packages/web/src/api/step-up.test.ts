import { expect, it, vi } from 'vitest'

import { createToken } from '@slipway/contract'
import { createCall } from './http.ts'
import { withStepUp } from './step-up.ts'

// Requests of the browser are relative to the page; Node has no page.
globalThis.Request = class extends Request {
  constructor(input: string, init?: RequestInit) {
    super(new URL(input, 'http://slipway.test'), init)
  }
} as typeof Request

const refusal = (more: object) =>
  Response.json({ message: 'Confirm first.', detail: 'POST something.', ...more }, { status: 403 })
const STEP_UP = { step_up_required: { methods: ['totp'] } }

function client(answers: readonly Response[], proved: boolean) {
  const left = [...answers]
  const send = vi.fn(async () => left.shift() ?? new Response(null, { status: 500 }))
  const ask = vi.fn(async () => proved)
  const call = withStepUp(createCall(send), ask)
  return { send, ask, mint: () => call(createToken, { params: { user: 'me' }, body: {} }) }
}

it('L-32: a request that needs a fresh proof is sent again once there is one', async () => {
  const { mint, send, ask } = client([refusal(STEP_UP), Response.json({ key: 'k' }, { status: 201 })], true)
  expect(await mint()).toEqual({ key: 'k' })
  expect(send).toHaveBeenCalledTimes(2)
  expect(ask).toHaveBeenCalledOnce()
})

it('L-32: without the proof the refusal stays, in words for people, and nothing is sent again', async () => {
  const { mint, send } = client([refusal(STEP_UP)], false)
  await expect(mint()).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining('fresh proof'),
    detail: undefined,
  })
  expect(send).toHaveBeenCalledOnce()
})

it('L-32: other refusals ask nobody, and a second refusal does not ask again', async () => {
  const other = client([refusal({})], true)
  await expect(other.mint()).rejects.toMatchObject({ status: 403, detail: 'POST something.' })
  expect(other.ask).not.toHaveBeenCalled()
  const twice = client([refusal(STEP_UP), refusal(STEP_UP)], true)
  await expect(twice.mint()).rejects.toMatchObject({ status: 403 })
  expect(twice.ask).toHaveBeenCalledOnce()
})
