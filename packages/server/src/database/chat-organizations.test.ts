import { randomUUID } from 'node:crypto'

import pg from 'pg'
import { expect, it } from 'vitest'

import { createTestDatabase } from '@slipway/testkit'
import { migrate } from './migrate.ts'

it('T-7, CH-103, CH-104: chats of before get the organization of their workspace, the oldest of their owner, or the default one', async () => {
  await using database = await createTestDatabase({ migrated: false })
  const config = { connectionString: database.url }
  await migrate(config, { target: 28 })
  const client = new pg.Client(config)
  await client.connect()
  try {
    const made = (name: string, isDefault = false): Promise<string> =>
      insert('organizations', {
        id: randomUUID(),
        name,
        is_default: isDefault,
        default_org_member_roles: '{}',
      })
    const insert = async (table: string, row: Readonly<Record<string, unknown>>): Promise<string> => {
      const columns = Object.keys(row)
      const { rows } = await client.query<{ id: string }>(
        `insert into ${table} (${columns.join(', ')})
           values (${columns.map((_, n) => `$${n + 1}`).join(', ')}) returning *`,
        Object.values(row),
      )
      return rows[0]?.id ?? ''
    }
    const [standard, older, younger, ofWorkspace] = [
      await made('standard', true),
      await made('older'),
      await made('younger'),
      await made('workspaces'),
    ]
    const user = (name: string) => insert('users', { username: name, email: `${name}@example.com` })
    const [member, loner] = [await user('member'), await user('loner')]
    for (const [organization_id, created_at] of [
      [younger, '2026-02-01'],
      [older, '2026-01-01'],
      [ofWorkspace, '2026-03-01'],
    ])
      await insert('organization_members', { organization_id, created_at, user_id: member })
    const template = await insert('templates', {
      organization_id: ofWorkspace,
      name: 't',
      provisioner: 'typescript',
      active_version_id: randomUUID(),
      created_by: member,
    })
    const workspace = await insert('workspaces', {
      owner_id: member,
      organization_id: ofWorkspace,
      template_id: template,
      name: 'w',
    })
    const provider = await insert('ai_providers', {
      type: 'openai',
      name: 'p',
      base_url: 'https://api.example/v1',
    })
    const model = await insert('chat_model_configs', {
      ai_provider_id: provider,
      model: 'm',
      context_limit: 1,
    })
    const chat = (owner_id: string, workspace_id: string | null) =>
      insert('chats', { owner_id, workspace_id, last_model_config_id: model, title: 'x' })
    const chats = [await chat(member, workspace), await chat(member, null), await chat(loner, null)]
    await migrate(config)
    const { rows } = await client.query<{ id: string; organization_id: string; client_type: string }>(
      'select id, organization_id, client_type from chats',
    )
    expect(chats.map((id) => rows.find((row) => row.id === id)?.organization_id)).toEqual([
      ofWorkspace,
      older,
      standard,
    ])
    expect(rows.map((row) => row.client_type)).toEqual(['ui', 'ui', 'ui'])
    await expect(client.query('update chats set organization_id = null')).rejects.toThrow('not-null')
    const later = await insert('chats', {
      owner_id: loner,
      organization_id: standard,
      last_model_config_id: model,
      title: 'x',
    })
    const { rows: made2 } = await client.query('select client_type, status from chats where id = $1', [later])
    expect(made2).toEqual([{ client_type: 'api', status: 'waiting' }])
    await client.query('delete from organizations where id = $1', [older])
    const { rows: left } = await client.query<{ id: string }>('select id from chats')
    expect(left.map((row) => row.id)).not.toContain(chats[1])
  } finally {
    await client.end()
  }
})
