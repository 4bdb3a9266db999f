import type { AgentManifest, TaskLogSnapshot } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from './control-plane.ts'

/** A stop waits for it. */
const ASK_MS = 5_000
/** What the control plane takes is 64 KiB, with all that is around the messages. */
const MAX_BYTES = 60 * 1024
/** A message that is too long by itself keeps so many characters. */
const MAX_CHARACTERS = 8_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Keeps the end of what was said in the task of this workspace, so that it can be read while the program does not run
 * (WS-259). A failure is logged, and keeps nothing from ending.
 */
export async function keepTaskLog(
  { task }: Pick<AgentManifest, 'task'>,
  controlPlane: ControlPlane,
  log: Logger,
): Promise<void> {
  if (task === undefined) return
  try {
    await controlPlane.taskLog(task.id, { messages: newest(await messagesAt(task.app_url)) })
  } catch (error) {
    log.warn('what was said in the task could not be kept', { error: describeError(error) })
  }
}

async function messagesAt(appUrl: string): Promise<TaskLogSnapshot['messages']> {
  const url = new URL(appUrl)
  if (url.protocol !== 'http:') throw new Error('the app is not spoken to by HTTP')
  url.pathname = `${url.pathname.replace(/\/$/, '')}/messages`
  const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) })
  if (!response.ok) throw new Error(`the app answered with status ${response.status}`)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > MAX_ANSWER_BYTES) throw new Error('the app answered with too much')
    parts.push(part)
  }
  const said: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
  const messages: unknown = typeof said === 'object' && said !== null ? Reflect.get(said, 'messages') : []
  if (!Array.isArray(messages)) throw new Error('the app answered with something else than messages')
  return messages.map((message: Record<string, unknown>) => ({
    id: Number(message.id),
    content: String(message.content),
    role: message.role === 'user' ? 'user' : 'agent',
    time: new Date(String(message.time)).toISOString(),
  }))
}

/** The last messages that fit, each cut to a length that leaves room for others. */
function newest(messages: TaskLogSnapshot['messages']): TaskLogSnapshot['messages'] {
  const kept: TaskLogSnapshot['messages'] = []
  let size = 0
  for (const message of messages.toReversed()) {
    const short = { ...message, content: message.content.slice(-MAX_CHARACTERS) }
    size += Buffer.byteLength(JSON.stringify(short)) + 1
    if (size > MAX_BYTES) break
    kept.unshift(short)
  }
  return kept
}
