import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateTemplateRequest,
  createTemplate,
  createTemplateVersion,
  createWorkspace,
  deleteTemplate,
  getTemplate,
  getTemplateByName,
  getTemplateVersion,
  listOrganizationTemplates,
  listTemplateExamples,
  listTemplates,
  type Template,
  updateTemplate,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer } from '@slipway/testkit'

const FILES = {
  'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })`,
}
const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const organization = 'default'

let server: TestServer
let owner: Client
let admin: Client
let member: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.builtInTemplate()
  admin = await server.user('admin', ['template-admin'])
  member = await server.user('member')
  template = await importTemplate(admin, 'first', FILES)
})
afterAll(() => server[Symbol.asyncDispose]())

/** A version without a template, of the built-in example. */
async function version(client: Client = admin): Promise<string> {
  const { id } = await client.call(createTemplateVersion, {
    params: { organization },
    body: { storage_method: 'file', provisioner: 'typescript', example_id: 'local-workspace' },
  })
  return id
}

const create = (body: CreateTemplateRequest, client = admin) =>
  client.call(createTemplate, { params: { organization }, body })

const patch = (body: object, client = admin) =>
  client.call(updateTemplate, { params: { template: template.id }, body })

const names = async (client: Client, q = '') =>
  (await client.call(listTemplates, { query: { q } })).map(({ name }) => name)

