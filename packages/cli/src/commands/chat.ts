import type { Command } from 'commander'

import { type Chat, createChat, getChat, listChatMessages, sendChatMessage } from '@slipway/contract'
import {
  type FileFlags,
  fileOption,
  type ModelFlags,
  messageOf,
  modelChoice,
  modelOptions,
  type NewChatFlags,
  newChat,
  newChatOptions,
} from '../chat/chat-options.ts'
import { findChat } from '../chat/find-chat.ts'
import { followChat } from '../chat/follow-chat.ts'
import { safeText } from '../chat/safe-text.ts'
import { Transcript } from '../chat/transcript.ts'
import { uploadFiles } from '../chat/upload-file.ts'
import { INTERRUPTED, interrupt, isBusy, tellOutcome, waitForTurn } from '../chat/wait-for-turn.ts'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { jsonOption, type OutputFlags } from '../output.ts'
import { ask, interactive } from '../prompt.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'
import { chatListCommands } from './chat-list.ts'
import { chatModelCommands } from './chat-models.ts'

interface WaitFlags extends OutputFlags {
  readonly wait?: boolean
}

/** `chat …`. */
export function chatCommands(program: Command): void {
  const chat = newChatOptions(program.command('chat')).action(async (own: NewChatFlags, command: Command) => {
    const client = await openTerminal(command)
    const { pickChat } = await import('../chat/pick-chat.ts')
    await converse(client, own, await pickChat(client))
  })
  modelOptions(chat.command('resume <chat>'))
    .description('Go on talking in a chat')
    .action(async (name: string, own: ModelFlags, command: Command) => {
      const client = await openTerminal(command)
      await converse(client, own, await findChat(client, name))
    })
  startCommands(chat)
  followCommand(chat)
  chatListCommands(chat)
  chatModelCommands(chat)
}

function startCommands(chat: Command): void {
  waitOption(fileOption(newChatOptions(chat.command('start [message...]').alias('create'))))
    .description('Start a chat with a message, or with standard input; at a terminal without either, talk')
    .action(async (words: string[], own: NewChatFlags & FileFlags & WaitFlags, command: Command) => {
      const client = await openSession(command)
      if (words.length === 0 && interactive()) return converse(client, own)
      const text = await messageOf(words)
      const options = await newChat(client, own)
      const files = await uploadFiles(client, options.organization_id, own.file ?? [])
      const made = await client.call(createChat, {
        body: { ...options, content: [{ type: 'text', text }, ...files] },
      })
      if (own.wait === true) return waitAndPrint(client, made.id, 0, own)
      if (own.output === 'json') return printJson(made)
      process.stdout.write(`${made.id}\n`)
      process.stderr.write(`It works: \`slipway chat follow ${made.id}\` shows how.\n`)
    })
  waitOption(fileOption(modelOptions(chat.command('send <chat> [message...]'))))
    .description('Send a message, or standard input, to a chat; when it is busy, the message waits')
    .option('--interrupt', 'stop what the chat works on, so that the message comes next')
    .action(
      async (
        name: string,
        words: string[],
        own: ModelFlags & FileFlags & WaitFlags & { readonly interrupt?: boolean },
        command: Command,
      ) => {
        const client = await openSession(command)
        const { id, organization_id: organization } = await findChat(client, name)
        const text =
          words.length === 0 && interactive() ? await ask('Message', 'the message') : await messageOf(words)
        const files = await uploadFiles(client, organization, own.file ?? [])
        const before = own.wait === true ? await lastMessage(client, id) : 0
        const sent = await client.call(sendChatMessage, {
          params: { chat: id },
          body: {
            content: [{ type: 'text', text }, ...files],
            ...(await modelChoice(client, own)),
            ...(own.interrupt === true ? { busy_behavior: 'interrupt' as const } : {}),
          },
        })
        for (const warning of sent.warnings ?? []) process.stderr.write(`${warning}\n`)
        if (own.wait === true) return waitAndPrint(client, id, before, own)
        if (own.output === 'json') return printJson(sent)
        process.stdout.write(
          sent.queued_message === undefined ? 'Sent.\n' : `Queued as ${sent.queued_message.id}.\n`,
        )
      },
    )
  jsonOption(chat.command('interrupt <chat>').alias('stop'))
    .description('Stop what a chat works on; what it has said so far stays')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id, status } = await findChat(client, name)
      if (!isBusy(status) && status !== 'requires_action')
        throw new CommandError(`the chat has nothing to interrupt: it is ${status}`)
      await interrupt(client, id)
      const now = await client.call(getChat, { params: { chat: id } })
      if (own.output === 'json') printJson(now)
      else process.stdout.write('Interrupted.\n')
    })
}

