import type { FileReference } from './diff-rows.ts'

/** What may come to a composer from beside the conversation. */
type Delivery =
  | { readonly kind: 'reference'; readonly reference: FileReference }
  | { readonly kind: 'text'; readonly text: string }
type Receiver = (delivery: Delivery) => void

const receivers = new Map<string, Receiver>()

/** The composer of a chat takes what is meant for it beside the conversation, until the returned function is called. */
export function receiveDeliveries(chat: string, receiver: Receiver): () => void {
  receivers.set(chat, receiver)
  return () => {
    if (receivers.get(chat) === receiver) receivers.delete(chat)
  }
}

/** Hands something to the composer of a chat, which does not send it by itself; false where nobody can write. */
export function deliver(chat: string, delivery: Delivery): boolean {
  const receiver = receivers.get(chat)
  receiver?.(delivery)
  return receiver !== undefined
}
