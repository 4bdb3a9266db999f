import { anthropic } from './anthropic.ts'
import { bedrockConverse } from './bedrock-converse.ts'
import { bedrockInvoke } from './bedrock-invoke.ts'
import { gemini } from './gemini.ts'
import type { ModelRequest } from './model-request.ts'
import { openaiChat } from './openai-chat.ts'
import { openaiResponses } from './openai-responses.ts'
import type { PlainAnswer } from './turn.ts'
import type { Protocol, RequestKind, Wire } from './wire.ts'

/** Under any prefix, as compatible providers have them. */
const ROUTES: readonly { readonly method: string; readonly path: RegExp; readonly kind: RequestKind }[] = [
  { method: 'POST', path: /\/chat\/completions$/, kind: 'openai-chat' },
  { method: 'POST', path: /\/responses$/, kind: 'openai-responses' },
  { method: 'POST', path: /\/messages$/, kind: 'anthropic' },
  { method: 'POST', path: /\/messages\/count_tokens$/, kind: 'count-tokens' },
  { method: 'POST', path: /\/models\/[^/]+:(generateContent|streamGenerateContent)$/, kind: 'gemini' },
  { method: 'POST', path: /\/model\/[^/]+\/converse(-stream)?$/, kind: 'bedrock-converse' },
  { method: 'POST', path: /\/model\/[^/]+\/invoke(-with-response-stream)?$/, kind: 'bedrock-invoke' },
  { method: 'POST', path: /\/models\/[^/]+:countTokens$/, kind: 'count-tokens' },
  { method: 'GET', path: /\/models(\/[^/]+)?$/, kind: 'models' },
]

/** What a method and a URL want. */
export function kindOf(method: string, { pathname, searchParams }: URL): RequestKind {
  // Without this it would stream a JSON array, which is not spoken here.
  if (pathname.endsWith(':streamGenerateContent') && searchParams.get('alt') !== 'sse') return 'other'
  return ROUTES.find((route) => route.method === method && route.path.test(pathname))?.kind ?? 'other'
}

/** Whether a model is to answer. */
export function isProtocol(kind: RequestKind): kind is Protocol {
  switch (kind) {
    case 'openai-chat':
    case 'openai-responses':
    case 'anthropic':
    case 'gemini':
    case 'bedrock-converse':
    case 'bedrock-invoke':
      return true
    case 'models':
    case 'count-tokens':
    case 'other':
      return false
  }
}

/** Whose ways a request knows; of the routes that several providers have, by its headers and its path. */
export function wireOf({ kind, headers, path }: ModelRequest): Wire {
  switch (kind) {
    case 'openai-chat':
      return openaiChat
    case 'openai-responses':
      return openaiResponses
    case 'anthropic':
      return anthropic
    case 'gemini':
      return gemini
    case 'bedrock-converse':
      return bedrockConverse
    case 'bedrock-invoke':
      return bedrockInvoke
    case 'models':
    case 'count-tokens':
    case 'other':
      if (headers['anthropic-version'] !== undefined) return anthropic
      return path.includes('/v1beta/') ? gemini : openaiChat
  }
}

/** The list of models, or one of them, as the provider that is asked has it. */
export function modelsAnswer(request: ModelRequest, models: readonly string[]): PlainAnswer {
  const { entry, list } = listsOf(wireOf(request))
  const [, id] = /\/models\/([^/?]+)/.exec(request.path) ?? []
  if (id === undefined) return json(list(models.map(entry)))
  return models.includes(id)
    ? json(entry(id))
    : { status: 404, message: `The model \`${id}\` does not exist.` }
}

function listsOf(wire: Wire): {
  readonly entry: (id: string) => unknown
  readonly list: (entries: readonly unknown[]) => unknown
} {
  if (wire === anthropic)
    return {
      entry: (id) => ({ id, type: 'model', display_name: id, created_at: '2026-01-01T00:00:00Z' }),
      list: (data) => ({ data, has_more: false, first_id: null, last_id: null }),
    }
  if (wire === gemini)
    return {
      entry: (id) => ({
        name: `models/${id}`,
        displayName: id,
        supportedGenerationMethods: ['generateContent', 'countTokens'],
      }),
      list: (entries) => ({ models: entries }),
    }
  return {
    entry: (id) => ({ id, object: 'model', created: 1_760_000_000, owned_by: 'scripted' }),
    list: (data) => ({ object: 'list', data }),
  }
}

/** How many tokens a request has: one for every four characters of its body. */
export function tokenCountAnswer(request: ModelRequest): PlainAnswer {
  const tokens = Math.ceil(request.text.length / 4)
  return json(wireOf(request) === gemini ? { totalTokens: tokens } : { input_tokens: tokens })
}

function json(body: unknown): PlainAnswer {
  return { status: 200, body: JSON.stringify(body) }
}