describe('making a template', () => {
  it('WS-80: has the defaults of the table', async () => {
    expect(await create({ name: 'defaults', template_version_id: await version() })).toMatchObject({
      name: 'defaults',
      provisioner: 'typescript',
      created_by_name: 'admin',
      default_ttl_ms: 0,
      activity_bump_ms: 3_600_000,
      time_til_autostop_notify_ms: 0,
      autostop_requirement: { days_of_week: [], weeks: 1 },
      autostart_requirement: {
        days_of_week: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
      },
      failure_ttl_ms: 0,
      time_til_dormant_ms: 0,
      time_til_dormant_autodelete_ms: 0,
      allow_user_autostart: true,
      allow_user_autostop: true,
      allow_user_cancel_workspace_jobs: false,
      require_active_version: false,
      use_classic_parameter_flow: false,
      cors_behavior: 'simple',
      agents_allowed: true,
      deprecated: false,
    })
  })

  it('WS-80: a taken name is 409, whatever its case', async () => {
    await expect(create({ name: 'FIRST', template_version_id: await version() })).rejects.toMatchObject({
      status: 409,
      message: 'Template with name "FIRST" already exists.',
      validations: [{ field: 'name' }],
    })
  })

  it('WS-300: of several at once one is made and the others get 409', async () => {
    const versions = await Promise.all([version(), version(), version()])
    const outcomes = await Promise.allSettled(
      versions.map((id) => create({ name: 'raced', template_version_id: id })),
    )
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 409 })
  })

  it('WS-80: the version must be there, and free', async () => {
    await expect(create({ name: 'none', template_version_id: UNKNOWN })).rejects.toMatchObject({
      status: 404,
      validations: [{ field: 'template_version_id' }],
    })
    const used = template.active_version_id
    await expect(create({ name: 'second', template_version_id: used })).rejects.toMatchObject({
      status: 400,
      message: `Template version ${used} is already part of a template`,
    })
  })

  it.each(['', 'a b', '-a', 'a-', 'a--b', 'new', 'Create', 'x'.repeat(33), 'ä', 'a_b', 'a\u0000'])(
    'WS-1: is not called %j',
    async (name) => {
      await expect(create({ name, template_version_id: UNKNOWN })).rejects.toMatchObject({
        status: 400,
        message: 'Validation failed.',
        validations: [{ field: 'name' }],
      })
    },
  )

  it.each([
    ['default_ttl_ms', -1],
    ['activity_bump_ms', -1],
    ['failure_ttl_ms', -1],
    ['dormant_ttl_ms', -1],
    ['delete_ttl_ms', -1],
    ['default_ttl_ms', 9e15],
    ['time_til_autostop_notify_ms', 59_999],
    ['display_name', 'x'.repeat(65)],
    ['display_name', ' x'],
    ['description', 'x'.repeat(129)],
    ['icon', 'x'.repeat(257)],
  ])('WS-80: %s cannot be %j', async (field, value) => {
    const body = { name: 'wrong', template_version_id: await version(), [field]: value }
    await expect(create(body)).rejects.toMatchObject({
      status: 400,
      message: 'Invalid create template request.',
      validations: [{ field }],
    })
  })

  it('WS-1: may be called by 32 characters, and in capitals', async () => {
    const name = `A${'x'.repeat(31)}`
    expect((await create({ name, template_version_id: await version() })).name).toBe(name)
  })

  it('WS-93: is for template administrators', async () => {
    const id = await version()
    await expect(create({ name: 'mine', template_version_id: id }, member)).rejects.toMatchObject({
      status: 403,
    })
    await expect(version(member)).rejects.toMatchObject({ status: 403 })
  })

  it('WS-80: without Everyone, members neither see nor find it', async () => {
    const hidden = await create({
      name: 'hidden',
      template_version_id: await version(),
      disable_everyone_group_access: true,
    })
    expect(await names(member)).not.toContain('hidden')
    for (const call of [
      () => member.call(getTemplate, { params: { template: hidden.id } }),
      () => member.call(getTemplateByName, { params: { organization, templatename: 'hidden' } }),
      () => member.call(getTemplateVersion, { params: { templateversion: hidden.active_version_id } }),
      () => member.call(updateTemplate, { params: { template: hidden.id }, body: { name: 'x' } }),
      () => member.call(deleteTemplate, { params: { template: hidden.id } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
  })

  it('WS-84: examples are listed, for those who may read templates without being given them', async () => {
    await expect(member.call(listTemplateExamples)).rejects.toMatchObject({ status: 404 })
    const [example] = await owner.call(listTemplateExamples)
    expect(example).toMatchObject({ id: 'local-workspace', name: 'Local workspace' })
    expect(example?.markdown).not.toBe('')
  })
})

describe('reading templates', () => {
  it('WS-83: by id, and by name in any case; what is not there is 404', async () => {
    expect((await member.call(getTemplate, { params: { template: template.id } })).name).toBe('first')
    expect(
      (await member.call(getTemplateByName, { params: { organization, templatename: 'FIRST' } })).id,
    ).toBe(template.id)
    await expect(owner.call(getTemplate, { params: { template: UNKNOWN } })).rejects.toMatchObject({
      status: 404,
    })
  })

  it('WS-81: is searched by its keys', async () => {
    await patch({ display_name: 'The First One' })
    for (const [q, found] of [
      ['exact_name:First', true],
      ['exact_name:firs', false],
      ['name:irs', true],
      ['display_name:first', true],
      ['"first one"', true],
      ['exact_display_name:"the first one"', true],
      [`ids:${template.id}`, true],
      [`ids:${UNKNOWN}`, false],
      ['author:admin', true],
      ['author:owner', false],
      [`author_id:${template.created_by_id}`, true],
      ['author:me', true],
      ['organization:default', true],
      ['agents-allowed:false', false],
      ['has-ai-task:true', false],
      ['has-ai-task:false', true],
      ['has_external_agent:true', false],
      ['deprecated:true', false],
      ['deleted:true', false],
    ] as const)
      expect([q, (await names(admin, q)).includes('first')]).toEqual([q, found])
  })

  it.each([
    'nope:x',
    'name:a name:b',
    'deprecated:maybe',
    'ids:x',
    'author_id:x',
    ':x',
    'a:b:c',
    'organization:no-such',
  ])('WS-81: the search %s is refused', async (q) => {
    await expect(names(owner, q)).rejects.toMatchObject({
      status: 400,
      message: 'Invalid template search query.',
      validations: [{}],
    })
  })

  it('WS-81: an organization is searched too, and may be named or not be there', async () => {
    const listed = await owner.call(listOrganizationTemplates, {
      params: { organization },
      query: { q: 'name:first' },
    })
    expect(listed.map(({ name }) => name)).toEqual(['first'])
    await expect(
      owner.call(listOrganizationTemplates, { params: { organization: 'no-such' } }),
    ).rejects.toMatchObject({ status: 404 })
  })
})

describe('changing a template', () => {
  it('WS-85: an empty change changes nothing', async () => {
    const before = await admin.call(getTemplate, { params: { template: template.id } })
    expect(await patch({})).toEqual(before)
    expect((await patch({ name: '' })).name).toBe('first')
  })

  it('WS-85: null, an empty behaviour and what is so already change nothing, not even the time', async () => {
    const before = await patch({ default_ttl_ms: 3_600_000, description: 'As it is' })
    for (const body of [
      { description: null, icon: null, autostop_requirement: null, allow_user_autostart: null },
      { cors_behavior: '' },
      { ...before, autostop_requirement: { days_of_week: [], weeks: 0 } },
    ])
      expect(await patch(body)).toEqual(before)
    await patch({ default_ttl_ms: 0, description: '' })
  })

  it('WS-85: takes what is given and keeps the rest', async () => {
    const changed = await patch({
      description: 'All you need',
      default_ttl_ms: 28_800_000,
      autostop_requirement: { days_of_week: ['saturday'], weeks: 0 },
      autostart_requirement: { days_of_week: ['monday'] },
      failure_ttl_ms: 60_000,
      allow_user_autostart: false,
      max_port_share_level: 'authenticated',
    })
    expect(changed).toMatchObject({
      name: 'first',
      description: 'All you need',
      default_ttl_ms: 28_800_000,
      autostop_requirement: { days_of_week: ['saturday'], weeks: 1 },
      autostart_requirement: { days_of_week: ['monday'] },
      failure_ttl_ms: 60_000,
      allow_user_autostart: false,
      max_port_share_level: 'authenticated',
      activity_bump_ms: 3_600_000,
    })
    await patch({ allow_user_autostart: true, default_ttl_ms: 0, failure_ttl_ms: 0 })
  })

  it.each([
    [{ failure_ttl_ms: 59_999 }, 'failure_ttl_ms'],
    [{ time_til_dormant_ms: 1 }, 'time_til_dormant_ms'],
    [{ time_til_dormant_autodelete_ms: 1 }, 'time_til_dormant_autodelete_ms'],
    [{ default_ttl_ms: -1 }, 'default_ttl_ms'],
    [{ default_ttl_ms: 9e15 }, 'default_ttl_ms'],
    [{ autostop_requirement: { weeks: -1 } }, 'autostop_requirement.weeks'],
    [{ autostop_requirement: { weeks: 17 } }, 'autostop_requirement.weeks'],
    [{ name: 'a b' }, 'name'],
  ])('WS-85: %j is refused', async (body, field) => {
    await expect(patch(body)).rejects.toMatchObject({ status: 400, validations: [{ field }] })
  })

  it('WS-85: a taken name is 409, its own in another case is fine', async () => {
    await expect(patch({ name: 'Local-Workspace' })).rejects.toMatchObject({ status: 409 })
    expect((await patch({ name: 'First' })).name).toBe('First')
    await patch({ name: 'first' })
  })

  it('WS-93: is for its administrators', async () => {
    await expect(patch({ name: 'theirs' }, member)).rejects.toMatchObject({ status: 403 })
  })

  it('WS-82, WS-87: a deprecated one is hidden from lists and takes no new workspaces', async () => {
    expect(await patch({ deprecation_message: 'Use second' })).toMatchObject({
      deprecated: true,
      deprecation_message: 'Use second',
    })
    expect(await names(member)).not.toContain('first')
    expect(await names(member, 'deprecated:true')).toEqual(['first'])
    await expect(
      member.call(createWorkspace, {
        params: { user: 'me' },
        body: { name: 'late', template_id: template.id },
      }),
    ).rejects.toMatchObject({
      status: 400,
      message: 'Template "first" has been deprecated, and cannot be used to create a new workspace.',
      detail: 'Use second',
    })
    expect((await patch({ deprecation_message: '' })).deprecated).toBe(false)
  })
})

it('WS-86: can be taken from Everyone later', async () => {
  const open = await importTemplate(admin, 'open', FILES)
  const close = (disable_everyone_group_access: boolean) =>
    admin.call(updateTemplate, { params: { template: open.id }, body: { disable_everyone_group_access } })
  await close(false)
  expect(await names(member)).toContain('open')
  await close(true)
  expect(await names(member)).not.toContain('open')
  await close(false)
  expect(await names(member)).not.toContain('open')
  expect(await names(admin)).toContain('open')
})

describe('deleting a template', () => {
  it('WS-91: is refused while anybody has a workspace of it', async () => {
    const used = await importTemplate(admin, 'used', FILES)
    await member.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'theirs', template_id: used.id },
    })
    await expect(admin.call(deleteTemplate, { params: { template: used.id } })).rejects.toMatchObject({
      status: 400,
      message: 'All workspaces must be deleted before a template can be removed.',
    })
    expect(await admin.call(getTemplate, { params: { template: used.id } })).toMatchObject({
      active_user_count: 1,
    })
  })

  it('WS-91: is final: the name is free again, and the template and its version are gone', async () => {
    const gone = await importTemplate(admin, 'gone', FILES)
    await expect(member.call(deleteTemplate, { params: { template: gone.id } })).rejects.toMatchObject({
      status: 403,
    })
    expect(await admin.call(deleteTemplate, { params: { template: gone.id } })).toEqual({
      message: 'Template has been deleted!',
    })
    for (const call of [
      () => admin.call(getTemplate, { params: { template: gone.id } }),
      () => admin.call(deleteTemplate, { params: { template: gone.id } }),
      () => admin.call(getTemplateVersion, { params: { templateversion: gone.active_version_id } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
    expect(await names(admin, 'deleted:true')).toEqual(['gone'])
    expect((await importTemplate(admin, 'gone', FILES)).id).not.toBe(gone.id)
  })

  it('the built-in one does not come back', async () => {
    const [builtIn] = await owner.call(listTemplates, { query: { q: 'exact_name:local-workspace' } })
    await owner.call(deleteTemplate, { params: { template: builtIn?.id ?? '' } })
    await server.user('another')
    expect(await names(owner)).not.toContain('local-workspace')
  })
})
