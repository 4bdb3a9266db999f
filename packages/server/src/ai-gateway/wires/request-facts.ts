import { at, bodyText, list, parseJson, storable, text } from './json.ts'
import { MAX_TEXT } from './observation.ts'
import { modelOfPath, type Wire } from './wire.ts'

/** Where neither path nor body names a model (AG-26). */
const UNKNOWN_MODEL = 'coder-aibridge-unknown'
const MAX_MODEL = 256
const MAX_ID = 256
/** Of what clients tell of themselves: some put a whole object into it. */
const MAX_USER_ID = 4096

/** What a request says that is recorded. */
export interface RequestFacts {
  readonly model: string
  /** The name that the client has used for it, where that is another one (AG-B9). */
  readonly requestedModel?: string
  readonly stream: boolean
  readonly hasStreamOptions: boolean
  /** What the user has just said; undefined where the last turn is not the user's. */
  readonly prompt: string | undefined
  /** The tool call whose result the request brings: it goes on where that was made (AG-80). */
  readonly toolCallId: string | undefined
  /** What the client tells of itself in the body. */
  readonly metadataUserId: string
  /** Whether the provider is to work on without the connection (AG-33). */
  readonly background: boolean
}

/** The model that a body names; empty where it does not. */
export function namedModel(body: Uint8Array): string {
  return storable(text(at(jsonOf(body), 'model')), MAX_MODEL)
}

function jsonOf(body: Uint8Array): unknown {
  return parseJson(bodyText(body))
}

/** Reads a request body; undefined when it is no JSON object. */
export function requestFacts(wire: Wire, path: string, body: Uint8Array): RequestFacts | undefined {
  const request = jsonOf(body)
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return undefined
  const model = storable(modelOfPath(path) || text(at(request, 'model')), MAX_MODEL)
  return {
    model: model === '' ? UNKNOWN_MODEL : model,
    stream: at(request, 'stream') === true || /stream/i.test(path.slice(path.lastIndexOf('/'))),
    hasStreamOptions: at(request, 'stream_options') !== undefined,
    ...turnOf(wire, request),
    metadataUserId: storable(text(at(request, 'metadata', 'user_id')), MAX_USER_ID),
    background: at(request, 'background') === true,
  }
}

function turnOf(wire: Wire, request: object): Pick<RequestFacts, 'prompt' | 'toolCallId'> {
  const { prompt, toolCallId } = rawTurn(wire, request)
  return {
    prompt: prompt === undefined || prompt === '' ? undefined : storable(prompt, MAX_TEXT),
    // As it is stored of the call.
    toolCallId: toolCallId === undefined ? undefined : storable(toolCallId, MAX_ID) || undefined,
  }
}

interface Turn {
  readonly prompt?: string
  readonly toolCallId?: string
}

function rawTurn(wire: Wire, request: object): Turn {
  switch (wire) {
    case 'chat':
      return chatTurn(list(at(request, 'messages')).at(-1))
    case 'responses':
      return responsesTurn(at(request, 'input'))
    case 'messages':
    case 'invoke':
      return messagesTurn(list(at(request, 'messages')))
    case 'google':
      return googleTurn(list(at(request, 'contents')).at(-1))
    case 'converse':
      return converseTurn(list(at(request, 'messages')).at(-1))
    case 'other':
      return {}
  }
}

/** AG-31. */
function chatTurn(last: unknown): Turn {
  switch (at(last, 'role')) {
    case 'user':
      return { prompt: lastText(at(last, 'content'), (part) => at(part, 'type') === 'text') }
    case 'tool':
      return { toolCallId: text(at(last, 'tool_call_id')) }
    default:
      return {}
  }
}

/** What the caller's side of each tool of AG-38 answers with, as the custom ones of Codex. */
const CALL_OUTPUT = /_call_output$/

/** AG-37. */
function responsesTurn(input: unknown): Turn {
  if (typeof input === 'string') return { prompt: input }
  const last = list(input).at(-1)
  if (CALL_OUTPUT.test(text(at(last, 'type')))) return { toolCallId: text(at(last, 'call_id')) }
  if (at(last, 'role') !== 'user') return {}
  const content = at(last, 'content')
  if (typeof content === 'string') return { prompt: content }
  return {
    prompt: list(content)
      .filter((part) => at(part, 'type') === 'input_text')
      .map((part) => text(at(part, 'text')))
      .join('\n'),
  }
}

/** AG-44. */
function messagesTurn(messages: readonly unknown[]): Turn {
  const last = at(messages.at(-1), 'role') === 'system' ? messages.at(-2) : messages.at(-1)
  const results = list(at(messages.at(-1), 'content')).filter((block) => at(block, 'type') === 'tool_result')
  const toolCallId = text(at(results.at(-1), 'tool_use_id'))
  if (at(last, 'role') !== 'user') return { toolCallId }
  return { prompt: lastText(at(last, 'content'), (block) => at(block, 'type') === 'text'), toolCallId }
}

function googleTurn(last: unknown): Turn {
  if (at(last, 'role') !== 'user' && at(last, 'role') !== 'function') return {}
  const parts = list(at(last, 'parts'))
  return {
    prompt: lastText(parts, (part) => typeof at(part, 'text') === 'string'),
    toolCallId: text(
      at(
        parts.findLast((part) => at(part, 'functionResponse') !== undefined),
        'functionResponse',
        'id',
      ),
    ),
  }
}

function converseTurn(last: unknown): Turn {
  if (at(last, 'role') !== 'user') return {}
  const content = list(at(last, 'content'))
  const result = content.findLast((part) => at(part, 'toolResult') !== undefined)
  return {
    prompt: lastText(content, (part) => typeof at(part, 'text') === 'string'),
    toolCallId: text(at(result, 'toolResult', 'toolUseId')),
  }
}

function lastText(content: unknown, isText: (part: unknown) => boolean): string {
  if (typeof content === 'string') return content
  return text(at(list(content).findLast(isText), 'text'))
}
