import type { GatewayCall } from '../ai-gateway/index.ts'
import type { ModelProvider } from '../ai-providers/index.ts'
import type { RunModel } from '../chat-settings/index.ts'
import type { ChatRow } from '../chats/index.ts'
import { DeadlinePassed, StreamCut, StreamSilence } from './failure.ts'
import type { Answer } from './model/answer.ts'
import { callSettings } from './model/call-options.ts'
import {
  type CallOptions,
  type LanguageModel,
  languageModel,
  type StreamPart,
} from './model/language-model.ts'
import type { GenerationParts } from './parts.ts'

type Finish = Extract<StreamPart, { readonly type: 'finish' }>

/** How a stream ended. */
export interface StreamEnd {
  readonly finish: Finish['finishReason']['unified']
  readonly usage: Finish['usage']
}

/**
 * A model that is asked for a chat, through the gateway, in the name of the chat's owner (CH-508, CH-704).
 *
 * @param isWished whether the owner has asked for the try, although the provider wants to be left alone (B-6).
 */
export function modelFor(
  parts: Pick<GenerationParts, 'gateway' | 'metrics'>,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'root_chat_id' | 'parent_chat_id' | 'workspace_id'>,
  model: RunModel,
  { isWished = false }: { readonly isWished?: boolean } = {},
): Promise<LanguageModel> {
  const root = chat.root_chat_id ?? chat.parent_chat_id ?? chat.id
  return modelCalled(parts, model, {
    ownerId: chat.owner_id,
    triesResting: isWished,
    rootChatId: root,
    ...(root === chat.id ? {} : { subchatId: chat.id }),
    ...(chat.workspace_id === null ? {} : { workspaceId: chat.workspace_id }),
  })
}

/** A model that is asked through the gateway, in the name of a user. */
export async function modelCalled(
  parts: Pick<GenerationParts, 'gateway' | 'metrics'>,
  { provider, config }: RunModel,
  call: Omit<GatewayCall, 'provider' | 'apiKeyId'>,
): Promise<LanguageModel> {
  const send = parts.gateway.fetchFor({
    ...call,
    provider: provider.id,
    apiKeyId: await parts.gateway.keyFor(call.ownerId),
  })
  return languageModel(provider, config, (input, init) => {
    if (typeof init?.body === 'string')
      parts.metrics.promptBytes.observe(labelsOf(provider, config.model), init.body.length)
    return send(input, init)
  })
}

/** Labels of the series of a model. */
export function labelsOf(provider: Pick<ModelProvider, 'name'>, model: string) {
  return { provider: provider.name, model }
}

/**
 * Asks a model and puts what it says into the answer, piece by piece.
 *
 * @param options `silenceMs` is how long nothing may come (CH-722) and `limitMs` how long all of it may take (CH-606);
 * `onFirst` is called at the first piece.
 * @throws what the provider or the network fails with; StreamCut, StreamSilence, DeadlinePassed; the reason of the signal.
 */
export async function streamAnswer(
  model: LanguageModel,
  call: CallOptions,
  answer: Answer,
  options: {
    readonly signal: AbortSignal
    readonly silenceMs: number
    readonly limitMs: number
    readonly onFirst: () => void
  },
): Promise<StreamEnd> {
  const { silenceMs, limitMs } = options
  const own = new AbortController()
  const silence = setTimeout(
    () => own.abort(new StreamSilence(`nothing came for ${silenceMs} ms`)),
    silenceMs,
  )
  // A model that says the same thing over and over never falls silent.
  const limit = setTimeout(
    () => own.abort(new DeadlinePassed(`the answer was not complete after ${limitMs / 1000} s`)),
    limitMs,
  )
  const signal = AbortSignal.any([options.signal, own.signal])
  try {
    const { stream } = await model.doStream({ ...call, abortSignal: signal })
    return await read(stream, answer, signal, () => {
      silence.refresh()
      options.onFirst()
    })
  } catch (error) {
    // Libraries wrap what ended their request.
    if (signal.aborted) throw signal.reason
    throw error
  } finally {
    clearTimeout(silence)
    clearTimeout(limit)
  }
}

async function read(
  stream: ReadableStream<StreamPart>,
  answer: Answer,
  signal: AbortSignal,
  onPiece: () => void,
): Promise<StreamEnd> {
  const reader = stream.getReader()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  aborted.catch(() => undefined)
  let end: StreamEnd | undefined
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), aborted])
      if (done) break
      if (value.type === 'error') throw value.error
      if (value.type === 'finish') {
        const { unified, raw } = value.finishReason
        // What a library says when the provider itself has not said that it is done.
        if (raw === undefined && !COMPLETE.has(unified)) throw new StreamCut(`the stream ended as ${unified}`)
        end = { finish: unified, usage: value.usage }
      } else if (value.type !== 'stream-start') {
        onPiece()
        answer.add(value)
      }
    }
  } finally {
    // Ends the request where it has not ended by itself; nobody waits for how the libraries do that.
    reader.cancel().catch(() => undefined)
  }
  if (end === undefined) throw new StreamCut('the stream ended without its last event')
  return end
}

const COMPLETE: ReadonlySet<string> = new Set(['stop', 'length', 'tool-calls', 'content-filter'])

/** A text that a model writes in one piece, without tools; with what it took. */
export async function generateText(
  parts: Pick<GenerationParts, 'gateway' | 'metrics'>,
  chat: ChatRow,
  runModel: RunModel,
  {
    isWished = false,
    ...call
  }: Pick<CallOptions, 'prompt' | 'maxOutputTokens' | 'abortSignal'> & { readonly isWished?: boolean },
): Promise<{ readonly text: string; readonly usage: Finish['usage'] }> {
  return textOfModel(await modelFor(parts, chat, runModel, { isWished }), runModel, call)
}

/** As {@link generateText}, of a model that is not asked for a chat. */
export async function textOfModel(
  model: LanguageModel,
  runModel: RunModel,
  call: Pick<CallOptions, 'prompt' | 'maxOutputTokens' | 'abortSignal'>,
): Promise<{ readonly text: string; readonly usage: Finish['usage'] }> {
  const { content, usage } = await model.doGenerate({ ...callSettings(runModel), ...call })
  const text = content
    .flatMap((piece) => (piece.type === 'text' ? [piece.text] : []))
    .join('')
    .trim()
  return { text, usage }
}
