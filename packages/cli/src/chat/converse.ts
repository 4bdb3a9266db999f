import {
  type Chat,
  type ChatMessage,
  type ChatStatus,
  type ChatStreamEvent,
  createChat,
  listChatMessages,
  listOrganizationsOfUser,
  sendChatMessage,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { explain } from '../errors.ts'
import { pick } from '../prompt.ts'
import { modelChoice, type NewChatFlags, newChat } from './chat-options.ts'
import { findModel } from './find-chat.ts'
import { followChat } from './follow-chat.ts'
import { messageText, textOf } from './message-text.ts'
import { safeLine } from './safe-text.ts'
import { TerminalInput } from './terminal-input.ts'
import { Transcript } from './transcript.ts'
import { INTERRUPTED, interrupt, isBusy } from './wait-for-turn.ts'

/** Messages that are shown of a chat that goes on. */
const SHOWN = 20

const HELP = `  /plan           plan before anything is changed, or no longer
  /model <name>   have another model answer
  /help           this
  /quit           leave; what runs goes on (so does Ctrl-D)
  Ctrl-C          interrupt; again: leave
A line that ends in a backslash goes on in the next one.
`

/**
 * Talks to a chat, or to a new one, at the terminal until the user leaves: shows answers as they come, and takes messages
 * meanwhile, which wait for their turn. The first Ctrl-C interrupts the chat, the second one leaves it.
 *
 * @throws ApiFailure, ConnectionFailure and CommandError of what cannot begin, or cannot be followed any more.
 */
export async function converse(client: Connection, flags: NewChatFlags, chat?: Chat): Promise<void> {
  const created = chat === undefined ? await newChat(client, await placed(client, flags)) : undefined
  const choice = created === undefined ? await modelChoice(client, flags) : {}
  const conversation = new Conversation(client, created, choice)
  if (chat !== undefined) await conversation.goOn(chat)
  await conversation.run()
}

/** Asks which organization a new chat is to be in, where there are several. */
async function placed(client: Connection, flags: NewChatFlags): Promise<NewChatFlags> {
  if ((flags.org ?? flags.organization ?? flags.workspace) !== undefined) return flags
  const all = await client.call(listOrganizationsOfUser, { params: { user: 'me' } })
  if (all.length < 2) return flags
  const org = await pick(
    'Organization',
    all.map(({ id, name, display_name: shown }) => ({ value: id, label: safeLine(shown || name, 60) })),
  )
  return { ...flags, org }
}

type Choice = Awaited<ReturnType<typeof modelChoice>>

class Conversation {
  readonly #client: Connection
  readonly #created: Awaited<ReturnType<typeof newChat>> | undefined
  readonly #transcript: Transcript
  readonly #leaving = new AbortController()
  /** What was typed here and has not come back yet: it is on the screen. */
  readonly #typed: string[] = []
  #choice: Choice
  #chat: string | undefined
  #status: ChatStatus = 'waiting'
  #interrupted = false
  /** Whether the prompt is gone from the screen. */
  #wrote = false
  #handling = Promise.resolve()
  #following: Promise<void> | undefined
  #input: TerminalInput | undefined
  /** Told when the chat has nothing to do any more. */
  #onIdle: () => void = () => undefined

  constructor(client: Connection, created: Awaited<ReturnType<typeof newChat>> | undefined, choice: Choice) {
    this.#client = client
    this.#created = created
    this.#choice = choice
    this.#transcript = new Transcript(
      (text) => this.#write(text),
      (message) => this.#isNews(message),
    )
  }

  /** Shows the end of a chat and follows it. */
  async goOn(chat: Chat): Promise<void> {
    const { messages } = await this.#client.call(listChatMessages, {
      params: { chat: chat.id },
      query: { limit: String(SHOWN) },
    })
    for (const message of messages.toReversed()) process.stdout.write(`${messageText(message)}\n`)
    this.#follow(chat, messages[0]?.id ?? 0)
  }

  /** Takes messages until the user leaves. @throws what the following of the chat failed with. */
  async run(): Promise<void> {
    process.stderr.write('Type a message; /help tells what else there is.\n')
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    using input = new TerminalInput({
      onMessage: (text) => {
        this.#handling = this.#handling.then(() => this.#entered(text))
      },
      onInterrupt: this.#pressed,
      onEnd: end,
    })
    this.#input = input
    process.on('SIGINT', this.#pressed)
    this.#leaving.signal.addEventListener('abort', () => end(), { once: true })
    if (isBusy(this.#status)) input.hush()
    else input.ask()
    try {
      await ended
      await this.#handling
      // Who pipes messages in wants their answers.
      if (process.stdin.isTTY !== true) await this.#idle()
    } finally {
      process.off('SIGINT', this.#pressed)
      this.#leaving.abort()
    }
    await this.#following
    if (this.#chat !== undefined)
      process.stderr.write(`\nGo on with \`slipway chat resume ${this.#chat}\`.\n`)
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#leaving.signal.addEventListener('abort', () => resolve(), { once: true })
      if (this.#leaving.signal.aborted || !isBusy(this.#status)) resolve()
    })
  }

  readonly #pressed = (): void => {
    if (this.#interrupted) {
      process.exitCode = INTERRUPTED
      this.#leaving.abort()
      return
    }
    this.#interrupted = true
    if (this.#chat !== undefined && isBusy(this.#status)) {
      process.stderr.write('\n(interrupting; Ctrl-C again leaves)\n')
      void interrupt(this.#client, this.#chat)
      return
    }
    this.#input?.clear()
    process.stderr.write('\n(Ctrl-C again leaves)\n')
    this.#input?.ask()
  }

  async #entered(text: string): Promise<void> {
    this.#interrupted = false
    try {
      if (text.startsWith('/')) await this.#command(text)
      else if (text !== '') await this.#send(text)
    } catch (error) {
      process.stderr.write(explain(error))
    }
    if (!isBusy(this.#status) && !this.#leaving.signal.aborted) this.#input?.ask()
  }

  async #command(text: string): Promise<void> {
    const [word, ...rest] = text.split(/\s+/)
    switch (word) {
      case '/quit':
      case '/exit':
        this.#leaving.abort()
        return
      case '/plan': {
        const plan = this.#choice.plan_mode !== 'plan'
        this.#choice = { ...this.#choice, plan_mode: plan ? 'plan' : '' }
        process.stdout.write(plan ? '(plans first)\n' : '(plans no longer)\n')
        return
      }
      case '/model': {
        const { id, display_name: name } = await findModel(this.#client, rest.join(' '))
        this.#choice = { ...this.#choice, model_config_id: id }
        process.stdout.write(`(${safeLine(name)} answers)\n`)
        return
      }
      default:
        process.stdout.write(HELP)
    }
  }

  async #send(text: string): Promise<void> {
    const before = this.#status
    const content = [{ type: 'text', text }]
    this.#typed.push(text)
    this.#turn('running')
    try {
      if (this.#chat === undefined) {
        const made = await this.#client.call(createChat, {
          body: { ...this.#created, ...this.#choice, content },
        })
        process.stderr.write(`(${this.#client.url}/agents/${made.id})\n`)
        this.#follow(made, 0)
        return
      }
      const sent = await this.#client.call(sendChatMessage, {
        params: { chat: this.#chat },
        body: { content, ...this.#choice },
      })
      for (const warning of sent.warnings ?? []) process.stderr.write(`(${safeLine(warning, 500)})\n`)
    } catch (error) {
      this.#typed.pop()
      this.#turn(before)
      throw error
    }
  }

  #follow(chat: Chat, afterId: number): void {
    this.#chat = chat.id
    this.#turn(chat.status)
    this.#following = followChat(this.#client, chat.id, (events) => this.#take(events), {
      afterId,
      signal: this.#leaving.signal,
    })
    // What went wrong is told when everything has ended.
    this.#following.catch(() => this.#leaving.abort())
  }

  #take(events: readonly ChatStreamEvent[]): boolean {
    const before = this.#status
    let now: ChatStatus = before
    for (const event of events) {
      this.#transcript.take(event)
      now = event.status?.status ?? now
    }
    this.#turn(now)
    if (isBusy(now)) return false
    if (isBusy(before)) {
      process.stdout.write('\n')
      this.#onIdle()
      this.#input?.ask()
    } else if (this.#wrote) this.#input?.ask()
    this.#wrote = false
    return false
  }

  /** What comes while somebody may type takes the place of the prompt, which comes back behind it. */
  #write(text: string): void {
    if (!isBusy(this.#status) && !this.#wrote && process.stdout.isTTY === true)
      process.stdout.write('\r\u001b[K')
    this.#wrote = true
    process.stdout.write(text)
  }

  #turn(status: ChatStatus): void {
    this.#status = status
    if (isBusy(status)) this.#input?.hush()
  }

  #isNews({ content }: ChatMessage): boolean {
    if (this.#typed[0] !== textOf(content)) return true
    this.#typed.shift()
    return false
  }
}
