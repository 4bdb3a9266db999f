import { afterAll, beforeAll, expect, it } from 'vitest'

import { findWorkspaceFiles, getUser, updateUserRoles } from '@slipway/contract'
import { fixtures } from '@slipway/testkit'
import { World } from '../chat-tools/world.fixture.ts'

const steps = new AsyncDisposableStack()
let world: World

beforeAll(async () => {
  world = steps.use(await World.start())
})
afterAll(() => steps.disposeAsync())

const find = (
  workspace: string,
  more: { readonly q?: string; readonly limit?: number } = {},
  who = world.owner,
) => who.call(findWorkspaceFiles, { query: { workspace, ...more } })

it('UI-1122: whoever may connect to a workspace finds its files by parts of their paths, and nobody else', async () => {
  const workspace = await world.workspace('find', await world.template('find', 'main'))
  const chat = await world.chat({ workspace_id: workspace.id })
  const { result } = await world.call(chat, 'execute', {
    command:
      'mkdir -p app/src && cd app && git init -q && touch src/main.ts src/other.ts skip.log && echo "*.log" > .gitignore && pwd',
    timeout: '30s',
  })
  const directory = String(Object(result).output).replace(/\/app\n$/, '')
  expect(await find(workspace.id, { q: 'main' })).toEqual({
    directory,
    files: ['app/src/main.ts'],
    truncated: false,
  })
  expect((await find(workspace.id, { q: 'app/', limit: 2 })).files).toEqual([
    'app/.gitignore',
    'app/src/main.ts',
  ])
  const stranger = await world.server.user('stranger')
  await expect(find(workspace.id, {}, stranger)).rejects.toMatchObject({ status: 404 })
  const reader = await world.server.user('reader')
  const { id } = await reader.call(getUser, { params: { user: 'me' } })
  await world.owner.call(updateUserRoles, { params: { user: id }, body: { roles: ['template-admin'] } })
  await expect(find(workspace.id, {}, reader)).rejects.toMatchObject({ status: 403 })
})

it('UI-1122: a workspace that cannot be asked says why', async () => {
  const { db } = world.context.database
  const workspace = await fixtures.workspace(db, {
    owner_id: world.ownerId,
    organization_id: world.organizationId,
  })
  const build = await fixtures.workspaceBuild(db, { workspace })
  await expect(find(workspace.id)).rejects.toMatchObject({
    status: 400,
    message: 'The workspace has no agent that chats can work in.',
  })
  await fixtures.workspaceAgent(db, { resource: await fixtures.workspaceResource(db, { build }) })
  await expect(find(workspace.id)).rejects.toMatchObject({
    status: 400,
    message: expect.stringMatching(/^Agent state is /),
  })
  await db.updateTable('workspaces').set({ deleted: true }).where('id', '=', workspace.id).execute()
  await expect(find(workspace.id)).rejects.toMatchObject({ status: 404 })
})
