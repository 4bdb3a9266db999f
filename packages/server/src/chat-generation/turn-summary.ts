import { modelForRun } from '../chat-settings/index.ts'
import { type ChatRow, readParts, textOf } from '../chats/index.ts'
import { generateText } from './call-model.ts'
import { CHATD } from './chatd.ts'
import type { GenerationParts } from './parts.ts'
import { effortOf } from './prepare.ts'
import { TURN_SUMMARY_INSTRUCTION } from './prompt/texts.ts'
import { listSpoken, storeTurnSummary } from './store/history.ts'
import { tidyTitle } from './titles.ts'

const LABEL_MS = 30_000
const MAX_WORDS = 5
const MAX_TOKENS = 128
/** Messages that are looked at, and characters of each. */
const MESSAGES = 6
const MAX_TEXT = 2_000
const FINISHED = 'Finished latest turn'
const ASKED = 'Waiting for user input'

/**
 * Says in a few words what the turn that has just ended was about (CH-1012).
 *
 * @param tell called with those words, before they are stored.
 */
export function labelTurn(parts: GenerationParts, chat: ChatRow, tell: (label: string) => void): void {
  if (!parts.timings.asides) {
    tell(FINISHED)
    return
  }
  parts.asides.do('turn summary', async (stopping) => {
    const label = await labelOf(parts, chat, AbortSignal.any([stopping, AbortSignal.timeout(LABEL_MS)]))
    tell(label)
    await storeTurnSummary(CHATD, parts.context.database.db, chat, label)
  })
}

async function labelOf(parts: GenerationParts, chat: ChatRow, signal: AbortSignal): Promise<string> {
  const rows = await listSpoken(CHATD, parts.context.database.db, chat, MESSAGES)
  const last = rows.at(-1)
  const lastParts = last === undefined ? [] : readParts(last.content, last.content_version)
  if (lastParts.some((part) => part.type === 'tool-call' && part.tool_name === 'ask_user_question'))
    return ASKED
  const conversation = rows
    .slice(-MESSAGES)
    .map((row) => `${row.role}: ${textOf(readParts(row.content, row.content_version)).slice(0, MAX_TEXT)}`)
    .join('\n\n')
  try {
    const model = await modelForRun(parts.settings, {
      ownerId: chat.owner_id,
      modelConfigId: chat.last_model_config_id,
      reasoningEffort: effortOf(chat),
    })
    const { text } = await generateText(parts, chat, model, {
      prompt: [
        { role: 'system', content: TURN_SUMMARY_INSTRUCTION },
        {
          role: 'user',
          content: [{ type: 'text', text: `<conversation>\n${conversation}\n</conversation>` }],
        },
      ],
      maxOutputTokens: MAX_TOKENS,
      abortSignal: signal,
    })
    const label = tidyTitle(text).split(' ').slice(0, MAX_WORDS).join(' ')
    return label === '' ? FINISHED : label
  } catch (error) {
    if (signal.aborted && !(signal.reason instanceof DOMException)) throw error
    return FINISHED
  }
}
