import { setTimeout as delay } from 'node:timers/promises'

import { Type } from 'typebox'

import {
  type Chat,
  type ChatMessage,
  type ChatQueuedMessage,
  createChat,
  createChatFileDownloadUrl,
  getChat,
  interruptChat,
  listChatMessages,
  listChatModelConfigs,
  listChatModels,
  listChats,
  listOrganizationsOfUser,
  sendChatMessage,
  updateChat,
} from '@slipway/contract'
import { defineTool, type Tool, type ToolContext, ToolFault, uuid } from '../tool.ts'

const LOOK_AGAIN_MS = 1_000
const LISTED = 25
const MESSAGES = 50
const WAIT_SECONDS = 60

const chatId = uuid('Id of the chat.')
const labels = Type.Record(Type.String(), Type.String())

const File = Type.Object({
  file_id: Type.String(),
  name: Type.String(),
  mime_type: Type.String(),
  size_bytes: Type.Integer(),
})

const Summary = Type.Object({
  id: Type.String(),
  title: Type.String(),
  status: Type.String(),
  archived: Type.Boolean(),
  last_error: Type.Optional(Type.String()),
  last_turn_summary: Type.Optional(Type.String()),
  workspace_id: Type.Optional(Type.String()),
  url: Type.String(),
  labels,
  files: Type.Array(File),
})

const Said = Type.Object({
  id: Type.Integer(),
  role: Type.String(),
  text: Type.String(),
  created_at: Type.String(),
})

const Queued = Type.Object({ id: Type.Integer(), text: Type.String() })

/** A chat as models are told of it. */
function summary(chat: Chat, accessUrl: string) {
  const failure = chat.last_error
  return {
    id: chat.id,
    title: chat.title,
    status: chat.status,
    archived: chat.archived,
    ...(failure === undefined
      ? {}
      : { last_error: [failure.message, failure.detail].filter(Boolean).join(' ') }),
    ...(chat.last_turn_summary === null ? {} : { last_turn_summary: chat.last_turn_summary }),
    ...(chat.workspace_id === undefined ? {} : { workspace_id: chat.workspace_id }),
    url: `${accessUrl}/agents/${chat.id}`,
    labels: chat.labels,
    files: filesOf(chat),
  }
}

function filesOf({ files = [] }: Chat) {
  return files.map((file) => ({
    file_id: file.id,
    name: file.name,
    mime_type: file.mime_type,
    size_bytes: file.size_bytes,
  }))
}

/** What people read of a message: its text, without tools and reasoning. */
function textOf({ content }: Pick<ChatMessage | ChatQueuedMessage, 'content'>): string {
  return content.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n')
}

const create = defineTool({
  name: 'coder_create_chat',
  title: 'Create chat',
  description:
    'Starts a chat: an agent of the deployment works on the prompt, in a workspace that it makes if it needs one. The answer does not wait for it: follow it with coder_await_chat and read coder_get_chat_messages. Without organization_id it is in the first organization of the user, without model_config_id it gets the default model.',
  effect: 'changes',
  input: Type.Object({
    prompt: Type.String({
      minLength: 1,
      description: 'What is to be done, with all that the agent must know.',
    }),
    organization_id: Type.Optional(uuid('Organization of the chat.')),
    model_config_id: Type.Optional(uuid('Model, as coder_list_chat_model_configs lists them.')),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Labels to find it by.' }),
    ),
  }),
  output: Summary,
  scopes: ['chat:create'],
  run: async ({ prompt, organization_id, model_config_id, labels: given }, { api, accessUrl }) => {
    const chat = await api.call(createChat, {
      body: {
        organization_id: organization_id ?? (await firstOrganization(api)),
        content: [{ type: 'text', text: prompt }],
        ...(model_config_id === undefined ? {} : { model_config_id }),
        ...(given === undefined ? {} : { labels: given }),
      },
    })
    return summary(chat, accessUrl)
  },
})

/** The organization that chats are made in: the first one the caller is in. @throws ToolFault. */
async function firstOrganization(api: ToolContext['api']): Promise<string> {
  const [first] = await api.call(listOrganizationsOfUser, { params: { user: 'me' } })
  if (first === undefined) throw new ToolFault('you are in no organization, so there is no place for chats')
  return first.id
}

const get = defineTool({
  name: 'coder_get_chat',
  title: 'Get chat',
  description:
    'Gives the state of a chat: its status, the last error, its workspace, labels and files. What was said is in coder_get_chat_messages.',
  effect: 'reads',
  input: Type.Object({ chat_id: chatId }),
  output: Summary,
  scopes: ['chat:read'],
  run: async ({ chat_id }, { api, accessUrl }) =>
    summary(await api.call(getChat, { params: { chat: chat_id } }), accessUrl),
})

