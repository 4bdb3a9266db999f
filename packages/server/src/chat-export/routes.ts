import { Readable } from 'node:stream'

import * as contract from '@slipway/contract'
import { dispositionOf } from '../chat-files/index.ts'
import { getChat } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { fileNameOf } from './chat-markdown.ts'
import { exportedChat } from './export-chat.ts'

const TYPES = {
  json: ['application/json', 'json'],
  markdown: ['text/markdown', 'md'],
} as const

/** Chats as files (B-18). */
export function chatExportRoutes(context: AppContext): BoundRoute[] {
  return [
    forSession(contract.exportChat, async ({ actor, params, query, reply }) => {
      const format = query.format ?? 'json'
      const chat = await getChat(actor, context.database.db, params.chat ?? '')
      const [type, extension] = TYPES[format]
      await reply
        .type(`${type}; charset=utf-8`)
        .header('Content-Disposition', dispositionOf('attachment', `${fileNameOf(chat.title)}.${extension}`))
        .header('Cache-Control', 'no-store')
        .send(Readable.from(exportedChat(context, actor, chat, format)))
      return undefined
    }),
  ]
}
