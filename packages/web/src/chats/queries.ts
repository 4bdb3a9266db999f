import { type InfiniteData, infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

import {
  type Chat,
  getChat,
  getChatAcl,
  getChatCost,
  getChatUserModelOverrides,
  getUserSkill,
  listChatModelConfigs,
  listChatModels,
  listChats,
  listUserSkills,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { type ChatFilter, chatListQuestion } from './chat-filter.ts'

const PAGE = 50

/** What tells lists in the cache apart, and what an event of the watch does to each. */
interface ListKey {
  readonly question: string
  readonly archived: boolean
  /** New chats belong to it without asking the server. */
  readonly mayInsert: boolean
}

/** Chats that match a filter, page by page; the watch keeps them fresh (UI-1107). */
export function chatListQuery(filter: ChatFilter) {
  const key: ListKey = {
    question: chatListQuestion(filter),
    archived: filter.archived,
    mayInsert:
      filter.prStates.length === 0 && filter.read === undefined && filter.sources.includes('created_by_me'),
  }
  return infiniteQueryOptions({
    queryKey: ['chats', key],
    queryFn: ({ pageParam, signal }) =>
      api.call(listChats, {
        query: {
          limit: PAGE,
          ...(key.question === '' ? {} : { q: key.question }),
          ...(pageParam === '' ? {} : { after_id: pageParam }),
        },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.id),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

const FOUND = 30

/** Chats that a search finds. */
export function chatSearchQuery(question: string) {
  return queryOptions({
    queryKey: ['chat-search', question],
    queryFn: ({ signal }) => api.call(listChats, { query: { q: question, limit: FOUND }, signal }),
  })
}

/** One chat with its files and those inside of it. */
export function chatQuery(chat: string) {
  return queryOptions({
    queryKey: ['chat', chat],
    queryFn: ({ signal }) => api.call(getChat, { params: { chat }, signal }),
  })
}

export function chatCostQuery(chat: string) {
  return queryOptions({
    queryKey: ['chat', chat, 'cost'],
    queryFn: ({ signal }) => api.call(getChatCost, { params: { chat }, signal }),
    staleTime: 30_000,
  })
}

export function chatAclQuery(chat: string) {
  return queryOptions({
    queryKey: ['chat', chat, 'acl'],
    queryFn: ({ signal }) => api.call(getChatAcl, { params: { chat }, signal }),
  })
}

/** What the viewer may choose from, and why not (CH-506). */
export const chatModelsQuery = queryOptions({
  queryKey: ['chat-models'],
  queryFn: ({ signal }) => api.call(listChatModels, { signal }),
  staleTime: 60_000,
})

/** Models with their limits and efforts; all of them for administrators. */
export const modelConfigsQuery = queryOptions({
  queryKey: ['chat-model-configs'],
  queryFn: ({ signal }) => api.call(listChatModelConfigs, { signal }),
  staleTime: 60_000,
})

export const ownModelsQuery = queryOptions({
  queryKey: ['chat-own-models'],
  queryFn: ({ signal }) => api.call(getChatUserModelOverrides, { signal }),
  staleTime: 60_000,
})

/** Skills that the viewer has written, by name. */
export const ownSkillsQuery = queryOptions({
  queryKey: ['own-skills'],
  queryFn: ({ signal }) => api.call(listUserSkills, { params: { user: 'me' }, signal }),
  staleTime: 60_000,
})

export function ownSkillQuery(name: string) {
  return queryOptions({
    queryKey: ['own-skill', name],
    queryFn: ({ signal }) => api.call(getUserSkill, { params: { user: 'me', skillName: name }, signal }),
  })
}

type Pages = InfiniteData<readonly Chat[], string>

/** Writes what is known now into every list that is in the cache. */
export function changeLists(change: (chats: readonly Chat[], key: ListKey) => readonly Chat[]): void {
  for (const query of queries.getQueryCache().findAll({ queryKey: ['chats'] })) {
    const key = query.queryKey[1]
    if (!isListKey(key)) continue
    queries.setQueryData<Pages>(query.queryKey, (data) => {
      if (data === undefined) return undefined
      const before = data.pages.flat()
      const after = change(before, key)
      if (after === before) return data
      // Pages keep their borders, so that the cursor of the next one stays where it was.
      const sizes = data.pages.map(({ length }) => length)
      const grown = after.length - before.length
      let from = 0
      const pages = sizes.map((size, index) => {
        const until =
          index === sizes.length - 1 ? after.length : from + Math.max(0, size + (index === 0 ? grown : 0))
        const page = after.slice(from, until)
        from = until
        return page
      })
      return { ...data, pages }
    })
  }
}

function isListKey(value: unknown): value is ListKey {
  return typeof value === 'object' && value !== null && 'question' in value && 'mayInsert' in value
}

/** Changes one chat wherever it shows, before the server has answered. */
export function changeChat(id: string, change: Partial<Omit<Chat, 'children' | 'id'>>): void {
  changeLists((chats) =>
    chats.map((chat) =>
      chat.id === id
        ? { ...chat, ...change }
        : chat.children.some((child) => child.id === id)
          ? {
              ...chat,
              children: chat.children.map((child) => (child.id === id ? { ...child, ...change } : child)),
            }
          : chat,
    ),
  )
  queries.setQueryData<Chat>(['chat', id], (chat) =>
    chat === undefined ? undefined : { ...chat, ...change },
  )
}

/** Lists, open searches and this chat are read again. */
export async function refreshChats(id?: string): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ['chats'] }),
    queries.invalidateQueries({ queryKey: ['chat-search'] }),
    ...(id === undefined ? [] : [queries.invalidateQueries({ queryKey: ['chat', id] })]),
  ])
}

/** Everything that says which models there are is read again. */
export async function refreshModels(): Promise<void> {
  await Promise.all(
    ['chat-models', 'chat-model-configs', 'chat-own-models'].map((key) =>
      queries.invalidateQueries({ queryKey: [key] }),
    ),
  )
}