const list = defineTool({
  name: 'coder_list_chats',
  title: 'List chats',
  description:
    'Lists chats of the user, newest first, without archived ones unless the query says archived:true. The query has terms such as title:report, search:"failing tests" or has_unread:true.',
  effect: 'reads',
  input: Type.Object({
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Only chats with all of these labels.' }),
    ),
    query: Type.Optional(Type.String({ description: 'Only chats that fit these terms.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: `${LISTED} by default.` })),
  }),
  output: Type.Object({ chats: Type.Array(Summary) }),
  scopes: ['chat:read'],
  run: async ({ labels: wanted = {}, query, limit = LISTED }, { api, accessUrl }) => {
    const label = Object.entries(wanted).map(([key, value]) => `${key}:${value}`)
    const chats = await api.call(listChats, {
      query: {
        limit,
        ...(label.length === 0 ? {} : { label }),
        ...(query === undefined ? {} : { q: query }),
      },
    })
    return { chats: chats.map((chat) => summary(chat, accessUrl)) }
  },
})

const messages = defineTool({
  name: 'coder_get_chat_messages',
  title: 'Get chat messages',
  description:
    'Gives what the user and the agent have said in a chat, oldest first: text only, no tool calls. Without a cursor these are the latest messages, with those that wait in the queue. before_id goes back in time and after_id forward; give one of both, from next_before_id or next_after_id.',
  effect: 'reads',
  input: Type.Object({
    chat_id: chatId,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: `${MESSAGES} by default.` })),
    before_id: Type.Optional(Type.Integer({ minimum: 1, description: 'Only messages before this one.' })),
    after_id: Type.Optional(Type.Integer({ minimum: 1, description: 'Only messages after this one.' })),
  }),
  output: Type.Object({
    messages: Type.Array(Said),
    has_more: Type.Boolean(),
    next_before_id: Type.Optional(Type.Integer()),
    next_after_id: Type.Optional(Type.Integer()),
    queued_messages: Type.Array(Queued),
  }),
  scopes: ['chat:read'],
  run: async ({ chat_id, limit = MESSAGES, before_id, after_id }, { api }) => {
    if (before_id !== undefined && after_id !== undefined)
      throw new ToolFault('give before_id or after_id, not both')
    const page = await api.call(listChatMessages, {
      params: { chat: chat_id },
      query: {
        limit: String(limit),
        ...(before_id === undefined ? {} : { before_id: String(before_id) }),
        ...(after_id === undefined ? {} : { after_id: String(after_id) }),
      },
    })
    const ordered = page.messages.toSorted((a, b) => a.id - b.id)
    const [oldest, newest] = [ordered.at(0)?.id, ordered.at(-1)?.id]
    return {
      messages: ordered
        .filter(({ role }) => role === 'user' || role === 'assistant')
        .map((message) => ({
          id: message.id,
          role: message.role,
          text: textOf(message),
          created_at: message.created_at,
        }))
        .filter(({ text }) => text !== ''),
      has_more: page.has_more,
      ...(oldest === undefined ? {} : { next_before_id: oldest }),
      ...(newest === undefined ? {} : { next_after_id: newest }),
      queued_messages: page.queued_messages.map((queued) => ({ id: queued.id, text: textOf(queued) })),
    }
  },
})

const send = defineTool({
  name: 'coder_send_chat_message',
  title: 'Send chat message',
  description:
    'Sends a message to a chat of the user. While its agent works, the message waits in a queue; with busy_behavior interrupt the agent stops and the message comes next. The answer does not wait: follow it with coder_await_chat.',
  effect: 'changes',
  input: Type.Object({
    chat_id: chatId,
    text: Type.String({ minLength: 1, description: 'The message.' }),
    busy_behavior: Type.Optional(Type.Enum(['queue', 'interrupt'], { description: 'queue by default.' })),
  }),
  output: Type.Object({ queued: Type.Boolean(), warnings: Type.Array(Type.String()) }),
  scopes: ['chat:update'],
  run: async ({ chat_id, text, busy_behavior }, { api }) => {
    const sent = await api.call(sendChatMessage, {
      params: { chat: chat_id },
      body: {
        content: [{ type: 'text', text }],
        ...(busy_behavior === undefined ? {} : { busy_behavior }),
      },
    })
    return { queued: sent.queued, warnings: sent.warnings ?? [] }
  },
})

