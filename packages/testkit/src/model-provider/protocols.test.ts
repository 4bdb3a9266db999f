import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAmazonBedrockAnthropic } from '@ai-sdk/amazon-bedrock/anthropic'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { generateText, jsonSchema, type LanguageModel, streamText, type ToolSet } from 'ai'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'

import { FakeModelProvider } from '../fake-model-provider.ts'
import { callsTools, type Speech, says } from './turn.ts'

/** An answer as a client understood it. */
interface Understood {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  readonly finish: string | null | undefined
  /** All input with what of it was cached, and all output. */
  readonly usage: readonly (number | null | undefined)[]
  /** The pieces of text in which it came, streamed. */
  readonly deltas: readonly string[]
}

interface Client {
  readonly name: string
  /** What it calls the ways to end: stop, length, content filter, tool calls. */
  readonly finishes: readonly [string, string, string, string]
  /** Whether it shows reasoning. */
  readonly reasons: boolean
  ask(url: string, streaming: boolean): Promise<Understood>
}

const MESSAGES = [{ role: 'user' as const, content: 'How are you?' }]
const ASKED = { model: 'm', messages: MESSAGES }
const parsed = (text: string): unknown => JSON.parse(text)
const notEmpty = (text: string): boolean => text !== ''

const openaiChat: Client = {
  name: 'openai chat completions',
  finishes: ['stop', 'length', 'content_filter', 'tool_calls'],
  reasons: false,
  async ask(url, streaming) {
    const client = new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 })
    const deltas: string[] = []
    const stream = () => {
      const runner = client.chat.completions.stream({ ...ASKED, stream_options: { include_usage: true } })
      return runner.on('content', (delta) => deltas.push(delta)).finalChatCompletion()
    }
    const { choices, usage } = await (streaming ? stream() : client.chat.completions.create(ASKED))
    const [choice] = choices
    return {
      text: choice?.message.content ?? '',
      reasoning: '',
      calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function'
          ? [{ id: call.id, name: call.function.name, args: parsed(call.function.arguments) }]
          : [],
      ),
      finish: choice?.finish_reason,
      usage: [usage?.prompt_tokens, usage?.prompt_tokens_details?.cached_tokens, usage?.completion_tokens],
      deltas: deltas.filter(notEmpty),
    }
  },
}

const openaiResponses: Client = {
  name: 'openai responses',
  finishes: ['completed', 'max_output_tokens', 'content_filter', 'completed'],
  reasons: true,
  async ask(url, streaming) {
    const client = new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 })
    const asked = { model: 'm', input: 'How are you?' }
    const deltas: string[] = []
    const stream = () => {
      const runner = client.responses.stream(asked)
      return runner.on('response.output_text.delta', ({ delta }) => deltas.push(delta)).finalResponse()
    }
    const response = await (streaming ? stream() : client.responses.create(asked))
    return {
      text: response.output_text,
      reasoning: response.output
        .flatMap((item) => (item.type === 'reasoning' ? item.summary.map(({ text }) => text) : []))
        .join(''),
      calls: response.output.flatMap((item) =>
        item.type === 'function_call'
          ? [{ id: item.call_id, name: item.name, args: parsed(item.arguments) }]
          : [],
      ),
      finish: response.incomplete_details?.reason ?? response.status,
      usage: [
        response.usage?.input_tokens,
        response.usage?.input_tokens_details.cached_tokens,
        response.usage?.output_tokens,
      ],
      deltas,
    }
  },
}

const anthropicMessages: Client = {
  name: 'anthropic messages',
  finishes: ['end_turn', 'max_tokens', 'refusal', 'tool_use'],
  reasons: true,
  async ask(url, streaming) {
    const client = new Anthropic({ apiKey: 'key', baseURL: url, maxRetries: 0 })
    const asked = { ...ASKED, max_tokens: 100 }
    const deltas: string[] = []
    const message = await (streaming
      ? client.messages
          .stream(asked)
          .on('text', (delta) => deltas.push(delta))
          .finalMessage()
      : client.messages.create(asked))
    const {
      input_tokens: fresh,
      cache_read_input_tokens: cached,
      cache_creation_input_tokens: written,
    } = message.usage
    return {
      text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      reasoning: message.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      calls: message.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ id: block.id, name: block.name, args: block.input }] : [],
      ),
      finish: message.stop_reason,
      usage: [fresh + (cached ?? 0) + (written ?? 0), cached, message.usage.output_tokens],
      deltas,
    }
  },
}

const TOOLS: ToolSet = { read_file: { inputSchema: jsonSchema({ type: 'object' }) } }

