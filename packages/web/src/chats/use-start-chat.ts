import { type CreateChatRequest, createChat } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { untilAnswered } from '../api/until-answered.ts'
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
  return async (request) => {
    const body = { ...request, client_type: 'ui' } as const
    const chat = await untilAnswered('new chat', body, (key) =>
      api.call(createChat, { body, headers: { 'Idempotency-Key': key } }),
    )
    remember(user.id, { model: chat.last_model_config_id })
    queries.setQueryData(chatQuery(chat.id).queryKey, chat)
    changeLists((chats, key) => mergeIntoList(chats, { kind: 'created', chat }, key))
    go(paths.chat(chat.id, query))
  }
}