const awaitChat = defineTool({
  name: 'coder_await_chat',
  title: 'Wait for chat',
  description:
    'Waits until the agent of a chat has nothing to do any more, and gives the state of the chat. timed_out says that it still works: call again.',
  effect: 'reads',
  isLong: true,
  input: Type.Object({
    chat_id: chatId,
    wait_secs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 120, description: `Seconds to wait, ${WAIT_SECONDS} by default.` }),
    ),
  }),
  output: Type.Object({ timed_out: Type.Boolean(), chat: Summary }),
  scopes: ['chat:read'],
  run: async ({ chat_id, wait_secs = WAIT_SECONDS }, { api, accessUrl, signal, progress }) => {
    const end = performance.now() + wait_secs * 1_000
    for (;;) {
      signal.throwIfAborted()
      const chat = await api.call(getChat, { params: { chat: chat_id } })
      const works = chat.status === 'running' || chat.status === 'interrupting'
      const left = end - performance.now()
      if (!works || left <= 0) return { timed_out: works, chat: summary(chat, accessUrl) }
      progress(`The chat is ${chat.status}.`)
      await delay(Math.min(LOOK_AGAIN_MS, left), undefined, { signal })
    }
  },
})

const interrupt = defineTool({
  name: 'coder_interrupt_chat',
  title: 'Interrupt chat',
  description: 'Stops the agent of a chat. What it has done and said so far stays.',
  effect: 'changes',
  input: Type.Object({ chat_id: chatId }),
  output: Summary,
  scopes: ['chat:update'],
  run: async ({ chat_id }, { api, accessUrl }) =>
    summary(await api.call(interruptChat, { params: { chat: chat_id } }), accessUrl),
})

const archive = defineTool({
  name: 'coder_archive_chat',
  title: 'Archive chat',
  description: 'Puts a chat away whose agent does not work. Its messages stay readable.',
  effect: 'changes',
  input: Type.Object({ chat_id: chatId }),
  output: Type.Object({ message: Type.String() }),
  scopes: ['chat:update'],
  run: async ({ chat_id }, { api }) => {
    await api.call(updateChat, { params: { chat: chat_id }, body: { archived: true } })
    return { message: `Chat ${chat_id} was archived.` }
  },
})

const download = defineTool({
  name: 'coder_download_chat_file',
  title: 'Download chat file',
  description:
    'Gives an address for a file of a chat that works without signing in, for five minutes. Name the file by file_id alone, or by chat_id and file_name.',
  effect: 'reads',
  input: Type.Object({
    file_id: Type.Optional(uuid('Id of the file.')),
    chat_id: Type.Optional(chatId),
    file_name: Type.Optional(Type.String({ description: 'Name of a file of that chat.' })),
  }),
  output: Type.Object({
    file_id: Type.String(),
    name: Type.String(),
    mime_type: Type.String(),
    size_bytes: Type.Integer(),
    sha256: Type.String(),
    url: Type.String(),
    expires_at: Type.String(),
  }),
  scopes: ['chat:read'],
  run: async ({ file_id, chat_id, file_name }, { api }) => {
    const byName = chat_id !== undefined && file_name !== undefined
    if ((file_id === undefined) !== byName || (file_id !== undefined && (chat_id ?? file_name) !== undefined))
      throw new ToolFault('give file_id alone, or chat_id and file_name')
    const file = file_id ?? (await fileNamed(api, chat_id ?? '', file_name ?? ''))
    return { file_id: file, ...(await api.call(createChatFileDownloadUrl, { params: { file } })) }
  },
})

/** @throws ToolFault for none and for several, listing what there is. */
async function fileNamed(api: ToolContext['api'], chat: string, name: string): Promise<string> {
  const files = filesOf(await api.call(getChat, { params: { chat } }))
  const found = files.filter((file) => file.name === name)
  const [only, another] = found
  if (only !== undefined && another === undefined) return only.file_id
  const listed = (only === undefined ? files : found)
    .map((file) => `${file.name} (${file.file_id})`)
    .join(', ')
  throw new ToolFault(
    only === undefined
      ? `the chat has no file ${name}; it has ${listed || 'none'}`
      : `several files are called ${name}, give one by its file_id: ${listed}`,
  )
}

const models = defineTool({
  name: 'coder_list_chat_model_configs',
  title: 'List chat models',
  description: 'Lists the models that chats of the user may use.',
  effect: 'reads',
  input: Type.Object({}),
  output: Type.Object({
    model_configs: Type.Array(
      Type.Object({
        id: Type.String(),
        model: Type.String(),
        display_name: Type.String(),
        is_default: Type.Boolean(),
      }),
    ),
  }),
  scopes: ['chat:read'],
  run: async (_args, { api }) => {
    // Administrators see more configs than they may use, and only these say which one is the default.
    const [configs, { providers }] = await Promise.all([
      api.call(listChatModelConfigs),
      api.call(listChatModels),
    ])
    const offered = new Set(providers.flatMap((provider) => provider.models.map(({ id }) => id)))
    return {
      model_configs: configs
        .filter(({ id, enabled }) => enabled && offered.has(id))
        .map(({ id, model, display_name, is_default }) => ({ id, model, display_name, is_default })),
    }
  },
})

/** Tools for chats. */
export const chatTools: readonly Tool[] = [
  create,
  get,
  list,
  messages,
  send,
  awaitChat,
  interrupt,
  archive,
  download,
  models,
]
