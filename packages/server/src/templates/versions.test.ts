import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  archiveTemplateVersion,
  archiveTemplateVersions,
  cancelTemplateVersion,
  createTemplateVersion,
  createWorkspace,
  getPreviousTemplateVersion,
  getTemplate,
  getTemplateVersion,
  getTemplateVersionByName,
  listTemplateVersionParameters,
  listTemplateVersionResources,
  listTemplateVersions,
  listTemplateVersionVariables,
  setActiveTemplateVersion,
  type Template,
  type TemplateVersion,
  unarchiveTemplateVersion,
  updateTemplateVersion,
  uploadFile,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const HEAD = `import { defineTemplate, local } from '@slipway/template'\n`
const AGENTS = `workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] })`
const PLAIN = `${HEAD}export default defineTemplate({ ${AGENTS} })`
const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const organization = 'default'

let server: TestServer
let owner: Client
let member: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.builtInTemplate()
  member = await server.user('member')
  template = await importTemplate(owner, 'versioned', { 'template.ts': PLAIN })
})
afterAll(() => server[Symbol.asyncDispose]())

type Body = Partial<Parameters<typeof owner.call<typeof createTemplateVersion>>[1] & object>['body']

async function upload(files: Readonly<Record<string, string>>): Promise<string> {
  const pack = tar.pack()
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content)
  pack.finalize()
  const { hash } = await owner.upload(uploadFile, new Uint8Array(await buffer(pack)), 'application/x-tar')
  return hash
}

async function push(source: string, more: Partial<Body> = {}): Promise<TemplateVersion> {
  return owner.call(createTemplateVersion, {
    params: { organization },
    body: {
      storage_method: 'file',
      provisioner: 'typescript',
      file_id: await upload({ 'template.ts': source }),
      ...more,
    },
  })
}

const ended = ({ id }: Pick<TemplateVersion, 'id'>): Promise<TemplateVersion> =>
  until('the import', async () => {
    const version = await owner.call(getTemplateVersion, { params: { templateversion: id } })
    return version.job.completed_at === undefined ? undefined : version
  })

const imported = async (source: string, more: Partial<Body> = {}) => ended(await push(source, more))

const of = ({ id }: Pick<TemplateVersion, 'id'>) => ({ params: { templateversion: id } })