function sdk(name: string, reasons: boolean, modelAt: (url: string) => LanguageModel): Client {
  return {
    name: `ai-sdk ${name}`,
    finishes: ['stop', 'length', 'content-filter', 'tool-calls'],
    reasons,
    async ask(url, streaming) {
      const asked = {
        model: modelAt(url),
        prompt: 'How are you?',
        tools: TOOLS,
        maxRetries: 0,
        maxOutputTokens: 100,
      }
      const deltas: string[] = []
      const stream = async () => {
        const answer = streamText(asked)
        for await (const delta of answer.textStream) deltas.push(delta)
        const { text, reasoningText, toolCalls, finishReason, usage } = answer
        return {
          text: await text,
          reasoningText: await reasoningText,
          toolCalls: await toolCalls,
          finishReason: await finishReason,
          usage: await usage,
        }
      }
      const { text, reasoningText, toolCalls, finishReason, usage } = await (streaming
        ? stream()
        : generateText(asked))
      return {
        text,
        reasoning: reasoningText ?? '',
        calls: toolCalls.map(({ toolCallId, toolName, input }) => ({
          id: toolCallId,
          name: toolName,
          args: input,
        })),
        finish: finishReason,
        usage: [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens],
        deltas,
      }
    },
  }
}

const AWS = { region: 'eu-west-1', accessKeyId: 'id', secretAccessKey: 'secret' }
const CLIENTS: readonly Client[] = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  sdk('openai chat completions', false, (url) =>
    createOpenAI({ apiKey: 'key', baseURL: `${url}/v1` }).chat('m'),
  ),
  sdk('openai responses', true, (url) =>
    createOpenAI({ apiKey: 'key', baseURL: `${url}/v1` }).responses('m'),
  ),
  sdk('openai-compatible', true, (url) =>
    createOpenAICompatible({ name: 'x', apiKey: 'key', baseURL: url, includeUsage: true }).chatModel('m'),
  ),
  sdk('anthropic', true, (url) => createAnthropic({ apiKey: 'key', baseURL: `${url}/v1` })('m')),
  sdk('google', true, (url) => createGoogleGenerativeAI({ apiKey: 'key', baseURL: `${url}/v1beta` })('m')),
  sdk('bedrock', true, (url) => createAmazonBedrock({ ...AWS, baseURL: url })('m')),
  sdk('bedrock anthropic', true, (url) => createAmazonBedrockAnthropic({ ...AWS, baseURL: url })('m')),
]
const CALLS = [
  { id: 'call_a', name: 'read_file', args: { path: '/a' } },
  { id: 'call_b', name: 'read_file', args: { path: '/b', note: 'ü' } },
]

describe.each(CLIENTS)('$name', (client) => {
  describe.each([{ streaming: true }, { streaming: false }])('streaming: $streaming', ({ streaming }) => {
    const ask = async (speech: Speech): Promise<Understood> => {
      await using provider = await FakeModelProvider.start()
      provider.play(speech)
      const understood = await client.ask(provider.url, streaming)
      const request = await provider.nextRequest()
      expect(request).toMatchObject({ streaming, model: 'm' })
      expect(await request.ended()).toBe('answered')
      return understood
    }

    test('CH-1805: text comes in the pieces of the script, with its usage', async () => {
      const usage = { input: 100, cached: 30, cacheWritten: 20, output: 50, reasoning: 40 }
      const understood = await ask({ ...says('Fine', ', thänks', '.'), usage })
      expect(understood).toMatchObject({
        text: 'Fine, thänks.',
        calls: [],
        finish: client.finishes[0],
        usage: [100, 30, 50],
        deltas: streaming ? ['Fine', ', thänks', '.'] : [],
      })
    })

    test('CH-1805: reasoning comes before the text', async () => {
      const understood = await ask({
        steps: [{ reasoning: 'Let me' }, { reasoning: ' see.', signature: 'proof' }, 'Fine.'],
      })
      expect(understood).toMatchObject({ reasoning: client.reasons ? 'Let me see.' : '', text: 'Fine.' })
    })

    test.each([
      { how: 'one after the other', speech: callsTools(...CALLS) },
      { how: 'with their pieces mixed', speech: { steps: [{ calls: CALLS }] } },
    ])('CH-1805: tools are called $how', async ({ speech }) => {
      const understood = await ask(speech)
      expect(understood).toMatchObject({ text: '', calls: CALLS, finish: client.finishes[3] })
    })

    test('CH-1805: text and a call without arguments', async () => {
      const understood = await ask({ steps: ['I look.', { call: { name: 'read_file' } }, { ping: true }] })
      expect(understood).toMatchObject({ text: 'I look.', calls: [{ name: 'read_file', args: {} }] })
    })

    test('CH-1805: every way to end', async () => {
      const { finishes } = client
      expect(await ask({ ...says('Fi'), finish: 'length' })).toMatchObject({
        text: 'Fi',
        finish: finishes[1],
      })
      const filtered = await ask({ steps: [], finish: 'content_filter' })
      expect(filtered).toMatchObject({ text: '', finish: finishes[2] })
    })
  })
})
