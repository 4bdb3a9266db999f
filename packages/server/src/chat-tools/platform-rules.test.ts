import { afterAll, beforeAll, expect, it } from 'vitest'

import { getWorkspace, type Template, updateChatWorkspaceTtl, updateTemplate } from '@slipway/contract'
import { World } from './world.fixture.ts'

const HOURS = 3_600_000
const steps = new AsyncDisposableStack()
let world: World
let template: Template

beforeAll(async () => {
  world = steps.use(await World.start())
  template = await world.template('ruled', 'main')
})
afterAll(() => steps.disposeAsync())

it('CH-1110: a workspace that a chat makes lives as long as the deployment says', async () => {
  await world.owner.call(updateChatWorkspaceTtl, { body: { workspace_ttl_ms: 5 * HOURS } })
  const chat = await world.chat()
  const { result } = await world.call(chat, 'create_workspace', { template_id: template.id, name: 'short' })
  const { workspace_id: workspace } = Object(result)
  expect((await world.owner.call(getWorkspace, { params: { workspace } })).ttl_ms).toBe(5 * HOURS)
})

it('CH-1110: templates with an agent outside make no workspace', async () => {
  const { db } = world.context.database
  const mark = (has_external_agent: boolean) =>
    db
      .updateTable('template_versions')
      .set({ has_external_agent })
      .where('id', '=', template.active_version_id)
      .execute()
  await mark(true)
  const chat = await world.chat()
  expect(await world.call(chat, 'create_workspace', { template_id: template.id })).toMatchObject({
    isError: true,
    result: { error: expect.stringContaining('agent outside') },
  })
  expect((await world.row(chat.id)).workspace_id).toBeNull()
  await mark(false)
})

it('CH-11.3: templates that are not to be used any more are not listed', async () => {
  const chat = await world.chat()
  const names = async (): Promise<readonly string[]> =>
    Object((await world.call(chat, 'list_templates')).result).templates.map(
      (one: { readonly name: string }) => one.name,
    )
  expect(await names()).toContain('ruled')
  const deprecate = (deprecation_message: string) =>
    world.owner.call(updateTemplate, { params: { template: template.id }, body: { deprecation_message } })
  await deprecate('Use another one.')
  expect(await names()).not.toContain('ruled')
  expect(await world.call(chat, 'create_workspace', { template_id: template.id })).toMatchObject({
    isError: true,
  })
  expect((await world.row(chat.id)).workspace_id).toBeNull()
  await deprecate('')
})