describe('making a version', () => {
  it('WS-100: is pending, belongs to no template yet, and has a random name', async () => {
    const version = await push(PLAIN)
    expect(version).toMatchObject({
      template_id: '00000000-0000-0000-0000-000000000000',
      archived: false,
      matched_provisioners: { count: 1, available: 1 },
    })
    expect(version.name).toMatch(/^[a-z]+_[a-z]+\d+$/)
    expect((await ended(version)).job.status).toBe('succeeded')
  })

  it('WS-100: of many random names each finds a free one', async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, () => push(PLAIN, { template_id: template.id, name: '' })),
    )
    expect(new Set(made.map(({ name }) => name)).size).toBe(8)
  })

  it('WS-100: faults of the request are named', async () => {
    const both = { example_id: 'local-workspace' }
    await expect(push(PLAIN, both)).rejects.toMatchObject({
      status: 400,
      message: 'You cannot specify both an example_id and a file_id.',
    })
    const make = (body: Partial<Body>) =>
      owner.call(createTemplateVersion, {
        params: { organization },
        body: { storage_method: 'file', provisioner: 'typescript', ...body },
      })
    await expect(make({ example_id: 'nope' })).rejects.toMatchObject({
      status: 400,
      message: 'Example not found.',
    })
    await expect(make({})).rejects.toMatchObject({ status: 400, validations: [{ field: 'file_id' }] })
    await expect(make({ file_id: UNKNOWN })).rejects.toMatchObject({ status: 404 })
    await expect(push(PLAIN, { template_id: UNKNOWN })).rejects.toMatchObject({ status: 404 })
    await expect(push(PLAIN, { message: 'x'.repeat(1_048_577) })).rejects.toMatchObject({
      validations: [{ field: 'message' }],
    })
    for (const name of ['a b', '-a', 'a..b', 'x'.repeat(65)])
      await expect(push(PLAIN, { name })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'name' }],
      })
  })

  it('WS-101: tags of the template and of the request choose the provisioner; those of the request win', async () => {
    const source = `${HEAD}export default defineTemplate({
      parameters: { where: { type: 'string', default: 'attic' } },
      variables: { gpu: { type: 'string' } },
      tags: ({ parameters, variables }) => ({ where: parameters.where, gpu: variables.gpu }),
      ${AGENTS} })`
    const asked = {
      user_variable_values: [{ name: 'gpu', value: 'two' }],
      tags: { where: 'cellar', gpu: '', floor: '0' },
    }
    const { job } = await push(source, asked)
    expect(job).toMatchObject({
      status: 'failed',
      tags: { scope: 'organization', owner: '', where: 'cellar', gpu: 'two', floor: '0' },
    })
    expect(job.error).toMatch(
      /with the tags (gpu=two|where=cellar|floor=0)(, (gpu=two|where=cellar|floor=0)){2}\./,
    )
  })

  it('WS-101: tags that no provisioner could carry are refused before a job is queued', async () => {
    const source = `${HEAD}export default defineTemplate({ tags: (): any => ({ gpu: 2, where: 'attic' }), ${AGENTS} })`
    await expect(push(source)).rejects.toMatchObject({
      status: 400,
      message: 'Unable to parse workspace tags',
      validations: [{ field: 'gpu', detail: 'must be a text' }],
    })
    for (const name of ['', 'a\0b'])
      await expect(push(PLAIN, { tags: { [name]: 'x' } })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'tags' }],
      })
  })

  it('WS-100, WS-106: a taken name is 409 for a new one and 400 for a renamed one', async () => {
    const version = await imported(PLAIN, { template_id: template.id, name: `v1.0-${'x'.repeat(59)}` })
    await imported(PLAIN, { template_id: template.id, name: 'taken' })
    await expect(push(PLAIN, { template_id: template.id, name: 'taken' })).rejects.toMatchObject({
      status: 409,
    })
    await expect(
      owner.call(updateTemplateVersion, { ...of(version), body: { name: 'taken' } }),
    ).rejects.toMatchObject({ status: 400, message: 'template version name must be unique for a template' })
    expect(
      await owner.call(updateTemplateVersion, { ...of(version), body: { name: '', message: 'better' } }),
    ).toMatchObject({ name: version.name, message: 'better' })
    await expect(
      member.call(updateTemplateVersion, { ...of(version), body: { message: 'mine' } }),
    ).rejects.toMatchObject({ status: 403 })
  })
})

