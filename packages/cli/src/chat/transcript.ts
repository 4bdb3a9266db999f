import type { ChatMessage, ChatStreamEvent, ChatStreamMessagePart } from '@slipway/contract'
import { messageText, PartWords } from './message-text.ts'
import { safeLine } from './safe-text.ts'

/** Shows a chat as it goes on, as text that is only ever added to. */
export class Transcript {
  readonly #write: (text: string) => void
  /** Whether a message of a user is to be shown: what somebody has just typed is on the screen. */
  readonly #isNews: (message: ChatMessage) => boolean
  /** Of the answer under way: what is on the screen, and what the preview says. */
  #shown = ''
  #said = ''
  #words = new PartWords()
  #lastId = 0
  #queued = 0

  constructor(write: (text: string) => void, isNews: (message: ChatMessage) => boolean = () => true) {
    this.#write = write
    this.#isNews = isNews
  }

  take(event: ChatStreamEvent): void {
    switch (event.type) {
      case 'message':
        if (event.message !== undefined) this.#message(event.message)
        return
      case 'message_part':
        if (event.message_part !== undefined) this.#part(event.message_part)
        return
      case 'preview_reset':
        this.#said = ''
        this.#words = new PartWords()
        return
      case 'history_reset':
        this.#endAnswer()
        this.#lastId = 0
        this.#write('\n(The conversation was changed; this is it now.)\n\n')
        return
      case 'queue_update':
        this.#queue(event.queued_messages?.length ?? 0)
        return
      case 'retry':
        if (event.retry !== undefined) {
          const { error, delay_ms: delay, attempt } = event.retry
          this.#note(`try ${attempt} failed: ${safeLine(error, 500)}; again in ${Math.ceil(delay / 1000)} s`)
        }
        return
      case 'error':
        if (event.error !== undefined) {
          const { message, detail } = event.error
          this.#note(
            `error: ${safeLine(message, 500)}${detail === undefined ? '' : ` (${safeLine(detail, 500)})`}`,
          )
        }
        return
      case 'action_required':
        for (const call of event.action_required?.tool_calls ?? [])
          this.#note(`waits for the result of ${safeLine(call.tool_name)} (${safeLine(call.tool_call_id)})`)
        return
      case 'status':
        return
    }
  }

  /** Ends the line that an answer stands in when it goes no further. */
  #endAnswer(): void {
    if (this.#shown !== '' && !this.#shown.endsWith('\n')) this.#write('\n')
    this.#shown = ''
    this.#said = ''
    this.#words = new PartWords()
  }

  #message(message: ChatMessage): void {
    // A message that was shown has changed, in what is not shown.
    if (message.id <= this.#lastId) return
    this.#lastId = message.id
    if (message.role === 'assistant') {
      this.#said = ''
      this.#say(messageText(message))
      this.#endAnswer()
      return
    }
    this.#endAnswer()
    if (message.role !== 'user') this.#write(messageText(message))
    else if (this.#isNews(message)) this.#write(`\n${messageText(message)}\n`)
  }

  #part({ role, part }: ChatStreamMessagePart): void {
    // Results of tools are shown when they are complete.
    if (role === 'assistant') this.#say(this.#words.of(part))
  }

  /** An answer that begins again, on a connection that came back, mostly says what is on the screen. */
  #say(text: string): void {
    if (this.#said.length === this.#shown.length) {
      this.#write(text)
      this.#said += text
      this.#shown = this.#said
      return
    }
    this.#said += text
    if (this.#shown.startsWith(this.#said)) return
    if (this.#said.startsWith(this.#shown)) this.#write(this.#said.slice(this.#shown.length))
    else this.#write(`${this.#shown.endsWith('\n') ? '' : '\n'}(again)\n${this.#said}`)
    this.#shown = this.#said
  }

  #queue(waiting: number): void {
    // The answer goes on behind it.
    if (waiting > this.#queued)
      this.#write(`${this.#shown === '' || this.#shown.endsWith('\n') ? '' : '\n'}(${waiting} queued)\n`)
    this.#queued = waiting
  }

  #note(text: string): void {
    this.#endAnswer()
    this.#write(`(${text})\n`)
  }
}
