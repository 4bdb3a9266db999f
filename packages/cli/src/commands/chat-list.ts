import { type Command, Option } from 'commander'

import {
  type Chat,
  type ChatMessage,
  type ChatQueuedMessage,
  compactChat,
  deleteChatQueuedMessage,
  exportChat,
  getChat,
  getChatCost,
  listChatMessages,
  listChats,
  promoteChatQueuedMessage,
  submitChatToolResults,
  updateChat,
} from '@slipway/contract'
import { labelsIn } from '../chat/chat-options.ts'
import { findChat } from '../chat/find-chat.ts'
import { messageText, textOf } from '../chat/message-text.ts'
import { safeText } from '../chat/safe-text.ts'
import type { Connection } from '../connection.ts'
import { listOption } from '../flags.ts'
import {
  ago,
  type Column,
  jsonOption,
  type OutputFlags,
  printRow,
  printRows,
  tableOptions,
} from '../output.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInputObject } from '../standard-input.ts'
import { textAt } from '../text-at.ts'
import { wholeNumber } from '../whole-number.ts'

const PAGE = 200

const COLUMNS: readonly Column<Chat>[] = [
  { name: 'id', value: (chat) => chat.id },
  { name: 'title', value: (chat) => chat.title },
  { name: 'status', value: ({ status, archived }) => (archived ? 'archived' : status) },
  { name: 'updated', value: (chat) => ago(chat.updated_at) },
  { name: 'owner', value: (chat) => chat.owner_username ?? chat.owner_id, extra: true },
  { name: 'organization id', value: (chat) => chat.organization_id, extra: true },
  { name: 'workspace id', value: (chat) => chat.workspace_id ?? '', extra: true },
  { name: 'model id', value: (chat) => chat.last_model_config_id, extra: true },
  { name: 'client type', value: (chat) => chat.client_type, extra: true },
  { name: 'plan mode', value: (chat) => chat.plan_mode ?? '', extra: true },
  {
    name: 'labels',
    value: ({ labels }) =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    extra: true,
  },
  { name: 'pull request', value: (chat) => chat.diff_status?.url ?? '', extra: true },
  { name: 'last turn', value: (chat) => chat.last_turn_summary ?? '', extra: true },
  { name: 'error', value: (chat) => chat.last_error?.message ?? '', extra: true },
  { name: 'created', value: (chat) => ago(chat.created_at), extra: true },
]

const QUEUE_COLUMNS: readonly Column<ChatQueuedMessage>[] = [
  { name: 'id', value: (message) => String(message.id) },
  { name: 'queued', value: (message) => ago(message.created_at) },
  { name: 'message', value: (message) => textOf(message.content).slice(0, 100) },
]

interface ListFlags extends OutputFlags {
  readonly archived?: boolean
  readonly shared?: boolean
  readonly label?: readonly string[]
  readonly search?: string
  readonly query?: string
  readonly limit: string
}

/** Commands that look at chats and put them in order. */
export function chatListCommands(chat: Command): void {
  lookingCommands(chat)
  queueCommands(chat)
  keepingCommands(chat)
}

function lookingCommands(chat: Command): void {
  tableOptions(chat.command('list').alias('ls'), COLUMNS)
    .description('List your chats')
    .option('--archived', 'those that are archived')
    .option('--shared', 'those that others share with you')
    .addOption(
      listOption('-l, --label <key=value>', 'only those with this label; may be given several times'),
    )
    .option('-s, --search <words>', 'only those whose title or messages have these words')
    .option('-q, --query <query>', 'further terms, such as pr_status:open or title:"release notes"')
    .option('-n, --limit <number>', 'how many at most', '50')
    .action(async (own: ListFlags, command: Command) => {
      const limit = wholeNumber(own.limit, '--limit')
      const terms = [
        ...(own.archived === true ? ['archived:true'] : []),
        ...(own.shared === true ? ['source:shared_with_me'] : []),
        ...(own.search === undefined ? [] : [`search:"${own.search.replaceAll('"', ' ')}"`]),
        ...(own.query === undefined ? [] : [own.query]),
      ]
      const labels = Object.entries(labelsIn(own.label ?? [])).map(([key, value]) => `${key}:${value}`)
      const client = await openSession(command)
      const chats = await client.call(listChats, {
        query: {
          limit,
          ...(terms.length === 0 ? {} : { q: terms.join(' ') }),
          ...(labels.length === 0 ? {} : { label: labels }),
        },
      })
      printRows(chats, COLUMNS, own)
    })
  tableOptions(chat.command('show <chat>'), COLUMNS)
    .description('Show a chat, by its id, the beginning of it, or its title')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      // What a list does not have, such as its files.
      const { id } = await findChat(client, name)
      printRow(await client.call(getChat, { params: { chat: id } }), COLUMNS, own)
    })
  jsonOption(chat.command('messages <chat>'))
    .description('Print what was said in a chat')
    .option('-n, --limit <number>', 'only so many of the latest messages; all when absent')
    .action(async (name: string, own: OutputFlags & { readonly limit?: string }, command: Command) => {
      const limit = own.limit === undefined ? undefined : wholeNumber(own.limit, '--limit')
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      const messages = await latestMessages(client, id, limit)
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(messages, null, 2)}\n`)
      else for (const message of messages) process.stdout.write(`${messageText(message)}\n`)
    })
  chat
    .command('export <chat>')
    .description('Print a chat and its subagents with all messages, as Markdown or JSON')
    .addOption(
      new Option('-f, --format <format>', 'how it is written')
        .choices(['markdown', 'json'])
        .default('markdown'),
    )
    .action(async (name: string, own: { readonly format: 'markdown' | 'json' }, command: Command) => {
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      const address = client.address(exportChat, { params: { chat: id }, query: { format: own.format } })
      process.stdout.write(await textAt(client, address))
    })
  jsonOption(chat.command('cost <chat>'))
    .description('Show what a chat and its subagents have cost')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      const cost = await client.call(getChatCost, { params: { chat: id } })
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(cost, null, 2)}\n`)
      else
        process.stdout.write(
          `$${(cost.total_cost_micros / 1e6).toFixed(4)} for ${cost.request_count} requests, ${cost.unpriced_request_count} of them without a price\n`,
        )
    })
}