describe('the versions of a template', () => {
  it('WS-105: are listed with the oldest first and paged by a cursor', async () => {
    const params = { template: template.id }
    const all = await owner.call(listTemplateVersions, { params })
    expect(all[0]?.id).toBe(template.active_version_id)
    const rest = await owner.call(listTemplateVersions, {
      params,
      query: { after_id: all[0]?.id ?? '', limit: 2 },
    })
    expect(rest.map(({ id }) => id)).toEqual(all.slice(1, 3).map(({ id }) => id))
    await expect(
      owner.call(listTemplateVersions, { params, query: { after_id: UNKNOWN } }),
    ).rejects.toMatchObject({ status: 400 })
  })

  it('WS-103, WS-104: are found by name, and so is the one before', async () => {
    const all = await owner.call(listTemplateVersions, { params: { template: template.id } })
    const [first, second] = all
    const named = { template: template.id, templateversionname: second?.name ?? '' }
    expect((await member.call(getTemplateVersionByName, { params: named })).id).toBe(second?.id)
    const before = (name = '') =>
      owner.call(getPreviousTemplateVersion, {
        params: { organization, templatename: 'versioned', templateversionname: name },
      })
    expect((await before(second?.name))?.id).toBe(first?.id)
    expect(await before(first?.name)).toBeUndefined()
  })

  it('WS-108: only a good version of the same template is promoted', async () => {
    const promote = (id: string, client = owner) =>
      client.call(setActiveTemplateVersion, { params: { template: template.id }, body: { id } })
    const failed = await imported('throw new Error()', { template_id: template.id })
    await expect(promote(failed.id)).rejects.toMatchObject({
      status: 403,
      message: 'Only versions that have been built successfully can be promoted.',
    })
    await expect(promote((await imported(PLAIN)).id)).rejects.toMatchObject({
      status: 400,
      message: "The provided template version doesn't belong to the specified template.",
    })
    await expect(promote(UNKNOWN)).rejects.toMatchObject({ status: 404 })
    await expect(promote(template.active_version_id, member)).rejects.toMatchObject({ status: 403 })
    await promote(template.active_version_id)
    expect((await owner.call(getTemplate, { params: { template: template.id } })).active_version_id).toBe(
      template.active_version_id,
    )
  })

  it('WS-109: archived ones are hidden, and neither promoted nor used', async () => {
    const version = await imported(PLAIN, { template_id: template.id })
    await owner.call(archiveTemplateVersion, of(version))
    await expect(owner.call(archiveTemplateVersion, of(version))).rejects.toMatchObject({ status: 400 })
    const listed = async (include: boolean) =>
      (
        await owner.call(listTemplateVersions, {
          params: { template: template.id },
          query: { include_archived: include },
        })
      ).some(({ id }) => id === version.id)
    expect([await listed(false), await listed(true)]).toEqual([false, true])
    await expect(
      owner.call(setActiveTemplateVersion, { params: { template: template.id }, body: { id: version.id } }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(
      owner.call(createWorkspace, {
        params: { user: 'me' },
        body: { name: 'old', template_version_id: version.id },
      }),
    ).rejects.toMatchObject({ message: 'Archived template versions cannot be used to make a workspace.' })
    await owner.call(unarchiveTemplateVersion, of(version))
    await expect(owner.call(unarchiveTemplateVersion, of(version))).rejects.toMatchObject({ status: 400 })
    const active = { id: template.active_version_id }
    await expect(owner.call(archiveTemplateVersion, of(active))).rejects.toMatchObject({ status: 400 })
    await expect(owner.call(archiveTemplateVersion, of(await imported(PLAIN)))).rejects.toMatchObject({
      status: 400,
    })
  })

  it('WS-109: one that a workspace uses cannot be archived', async () => {
    const version = await imported(PLAIN, { template_id: template.id })
    const workspace = await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'uses-it', template_version_id: version.id },
    })
    expect(workspace.outdated).toBe(true)
    await expect(owner.call(archiveTemplateVersion, of(version))).rejects.toMatchObject({
      status: 400,
      message: 'Cannot archive a template version that a workspace uses: update the workspace first.',
    })
  })

  it('WS-109: versions that nobody needs are archived together', async () => {
    const own = await importTemplate(owner, 'tidied', { 'template.ts': PLAIN })
    const failed = await imported('export default 1', { template_id: own.id })
    const unused = await imported(PLAIN, { template_id: own.id })
    const used = await imported(PLAIN, { template_id: own.id })
    await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'user-of-it', template_version_id: used.id },
    })
    const archive = (client: Client, body: { all?: boolean }) =>
      client.call(archiveTemplateVersions, { params: { template: own.id }, body })
    await expect(archive(member, {})).rejects.toMatchObject({ status: 403 })
    expect(await archive(owner, {})).toEqual({ template_id: own.id, archived_ids: [failed.id] })
    expect((await archive(owner, { all: true })).archived_ids).toEqual([unused.id])
    expect((await archive(owner, { all: true })).archived_ids).toEqual([])
  })

  it('WS-107: an import that runs is canceled once, and one that is over cannot be', async () => {
    const loop = 'for (const a of [1, 2, 3]) while (a) {}'
    const version = await push(loop)
    await expect(member.call(cancelTemplateVersion, of(version))).rejects.toMatchObject({ status: 404 })
    await owner.call(cancelTemplateVersion, of(version))
    await expect(owner.call(cancelTemplateVersion, of(version))).rejects.toMatchObject({ status: 400 })
    expect((await ended(version)).job.status).toBe('canceled')
    await expect(owner.call(cancelTemplateVersion, of(version))).rejects.toMatchObject({
      message: 'Job has already completed!',
    })
  })

  it('WS-110, WS-111, WS-114: parts of an unfinished import are not there yet', async () => {
    const version = await push('while (true) {}')
    await expect(owner.call(listTemplateVersionParameters, of(version))).rejects.toMatchObject({
      status: 425,
    })
    await expect(owner.call(listTemplateVersionVariables, of(version))).rejects.toMatchObject({ status: 403 })
    await expect(owner.call(listTemplateVersionResources, of(version))).rejects.toMatchObject({
      status: 400,
      message: "Job hasn't completed!",
    })
    await ended(version)
  })
})
