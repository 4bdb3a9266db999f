import { afterAll, beforeAll, expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { type ConnectedAgent, connectAgent } from '../testing/stand-in.ts'

let agent: ConnectedAgent
beforeAll(async () => {
  agent = await connectAgent({ environment_variables: { GREETING: 'hello' } })
})
afterAll(() => agent[Symbol.asyncDispose]())

async function start(command: string, more: object = {}, chat?: string): Promise<string> {
  const { status, json } = await agent.ask(
    'POST',
    '/api/v0/processes/start',
    { command, ...more },
    chat === undefined ? {} : { 'coder-chat-id': chat },
  )
  expect(json).toMatchObject({ id: expect.any(String), started: true })
  expect(status).toBe(200)
  return typeof json === 'object' && json !== null && 'id' in json ? String(json.id) : ''
}

async function output(id: string, wait = true): Promise<Readonly<Record<string, unknown>>> {
  const { json } = await agent.ask('GET', `/api/v0/processes/${id}/output${wait ? '?wait=true' : ''}`)
  return typeof json === 'object' && json !== null ? { ...json } : {}
}

it('AC-§6: runs a command with the environment of the workspace and tells how it ended', async () => {
  const command = 'echo "$GREETING $CODER_WORKSPACE_NAME $MINE $PWD"; echo problem >&2; exit 3'
  const id = await start(command, { workdir: '/', env: { MINE: 'own' } })
  const result = await output(id)
  expect(result).toMatchObject({ running: false, exit_code: 3, truncated: null, command })
  expect(String(result.output).split('\n').sort()).toEqual(['', 'hello dev own /', 'problem'])
})

it('AC-§6: a process that runs is listed first, and is ended by terminate and by kill', async () => {
  const gentle = await start('trap "echo asked; exit 9" TERM; echo up; while :; do sleep 0.05; done')
  const stubborn = await start('trap "" TERM; echo up; while :; do sleep 0.05; done')
  await start('true').then((id) => output(id))
  for (const id of [gentle, stubborn])
    await until('its output', async () => (await output(id, false)).output === 'up\n')
  const { json } = await agent.ask('GET', '/api/v0/processes/list')
  expect(json).toMatchObject({ processes: [{ running: true }, { running: true }, { running: false }, {}] })
  const signal = (id: string, name: string) =>
    agent.ask('POST', `/api/v0/processes/${id}/signal`, { signal: name })
  expect((await signal(gentle, 'interrupt')).status).toBe(400)
  await signal(gentle, 'terminate')
  expect(await output(gentle)).toMatchObject({ exit_code: 9, output: expect.stringMatching(/asked\n$/) })
  await signal(stubborn, 'terminate')
  expect(await output(stubborn, false)).toMatchObject({ running: true })
  await signal(stubborn, 'kill')
  expect(await output(stubborn)).toMatchObject({ running: false, exit_code: 137 })
  expect((await signal(gentle, 'kill')).status).toBe(409)
  expect((await signal('nobody', 'kill')).status).toBe(404)
})

it('AC-§6: a command has ended when it has, whatever it leaves running in the background', async () => {
  const id = await start('sleep 600 & echo "left $!"; exit 4')
  const result = await output(id)
  expect(result).toMatchObject({
    running: false,
    exit_code: 4,
    output: expect.stringMatching(/^left \d+\n$/),
  })
  process.kill(Number(/\d+/.exec(String(result.output))?.[0]))
})

it('AC-§6: keeps the first and last 16 KiB of an output, and lines up to 2048 characters', async () => {
  const id = await start('seq 1 200000; head -c 5000 /dev/zero | tr "\\0" x; echo; echo the end')
  const result = await output(id)
  const text = String(result.output)
  expect(text.startsWith('1\n2\n3\n')).toBe(true)
  expect(text.endsWith('the end\n')).toBe(true)
  expect(text.length).toBeLessThan(33 * 1024)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(2_049)
  expect(result.truncated).toMatchObject({ retained_bytes: 32 * 1024, strategy: 'head_tail' })
})

it('AC-123: the processes of a chat are its own', async () => {
  const [mine, other] = ['chat-one', 'chat-two']
  const id = await start('echo "$CODER_CHAT_ID"', {}, mine)
  const path = `/api/v0/processes/${id}/output?wait=true`
  expect((await agent.ask('GET', path, undefined, { 'coder-chat-id': mine })).json).toMatchObject({
    output: 'chat-one\n',
  })
  expect((await agent.ask('GET', path, undefined, { 'coder-chat-id': other })).status).toBe(404)
  const list = await agent.ask('GET', '/api/v0/processes/list', undefined, { 'coder-chat-id': other })
  expect(list.json).toEqual({ processes: [] })
})

it('AC-§6: what cannot be started is refused, and says why', async () => {
  for (const body of [
    {},
    { command: '' },
    { command: 'true', workdir: '/no/such/folder' },
    { command: 'a\0b' },
  ]) {
    const answer = await agent.ask('POST', '/api/v0/processes/start', body)
    expect(answer).toMatchObject({ status: 400, json: { message: expect.any(String) } })
  }
})

it('AC-§6: processes end with the agent', async () => {
  await using short = await connectAgent()
  const { json } = await short.ask('POST', '/api/v0/processes/start', { command: 'echo $$; exec sleep 600' })
  const id = typeof json === 'object' && json !== null && 'id' in json ? String(json.id) : ''
  const pid = await until('its number', async () => {
    const answer = (await short.ask('GET', `/api/v0/processes/${id}/output`)).json
    const output = typeof answer === 'object' && answer !== null && 'output' in answer ? answer.output : ''
    return Number(output) || undefined
  })
  await short.stop()
  await until('its end', () => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  })
})
