import { afterAll, beforeAll, expect, it } from 'vitest'

import { callsTools, says } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork

beforeAll(async () => {
  const tool = (
    name: string,
    run: () => Promise<{ readonly result: string; readonly isError?: boolean }>,
  ) => ({
    name,
    description: 'Runs on the server.',
    inputSchema: { type: 'object' },
    run,
  })
  at = await ChatsAtWork.start({
    chatExtension: {
      tools: () => [
        tool('long', async () => ({ result: 'x'.repeat(1024 * 1024) })),
        tool('broken', async () => ({ result: 'no', isError: true })),
      ],
      timings: { pause: async () => undefined },
    },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

it('CH-1704: runs of chats are counted by provider and model, tools that fail by names that are bounded', async () => {
  const before = await counts()
  at.provider.play(
    { status: 529 },
    callsTools({ id: 'a', name: 'long' }, { id: 'b', name: 'broken' }),
    says('Done'),
  )
  const chat = await at.create('Count this')
  await at.reaches(chat.id, 'waiting')
  const after = await counts()
  const grown = (name: string): number => {
    const value = after.get(`coderd_chatd_${name}`)
    if (value === undefined) throw new Error(`there is no ${name}`)
    return value - (before.get(`coderd_chatd_${name}`) ?? 0)
  }
  const model = `provider="${at.aiProvider.name}",model="scripted-model"`
  expect(grown(`steps_total{${model}}`)).toBe(2)
  expect(grown(`stream_retries_total{${model},kind="overloaded"}`)).toBe(1)
  expect(grown(`tool_errors_total{${model},tool_name="broken"}`)).toBe(1)
  expect(grown('tool_result_truncated_total')).toBe(1)
  expect(grown('tool_result_size_bytes_count')).toBe(2)
  expect(grown(`message_count_count{${model}}`)).toBeGreaterThanOrEqual(2)
  expect(grown(`prompt_size_bytes_count{${model}}`)).toBeGreaterThanOrEqual(2)
  expect(grown(`ttft_seconds_count{${model}}`)).toBeGreaterThanOrEqual(2)
  for (const pool of ['root', 'subagent']) {
    expect(after.get(`coderd_chatd_agents_active{pool="${pool}"}`)).toBeDefined()
    expect(after.get(`coderd_chatd_agents_queued_for_capacity{pool="${pool}"}`)).toBe(0)
  }
  expect(after.get('coderd_chatd_stream_buffer_dropped_total')).toBe(0)
})

/** What the server counts, by name and labels. */
async function counts(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${at.server.url}/metrics`, { headers: at.owner.headers })).text()
  return new Map(
    text
      .split('\n')
      .filter((line) => line.startsWith('coderd_chatd_'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}
