import { setTimeout as delay } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import type { AnswerBody, UpstreamAnswer } from '../answers/upstream.ts'
import type { Observation } from '../wires/observation.ts'
import type { InjectedTool } from './injected-tools.ts'
import { ToolLoop, talkOf } from './tool-loop.ts'

type Result = Awaited<ReturnType<InjectedTool['call']>>

const tool = (call: InjectedTool['call']): InjectedTool => ({
  name: 'bmcp_s_t',
  tool: 't',
  serverId: 's',
  serverUrl: 'https://s',
  description: '',
  inputSchema: { type: 'object' },
  call,
})
const gave: Result = {
  isError: false,
  content: [{ type: 'text', text: 'done' }],
  structuredContent: undefined,
}

function bodyOf(...pieces: readonly (string | Uint8Array)[]): AnswerBody {
  return {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) yield Buffer.from(piece)
    },
    destroy: () => undefined,
  }
}

const streamed = (...pieces: readonly (string | Uint8Array)[]): UpstreamAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream', 'content-length': '1' },
  body: bodyOf(...pieces),
})
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`
const delta = (delta: unknown, finish: string | null = null) =>
  event({ id: 'x', choices: [{ index: 0, delta, finish_reason: finish }] })
const calls = [
  delta({
    role: 'assistant',
    content: null,
    tool_calls: [
      {
        index: 0,
        id: 'c1',
        type: 'function',
        function: { name: 'bmcp_s_t', arguments: '{}' },
        extra_content: { google: { thought_signature: 'abc' } },
      },
    ],
  }),
  delta({}, 'tool_calls'),
  'data: [DONE]\n\n',
]

/** A loop of chat completions, and what was noted and asked of it. */
function loopOf(
  call: InjectedTool['call'],
  answers: readonly UpstreamAnswer[],
  body: unknown = { messages: [] },
) {
  const notes: unknown[] = []
  const asked: Record<string, unknown>[] = []
  let released = 0
  const of = { wire: 'chat', stream: true, model: 'm' } as const
  const tools = [tool(call)]
  const talk = talkOf(of, tools)
  if (talk === undefined) throw new Error('no talk')
  const loop = new ToolLoop(
    {
      ...of,
      body: JSON.stringify(body),
      lease: {
        tools,
        [Symbol.dispose]: () => {
          released += 1
        },
      },
      notes: {
        wentOn: (seen: Observation) => void notes.push(['went on', seen.usage]),
        calling: (made) => (error) => void notes.push([made.tool, error]),
      },
      signal: new AbortController().signal,
      keepAliveMs: 5,
    },
    talk,
    tools,
  )
  const left = [...answers]
  const run = () =>
    loop.run(async (sent) => {
      asked.push(JSON.parse(Buffer.from(sent).toString()))
      const next = left.shift()
      if (next === undefined) throw new Error('nothing is left')
      return next
    })
  return { loop, run, notes, asked, released: () => released }
}

async function textOf(body: AnswerBody): Promise<string> {
  let text = ''
  for await (const piece of body) text += Buffer.from(piece).toString()
  return text
}

describe('AG-74', () => {
  it('AG-35: while a tool works, the client hears signs of life', async () => {
    const { run, asked, notes, released } = loopOf(
      () => delay(30).then(() => gave),
      [
        streamed(...calls),
        streamed(
          delta({ role: 'assistant', content: '' }),
          delta({ content: 'ok' }, 'stop'),
          'data: [DONE]\n\n',
        ),
      ],
    )
    const { body, headers } = await run()
    expect(headers).toEqual({ 'content-type': 'text/event-stream' })
    const text = await textOf(body)
    expect(text.match(/: keep-alive/g)?.length).toBeGreaterThan(1)
    expect(text.replaceAll(': keep-alive\n\n', '')).toBe(
      `${delta({ content: 'ok' }, 'stop')}data: [DONE]\n\n`,
    )
    expect(asked[1]).toMatchObject({
      messages: [
        // What some providers want to see again.
        { tool_calls: [{ id: 'c1', extra_content: { google: { thought_signature: 'abc' } } }] },
        { role: 'tool', content: 'done' },
      ],
    })
    expect(notes).toEqual([
      ['went on', undefined],
      ['t', undefined],
    ])
    expect(released()).toBeGreaterThan(0)
  })

  it('events are understood wherever their bytes are cut, with either end of lines', async () => {
    const whole = Buffer.from(calls.join('').replaceAll('\n', '\r\n'))
    const bytes = [...whole].map((byte) => Buffer.from([byte]))
    const { run, asked } = loopOf(async () => gave, [streamed(...bytes), streamed('data: [DONE]\n\n')])
    expect(await textOf((await run()).body)).toContain('data: [DONE]')
    expect(asked).toHaveLength(2)
  })

  it('a stream that is cut before its end calls nothing', async () => {
    let called = 0
    const count = async () => {
      called += 1
      return gave
    }
    const { run, released } = loopOf(count, [streamed(calls[0] ?? '')])
    await textOf((await run()).body)
    expect(called).toBe(0)
    expect(released()).toBeGreaterThan(0)
  })

  it('what is encoded passes as it is', async () => {
    const given = {
      ...streamed(calls.join('')),
      headers: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
    }
    const { run } = loopOf(async () => gave, [given])
    expect(await run()).toBe(given)
  })

  it('tools are given back when the provider cannot be reached', async () => {
    const { run, released } = loopOf(async () => gave, [])
    await expect(run()).rejects.toThrow('nothing is left')
    expect(released()).toBeGreaterThan(0)
  })

  it('AG-72: tools of the client stay in front, byte for byte', async () => {
    const { run, asked } = loopOf(async () => gave, [streamed('data: [DONE]\n\n')], {
      messages: [],
      tools: [{ type: 'function', function: { name: 'own' } }],
    })
    await run()
    expect(Object(asked[0]).tools.map((one: { function: { name: string } }) => one.function.name)).toEqual([
      'own',
      'bmcp_s_t',
    ])
  })
})