function followCommand(chat: Command): void {
  jsonOption(chat.command('follow <chat>').alias('watch'))
    .description('Show a chat and what happens in it; as JSON, one event a line')
    .option('--after-id <id>', 'only messages behind this one')
    .option('--wait', 'end when the chat has nothing to do any more')
    .action(
      async (
        name: string,
        own: OutputFlags & { readonly afterId?: string; readonly wait?: boolean },
        command: Command,
      ) => {
        const afterId = own.afterId === undefined ? 0 : wholeNumber(own.afterId, '--after-id', 0)
        const client = await openSession(command)
        const { id } = await findChat(client, name)
        const transcript = new Transcript((text) => void process.stdout.write(text))
        const leaving = new AbortController()
        const leave = (): void => {
          process.exitCode = INTERRUPTED
          leaving.abort()
        }
        process.once('SIGINT', leave)
        await followChat(
          client,
          id,
          async (events) => {
            let idle = false
            for (const event of events) {
              if (own.output === 'json') await printed(`${JSON.stringify(event)}\n`)
              else transcript.take(event)
              if (event.status !== undefined) idle = !isBusy(event.status.status)
            }
            return idle && own.wait === true
          },
          { afterId, signal: leaving.signal },
        )
        process.off('SIGINT', leave)
        if (own.wait === true && !leaving.signal.aborted) await tellOutcome(client, id, false)
      },
    )
}

function waitOption(command: Command): Command {
  return jsonOption(command).option('--wait', 'wait until the chat has nothing to do, and print its answer')
}

/** Waits for the answer: on a terminal it is shown as it comes, else it is printed at the end. */
async function waitAndPrint(
  client: Connection,
  chat: string,
  afterId: number,
  own: OutputFlags,
): Promise<void> {
  const live = own.output !== 'json' && process.stdout.isTTY === true
  const mine = (): boolean => false
  const transcript = live ? new Transcript((text) => void process.stdout.write(text), mine) : undefined
  const { answer, interrupted } = await waitForTurn(client, chat, afterId, transcript)
  if (own.output === 'json') {
    const now: Chat = await client.call(getChat, { params: { chat } })
    printJson({ ...now, answer })
  } else if (!live && answer !== '') process.stdout.write(`${safeText(answer)}\n`)
  await tellOutcome(client, chat, interrupted)
}

async function lastMessage(client: Connection, chat: string): Promise<number> {
  const { messages } = await client.call(listChatMessages, { params: { chat }, query: { limit: '1' } })
  return messages[0]?.id ?? 0
}

/** The session of somebody who sits at a terminal. @throws CommandError for anybody else. */
async function openTerminal(command: Command): Promise<Connection> {
  const client = await openSession(command)
  if (interactive()) return client
  throw new CommandError('there is no terminal to chat on: `slipway chat start` and `send` take a message')
}

async function converse(client: Connection, flags: NewChatFlags, chat?: Chat): Promise<void> {
  const { converse: talk } = await import('../chat/converse.ts')
  await talk(client, flags, chat)
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** Resolves when whoever reads the output has room for more. */
function printed(text: string): Promise<void> | undefined {
  if (process.stdout.write(text)) return undefined
  return new Promise((resolve) => process.stdout.once('drain', () => resolve()))
}
