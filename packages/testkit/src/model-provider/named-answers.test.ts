import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import OpenAI from 'openai'
import { expect, test } from 'vitest'

import { FakeModelProvider } from '../fake-model-provider.ts'
import { machineMicroseconds, namedAnswer, timedChunks } from './named-answers.ts'

const PROGRAM = fileURLToPath(new URL('../../../../bench/model-provider.ts', import.meta.url))

async function ask(url: string, model: string): Promise<string> {
  const client = new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'x' }]
  const { choices } = await client.chat.completions.stream({ model, messages }).finalChatCompletion()
  return choices[0]?.message.content ?? ''
}

async function answers(): Promise<FakeModelProvider> {
  const provider = await FakeModelProvider.start()
  provider.answer = ({ model }) => namedAnswer(model)
  return provider
}

test('CH-1805: a provider in a process of its own answers by the name of the model', async () => {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [url] = await once(createInterface(child.stdout), 'line')
    const before = machineMicroseconds()
    const chunks = timedChunks(await ask(url, 'stream-50'))
    expect(chunks.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(chunks[0]?.sentAt).toBeGreaterThan(before)
    expect(chunks.at(-1)?.sentAt).toBeLessThan(machineMicroseconds())
  } finally {
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }
})

test('CH-1805: chunks at a rate, whose times do not drift', async () => {
  await using provider = await answers()
  const chunks = timedChunks(await ask(provider.url, 'stream-11@50'))
  const [first, last] = [chunks[0]?.sentAt ?? 0, chunks.at(-1)?.sentAt ?? 0]
  expect(chunks).toHaveLength(11)
  // Timers may fire a millisecond early.
  expect(last - first).toBeGreaterThanOrEqual(198_000)
})

test('CH-1805: the other names', async () => {
  await using provider = await answers()
  const { url } = provider
  expect(await ask(url, 'bytes-1000')).toBe('x'.repeat(1000))
  expect(await ask(url, 'wait-5')).toBe('ok')
  expect(await ask(url, 'gpt-5')).toBe('ok')
  await expect(ask(url, 'fail-503')).rejects.toMatchObject({ status: 503 })
  await expect(ask(url, 'cut-3')).rejects.toThrow()
  expect(provider.requests.at(-1)).toMatchObject({ model: 'cut-3', sentEvents: 3, end: 'broken' })
})
