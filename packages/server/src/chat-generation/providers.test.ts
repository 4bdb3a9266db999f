import { expect, it } from 'vitest'

import { getChatFile } from '@slipway/contract'
import { callsTools, says, type TestServerOptions } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

const options: TestServerOptions = {
  chatExtension: {
    tools: () => [
      {
        name: 'add',
        description: 'Adds.',
        inputSchema: { type: 'object', properties: { a: { type: 'number' } } },
        run: async () => ({ result: { sum: 3 } }),
      },
    ],
  },
}

it.each([
  ['openai', {}],
  ['openai', { openai_config: { use_responses_api: true } }],
  ['anthropic', {}],
  ['openai-compat', {}],
  ['openrouter', {}],
])(
  'CH-700: a turn with thoughts, a tool and an answer over %s %j',
  async (type, call) => {
    await using at = await ChatsAtWork.start(options, { type, model: { model_config: call } })
    const calling = callsTools({ name: 'add', args: { a: 1 } })
    at.provider.play(
      { ...calling, steps: [{ reasoning: 'Let me add' }, ...calling.steps] },
      says('It is ', '3'),
    )
    const chat = await at.create('Add them')
    await at.reaches(chat.id, 'waiting')
    const transcript = await at.transcript(chat.id)
    expect(transcript[0]).toBe('user: Add them')
    expect(transcript[1]).toContain('[add({"a":1})]')
    expect(transcript[2]).toBe('tool: [add → {"sum":3}]')
    expect(transcript[3]).toBe('assistant: It is 3')
    const second = at.provider.requests.at(-1)?.text ?? ''
    expect(second).toContain('sum')
    expect(at.provider.requests.every((one) => one.key === 'sk-test-key-0123456789')).toBe(true)
    const [, , , answer] = await at.messages(chat.id)
    expect(answer?.usage?.input_tokens).toBeGreaterThan(0)
  },
  60_000,
)

it('CH-124: what a model makes becomes a file of its chat, and what is none leaves a note', async () => {
  await using at = await ChatsAtWork.start(options, { type: 'openrouter' })
  const image = (type: string, data: Buffer) => ({
    raw: `data: ${JSON.stringify({
      id: 'x',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'scripted-model',
      choices: [
        {
          index: 0,
          finish_reason: null,
          delta: {
            role: 'assistant',
            content: '',
            images: [
              { type: 'image_url', image_url: { url: `data:${type};base64,${data.toString('base64')}` } },
            ],
          },
        },
      ],
    })}\n\n`,
  })
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(64, 7)])
  at.provider.play({
    steps: ['Here it is', image('image/png', png), image('image/svg+xml', Buffer.from('<svg/>'))],
  })
  const chat = await at.create('Draw')
  const { files } = await at.reaches(chat.id, 'waiting')
  const [, answer] = await at.messages(chat.id)
  const made = answer?.content.find(({ type }) => type === 'file')
  expect(made).toMatchObject({ media_type: 'image/png', file_id: files?.[0]?.id, name: 'made-2.png' })
  expect(files).toEqual([expect.objectContaining({ size_bytes: png.length, owner_id: chat.owner_id })])
  expect(answer?.content.at(-1)).toMatchObject({
    type: 'hook-notice',
    text: expect.stringContaining('image/svg+xml'),
  })
  const loaded = await fetch(at.owner.address(getChatFile, { params: { file: made?.file_id ?? '' } }), {
    headers: at.owner.headers,
  })
  expect(Buffer.from(await loaded.arrayBuffer())).toEqual(png)
})
