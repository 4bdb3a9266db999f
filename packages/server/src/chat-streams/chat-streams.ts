import type { AppContext } from '../context.ts'
import { ChatHub } from './chat-hub.ts'
import type { StreamParts } from './follow-chat.ts'
import { PartBuffer } from './part-buffer.ts'
import { PartRelays } from './part-relays.ts'

/** Everything that streams of chats share on this replica. */
export class ChatStreams implements StreamParts, AsyncDisposable {
  readonly context: AppContext
  readonly hub: ChatHub
  readonly buffer: PartBuffer
  readonly relays: PartRelays

  constructor(context: AppContext) {
    this.context = context
    this.hub = new ChatHub(context)
    this.buffer = new PartBuffer(context.metrics)
    this.relays = new PartRelays(context, this.buffer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relays[Symbol.asyncDispose]()
    await this.hub[Symbol.asyncDispose]()
    this.buffer[Symbol.dispose]()
  }
}
