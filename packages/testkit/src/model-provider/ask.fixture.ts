import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

import { FakeModelProvider } from '../fake-model-provider.ts'
import type { Turn } from './turn.ts'

/** A conversation. */
export const MESSAGES = [{ role: 'user' as const, content: 'How are you?' }]

/** Sends a body as JSON. */
export function post(
  provider: FakeModelProvider,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${provider.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** What a request for a stream of chat completions gets; `error` when it breaks. */
export async function streamed(
  turn: Turn,
): Promise<{ readonly response: Response; readonly body: string; readonly error?: unknown }> {
  await using provider = await FakeModelProvider.start()
  provider.play(turn)
  const response = await post(provider, '/v1/chat/completions', { model: 'm', stream: true })
  let body = ''
  try {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) body += decoder.decode(chunk, { stream: true })
    return { response, body }
  } catch (error) {
    return { response, body, error }
  }
}

/** What a stream of chat completions is on the connection. */
export async function rawAnswer(provider: FakeModelProvider): Promise<string> {
  const body = JSON.stringify({ model: 'm', stream: true })
  const { hostname, port } = new URL(provider.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return text(socket)
}

/** The data of the events of a stream. */
export async function eventsOf(response: Response): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const body = await response.text()
  return [...body.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data))
}

/** The official client, which tries once. */
export function openai(provider: FakeModelProvider): OpenAI {
  return new OpenAI({ apiKey: 'some-key', baseURL: `${provider.url}/v1`, maxRetries: 0 })
}

/** The official client, which tries once. */
export function anthropic(provider: FakeModelProvider): Anthropic {
  return new Anthropic({ apiKey: 'some-key', baseURL: provider.url, maxRetries: 0 })
}
