import type { FileReference } from './diff-rows.ts'

type Receiver = (reference: FileReference) => void

const receivers = new Map<string, Receiver>()

/** The composer of a chat takes what is pointed at beside the conversation, until the returned function is called. */
export function receiveReferences(chat: string, receiver: Receiver): () => void {
  receivers.set(chat, receiver)
  return () => {
    if (receivers.get(chat) === receiver) receivers.delete(chat)
  }
}

/** Hands lines to the composer of a chat; false where nobody can write. */
export function sendReference(chat: string, reference: FileReference): boolean {
  const receiver = receivers.get(chat)
  receiver?.(reference)
  return receiver !== undefined
}
