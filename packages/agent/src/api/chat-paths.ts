import type { ApiRequest } from './answer.ts'

/** Chats and folders that are remembered; the ones that were named longest ago go first. */
const MAX_CHATS = 256
const MAX_PATHS = 64
const MAX_ANCESTORS = 16
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The chat that a request is made for (AC-123); undefined when it is none. */
export function chatOf(request: Pick<ApiRequest, 'headers'>): string | undefined {
  const value = request.headers['coder-chat-id']
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The chats that a chat was started by (AC-123). What cannot be read counts as none. */
function ancestorsOf(request: Pick<ApiRequest, 'headers'>): readonly string[] {
  const text = request.headers['coder-ancestor-chat-ids']
  if (typeof text !== 'string' || text === '') return []
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return []
    return value.filter((id): id is string => typeof id === 'string' && UUID.test(id)).slice(0, MAX_ANCESTORS)
  } catch {
    return []
  }
}

/** Where chats have worked, so that their users see the repositories that they have changed. */
export class ChatPaths {
  readonly #paths = new Map<string, Set<string>>()
  readonly #listeners = new Set<(chatId: string) => void>()

  /** Notes that the chat of a request, and those that have started it, work with this file or folder. */
  note(request: Pick<ApiRequest, 'headers'>, path: string): void {
    const chat = chatOf(request)
    if (chat === undefined) return
    for (const id of [chat, ...ancestorsOf(request)]) {
      const paths = this.#paths.get(id) ?? new Set()
      this.#paths.delete(id)
      this.#paths.set(id, paths)
      paths.delete(path)
      paths.add(path)
      shrink(paths, MAX_PATHS)
    }
    shrink(this.#paths, MAX_CHATS)
    for (const listener of this.#listeners) listener(chat)
  }

  /** Where a chat has worked. */
  of(chatId: string): readonly string[] {
    return [...(this.#paths.get(chatId) ?? [])]
  }

  /** Tells whenever a chat works somewhere. */
  watch(listener: (chatId: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}

function shrink(all: Map<string, unknown> | Set<string>, limit: number): void {
  for (const key of all.keys()) {
    if (all.size <= limit) return
    all.delete(key)
  }
}
