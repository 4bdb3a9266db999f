import { expect, it } from 'vitest'

import type { Task, TaskStatus } from '@slipway/contract'
import { ApiError } from '../api/http.ts'
import { type DeliverySteps, deliver } from './deliver.ts'
import { aTask } from './task.fixture.ts'

/** Delivers with a task that is in these states one look after the other, the last one for good. */
async function tell(
  looks: readonly (TaskStatus | Partial<Task> | Error)[],
  steps: Partial<DeliverySteps> = {},
) {
  const stages: string[] = []
  const sent: string[] = []
  const left = [...looks]
  const running = new AbortController()
  const outcome = await deliver(
    'go on',
    {
      read: async () => {
        const [look] = left.length > 1 ? left.splice(0, 1) : left
        if (look instanceof Error) throw look
        return aTask(typeof look === 'string' ? { status: look } : (look ?? {}))
      },
      resume: async () => {
        stages.push('(resumed)')
      },
      send: async (text) => {
        sent.push(text)
      },
      rest: async () => undefined,
      isLost: (error) => error instanceof TypeError,
      ...steps,
    },
    (stage) => stages.push(stage),
    running.signal,
  ).then(
    () => 'sent',
    (error: unknown) => error,
  )
  return { stages, sent, outcome }
}

const refused = (status: number, message: string) =>
  new ApiError({
    status,
    message,
    detail: undefined,
    validations: [],
    requestId: undefined,
    retryAfter: undefined,
    body: undefined,
  })

it('UI-1203: a paused task is resumed, waited for, and told', async () => {
  expect(await tell(['paused', 'pending', 'initializing', 'active'])).toEqual({
    stages: ['wait', 'resume', '(resumed)', 'wait', 'send'],
    sent: ['go on'],
    outcome: 'sent',
  })
})

it('UI-1203: an active task is told at once, and again when its program is busy', async () => {
  expect((await tell(['active'])).stages).toEqual(['wait', 'send'])
  let refusals = 2
  const busy = await tell(['active'], {
    send: async () => {
      if (refusals-- > 0) throw refused(409, 'Task app is not ready to accept input.')
    },
  })
  expect(busy).toMatchObject({ outcome: 'sent', stages: ['wait', 'send', 'busy', 'send', 'busy', 'send'] })
})

it('UI-1203: what is written while a task is being paused resumes it afterwards', async () => {
  const stopping = { status: 'unknown', workspace_status: 'stopping' } as const
  expect(await tell([stopping, stopping, 'paused', 'pending', 'active'])).toMatchObject({
    stages: ['wait', 'resume', '(resumed)', 'wait', 'send'],
    outcome: 'sent',
  })
})

it('UI-1203: each failure names its stage', async () => {
  const resume = await tell(['paused'], {
    resume: async () => {
      throw refused(409, 'A workspace build is already active.')
    },
  })
  expect(resume.outcome).toMatchObject({ stage: 'resume', message: 'A workspace build is already active.' })
  expect((await tell(['paused', 'pending', 'error'])).outcome).toMatchObject({ stage: 'wait' })
  expect((await tell(['paused', 'pending', 'paused'])).outcome).toMatchObject({
    stage: 'wait',
    message: 'It was paused before it was active.',
  })
  expect(
    (await tell(['pending', { status: 'unknown', workspace_status: 'deleting' }])).outcome,
  ).toMatchObject({ stage: 'wait', message: 'Its workspace was deleted.' })
  expect((await tell(['pending', refused(404, 'Resource not found.')])).outcome).toMatchObject({
    stage: 'wait',
    message: 'Resource not found.',
  })
  const send = await tell(['active'], {
    send: async () => {
      throw refused(502, 'The app of the task did not answer.')
    },
  })
  expect(send.outcome).toMatchObject({ stage: 'send', message: 'The app of the task did not answer.' })
})

it('UI-1203: somebody else may resume it first, and the connection may be lost meanwhile', async () => {
  const raced = await tell(['paused', 'pending', new TypeError('offline'), 'active'], {
    resume: async () => {
      throw refused(409, 'Task workspace is already running.')
    },
  })
  expect(raced).toMatchObject({ outcome: 'sent', sent: ['go on'] })
})

it('UI-1203: what is called off is not sent', async () => {
  const running = new AbortController()
  const sent: string[] = []
  const delivery = deliver(
    'no',
    {
      read: async () => aTask({ status: 'pending' }),
      resume: async () => undefined,
      send: async (text) => {
        sent.push(text)
      },
      rest: async () => running.abort(),
      isLost: () => false,
    },
    () => undefined,
    running.signal,
  )
  const reason: unknown = await delivery.catch((error: unknown) => error)
  expect(reason).toBe(running.signal.reason)
  expect(sent).toEqual([])
})
