import { useRef } from 'react'

import { type CreateChatRequest, createChat } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { useAgents } from './agents-context.ts'
import { mergeIntoList } from './merge-event.ts'
import { remember } from './new-chat-memory.ts'
import { changeLists, chatQuery } from './queries.ts'

/**
 * Makes a chat and goes to it; rejects when the server does not take it. The same request sent again, after an answer
 * was lost, makes no second one (B-13).
 */
export function useStartChat(): (request: Omit<CreateChatRequest, 'client_type'>) => Promise<void> {
  const user = useUser()
  const go = useGo()
  const { query } = useAgents()
  const last = useRef({ body: '', key: '' })
  return async (request) => {
    const body = JSON.stringify(request)
    if (last.current.body !== body) last.current = { body, key: randomKey() }
    const chat = await api.call(createChat, {
      body: { ...request, client_type: 'ui' },
      headers: { 'Idempotency-Key': last.current.key },
    })
    last.current = { body: '', key: '' }
    remember(user.id, { model: chat.last_model_config_id })
    queries.setQueryData(chatQuery(chat.id).queryKey, chat)
    changeLists((chats, key) => mergeIntoList(chats, { kind: 'created', chat }, key))
    go(paths.chat(chat.id, query))
  }
}

/** `crypto.randomUUID` is missing on plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