function queueCommands(chat: Command): void {
  tableOptions(chat.command('queued <chat>'), QUEUE_COLUMNS)
    .description('List the messages that wait for a busy chat')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      const { queued_messages: queued } = await client.call(listChatMessages, { params: { chat: id } })
      printRows(queued, QUEUE_COLUMNS, own)
    })
  chat
    .command('delete-queued <chat> <messages...>')
    .description('Take messages out of the queue of a chat, by their ids')
    .action(async (name: string, messages: string[], _own: unknown, command: Command) => {
      for (const message of messages) wholeNumber(message, 'a queued message')
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      for (const queuedMessage of messages) {
        await client.call(deleteChatQueuedMessage, { params: { chat: id, queuedMessage } })
        process.stdout.write(`Deleted the queued message ${queuedMessage}.\n`)
      }
    })
  chat
    .command('promote-queued <chat> <message>')
    .description('Let a queued message be the next one; a chat that works is interrupted for it')
    .action(async (name: string, message: string, _own: unknown, command: Command) => {
      wholeNumber(message, 'a queued message')
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      await client.call(promoteChatQueuedMessage, { params: { chat: id, queuedMessage: message } })
      process.stdout.write(`The queued message ${message} is next.\n`)
    })
  chat
    .command('tool-results <chat>')
    .description('Give the results of tools that a program carries out: {"results": [...]} on standard input')
    .action(async (name: string, _own: unknown, command: Command) => {
      const results = await standardInputObject('the request with the results')
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      await client.upload(submitChatToolResults, jsonBytes(results), 'application/json', {
        params: { chat: id },
      })
      process.stdout.write('The chat goes on.\n')
    })
}

function keepingCommands(chat: Command): void {
  for (const [word, archived] of [
    ['archive', true],
    ['unarchive', false],
  ] as const)
    chat
      .command(`${word} <chats...>`)
      .description(archived ? 'Put chats away' : 'Take chats back that were put away')
      .action(async (names: string[], _own: unknown, command: Command) => {
        const client = await openSession(command)
        for (const name of names) {
          const { id, title } = await findChat(client, name)
          await client.call(updateChat, { params: { chat: id }, body: { archived } })
          process.stdout.write(`${archived ? 'Archived' : 'Unarchived'} ${safeText(title)} (${id}).\n`)
        }
      })
  chat
    .command('rename <chat> <title>')
    .description('Give a chat another title')
    .action(async (name: string, title: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      await client.call(updateChat, { params: { chat: id }, body: { title } })
      process.stdout.write(`The chat is called ${title} now.\n`)
    })
  chat
    .command('compact <chat>')
    .description('Have the model put what was said so far into few words, to make room')
    .action(async (name: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      const { id } = await findChat(client, name)
      await client.call(compactChat, { params: { chat: id } })
      process.stdout.write('The chat is being compacted.\n')
    })
}

/** The latest messages, oldest first. */
async function latestMessages(
  client: Connection,
  chat: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly ChatMessage[]> {
  const found: ChatMessage[] = []
  for (let more = true; more && found.length < limit; ) {
    const oldest = found.at(-1)?.id
    const page = await client.call(listChatMessages, {
      params: { chat },
      query: {
        limit: String(Math.min(PAGE, limit - found.length)),
        ...(oldest === undefined ? {} : { before_id: String(oldest) }),
      },
    })
    found.push(...page.messages)
    more = page.has_more && page.messages.length > 0
  }
  return found.reverse()
}
