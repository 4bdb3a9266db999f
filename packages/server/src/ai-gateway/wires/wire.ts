import { ConverseBodyObserver, ConverseStreamObserver, InvokeStreamObserver } from './bedrock.ts'
import { ChatBodyObserver, ChatStreamObserver } from './chat-completions.ts'
import { GenerateContentBodyObserver, GenerateContentStreamObserver } from './generate-content.ts'
import { MessagesBodyObserver, MessagesStreamObserver } from './messages.ts'
import { NOTHING, type Observer } from './observation.ts'
import { ResponsesBodyObserver, ResponsesStreamObserver } from './responses.ts'
import { UnlabelledObserver } from './unlabelled.ts'

/** Which API a request speaks. */
export type Wire = 'chat' | 'responses' | 'messages' | 'google' | 'invoke' | 'converse' | 'other'

/** The API that a path belongs to; `other` is relayed without being understood. */
export function wireOf(path: string): Wire {
  if (path.endsWith('/chat/completions')) return 'chat'
  if (path.endsWith('/responses')) return 'responses'
  if (path.endsWith('/messages')) return 'messages'
  if (/:(?:stream)?generateContent$/i.test(path)) return 'google'
  if (/\/model\/[^/]+\/invoke(?:-with-response-stream)?$/.test(path)) return 'invoke'
  if (/\/model\/[^/]+\/converse(?:-stream)?$/.test(path)) return 'converse'
  return 'other'
}

/** The model that a path names; empty where the body does. */
export function modelOfPath(path: string): string {
  const named = /\/models?\/([^/]+?)(?::\w+|\/(?:invoke|converse)[\w-]*)$/.exec(path)?.[1] ?? ''
  try {
    return decodeURIComponent(named)
  } catch {
    return named
  }
}

/** A path that names a model, with another one in its place. */
export function pathWithModel(path: string, model: string): string {
  return path.replace(
    /(\/models?\/)([^/]+?)(:\w+|\/(?:invoke|converse)[\w-]*)$/,
    (_, before: string, _model: string, behind: string) => before + encodeURIComponent(model) + behind,
  )
}

/** Longest whole answer that is looked into, in bytes. */
const MAX_BODY = 32 * 1024 * 1024

/** What reads along with an answer of this type of content, which may be wrong where text is streamed. */
export function observerOf(wire: Wire, contentType: string): Observer {
  const streamed = /^text\/event-stream\b|^application\/vnd\.amazon\.eventstream\b/i.test(contentType)
  const text = (stream: () => Observer, body: () => Observer): Observer =>
    streamed ? stream() : new UnlabelledObserver(body, stream)
  switch (wire) {
    case 'chat':
      return text(
        () => new ChatStreamObserver(),
        () => new ChatBodyObserver(MAX_BODY),
      )
    case 'responses':
      return text(
        () => new ResponsesStreamObserver(),
        () => new ResponsesBodyObserver(MAX_BODY),
      )
    case 'messages':
      return text(
        () => new MessagesStreamObserver(),
        () => new MessagesBodyObserver(MAX_BODY),
      )
    case 'google':
      return text(
        () => new GenerateContentStreamObserver(),
        () => new GenerateContentBodyObserver(MAX_BODY),
      )
    case 'invoke':
      return streamed ? new InvokeStreamObserver() : new MessagesBodyObserver(MAX_BODY)
    case 'converse':
      return streamed ? new ConverseStreamObserver() : new ConverseBodyObserver(MAX_BODY)
    case 'other':
      return { push: () => undefined, observation: () => ({ ...NOTHING, complete: true }) }
  }
}
