import { overrideModel, type RunModel } from '../chat-settings/index.ts'
import { type ChatRow, firstTitle, type MessageRow, readParts, textOf } from '../chats/index.ts'
import { generateText } from './call-model.ts'
import { CHATD } from './chatd.ts'
import type { CallOptions } from './model/language-model.ts'
import type { GenerationParts } from './parts.ts'
import type { Prepared } from './prepare.ts'
import { TITLE_INSTRUCTION } from './prompt/texts.ts'
import { listSpoken, replaceTitle } from './store/history.ts'

/** For a title to come (CH-1010, CH-1011), in milliseconds. */
export const TITLE_MS = 30_000
const MAX_WORDS = 8
const MAX_CHARACTERS = 80
const MAX_TOKENS = 256
const WINDOW = 50
export const MAX_CONTEXT = 6_000
const MAX_LAST_MESSAGE = 1_000

/** Gives a new chat a better title than its first words, beside its first turn; what a user has chosen stays (CH-1010). */
export function maybeTitle(parts: GenerationParts, chat: ChatRow, { history, model }: Prepared): void {
  if (!parts.timings.asides || chat.parent_chat_id !== null) return
  const [message, ...more] = history.messages
  if (message === undefined || more.length > 0 || message.row.role !== 'user' || message.row.compressed)
    return
  const text = textOf(message.parts)
  if (text === '' || chat.title !== firstTitle(text)) return
  parts.asides.do('title', async (stopping) => {
    const chosen = await titleModel(parts, chat, model)
    if (chosen === undefined) return
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(TITLE_MS)])
    const title = await makeTitle(parts, chat, chosen, text.slice(0, MAX_CONTEXT), signal)
    if (title === '') return
    await replaceTitle(CHATD, parts.context.database.db, chat, { from: chat.title, to: title })
  })
}

/** The model that names chats: what the deployment has chosen, else the chat's own; undefined for a choice that fails. */
async function titleModel(
  { settings }: GenerationParts,
  chat: ChatRow,
  own: RunModel,
): Promise<RunModel | undefined> {
  const override = await overrideModel(settings, 'title_generation', chat.owner_id)
  switch (override.kind) {
    case 'unset':
      return own
    case 'stale':
    case 'unusable':
      return undefined
    case 'model':
      return override.model
  }
}

/**
 * A title for a chat as it is now (CH-1011); empty when the model has none to give.
 *
 * @param own the model of the chat.
 * @throws what the provider fails with; the reason of the signal.
 */
export async function proposeTitle(
  parts: GenerationParts,
  chat: ChatRow,
  own: RunModel,
  signal: AbortSignal,
): Promise<string> {
  const model = (await titleModel(parts, chat, own)) ?? own
  const rows = await listSpoken(CHATD, parts.context.database.db, chat, WINDOW)
  return makeTitle(parts, chat, model, sample(rows), signal)
}

async function makeTitle(
  parts: GenerationParts,
  chat: ChatRow,
  model: RunModel,
  conversation: string,
  signal: AbortSignal,
): Promise<string> {
  const { text } = await generateText(parts, chat, model, titleCall(conversation, signal))
  return tidyTitle(text)
}

/** What a model is asked that has to name a conversation. */
export function titleCall(
  conversation: string,
  signal: AbortSignal,
): Pick<CallOptions, 'prompt' | 'maxOutputTokens' | 'abortSignal'> {
  return {
    prompt: [
      { role: 'system', content: TITLE_INSTRUCTION },
      {
        role: 'user',
        content: [{ type: 'text', text: `<conversation>\n${conversation}\n</conversation>` }],
      },
    ],
    maxOutputTokens: MAX_TOKENS,
    abortSignal: signal,
  }
}

/** What the model says, as a title: its first line without quotes, of at most 8 words and 80 characters. */
export function tidyTitle(text: string): string {
  const line = text
    .split('\n')
    .map((one) => one.trim())
    .find((one) => one !== '')
  const words = (line ?? '')
    .replace(/^(title|#+)\s*:?\s*/i, '')
    .replace(/^["'“”‘’«»`*_]+|["'“”‘’«»`*_.]+$/gu, '')
    .split(/\s+/)
    .filter((word) => word !== '')
  const characters = [...words.slice(0, MAX_WORDS).join(' ')]
  return characters.slice(0, MAX_CHARACTERS).join('').trim()
}

/** The first message and the latest ones that fit, in order; the last of the user in short (CH-1011). */
export function sample(rows: readonly MessageRow[]): string {
  const lastUser = rows.findLastIndex((row) => row.role === 'user')
  const turns = rows.flatMap((row, at) => {
    const text = textOf(readParts(row.content, row.content_version))
    if (text === '') return []
    return [`${row.role}: ${at === lastUser ? text.slice(0, MAX_LAST_MESSAGE) : text}`]
  })
  const [first = '', ...later] = turns
  const head = first.slice(0, MAX_CONTEXT / 3)
  let left = MAX_CONTEXT - head.length
  const kept: string[] = []
  for (const turn of later.reverse()) {
    if (left <= 0) break
    kept.unshift(turn.slice(0, left))
    left -= turn.length
  }
  return [head, ...kept].join('\n\n')
}
