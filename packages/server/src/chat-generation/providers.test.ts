import { expect, it } from 'vitest'

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
