import { sql } from 'kysely'
import { expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getUser, listChatMessages } from '@slipway/contract'
import { fixtures, openDatabase, says, startTestServer, until } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

it('CH-601, CH-603: a server takes up at its start what waits, and one that cannot be taken keeps no other from it', async () => {
  await using at = await ChatsAtWork.start()
  const { id: owner_id } = await at.owner.call(getUser, { params: { user: 'me' } })
  await at.server.stop()
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 2 })
  const { db } = database
  const waiting = async (title: string, minutesAgo: number) => {
    const chat = await fixtures.chat(db, {
      owner_id,
      organization_id: at.organizationId,
      last_model_config_id: at.model.id,
      status: 'running',
      title,
      updated_at: new Date(Date.now() - minutesAgo * 60_000),
    })
    await fixtures.chatMessage(db, { chat, content: JSON.stringify([{ type: 'text', text: title }]) })
    return chat.id
  }
  const broken = await waiting('broken', 2)
  const fine = await waiting('fine', 1)
  await sql`create function refuse_chat() returns trigger language plpgsql as $$ begin
    raise exception 'this chat cannot be taken'; end $$`.execute(db)
  await sql`create trigger refuse_broken before update on chats for each row
    when (new.title = 'broken') execute function refuse_chat()`.execute(db)
  at.provider.play(says('Here'))
  await using server = await startTestServer({ databaseUrl: at.server.databaseUrl })
  const client = new Client({ url: server.url, token: at.owner.headers['Coder-Session-Token'] })
  const roles = async (chat: string) =>
    (await client.call(listChatMessages, { params: { chat } })).messages.map(({ role }) => role)
  await until('the answer', async () => (await roles(fine)).includes('assistant'))
  expect(await roles(broken)).toEqual(['user'])
})
