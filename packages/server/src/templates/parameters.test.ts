import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  type DynamicParametersResponse,
  evaluateDynamicParameters,
  getUser,
  getWorkspace,
  listBuildParameters,
  listTemplateVersionPresets,
  type Template,
  type Workspace,
  watchDynamicParameters,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: {
    region: { type: 'string', default: 'eu', options: [{ name: 'Europe', value: 'eu' }, { name: 'US', value: 'us' }] },
    cores: { type: 'number', default: 2, mutable: true, validation: { min: 1, max: 8, monotonic: 'increasing' } },
    disk: { type: 'number', default: 10, mutable: true, validation: { min: 1, error: 'at least {min}, not {value}' } },
    slug: { type: 'string', default: 'a', mutable: true, validation: { regex: '^(a+)+$', error: 'only the letter a' } },
    tools: { type: 'list(string)', default: [], mutable: true, formType: 'multi-select', options: [{ name: 'Go', value: 'go' }, { name: 'Rust', value: 'rust' }] },
    tags: { type: 'list(string)', default: [], mutable: true },
    debug: { type: 'bool', default: false, mutable: true, ephemeral: true },
    owner: { type: 'string', mutable: true },
  },
  presets: [{ name: 'Big', parameters: { cores: 8 } }],
  workspace: ({ parameters }) => ({
    runtime: local(),
    agents: [{ name: 'main', env: { CORES: String(parameters.cores), TOOLS: parameters.tools.join(' ') } }],
  }),
})`

const NIL = '00000000-0000-0000-0000-000000000000'

let server: TestServer
let owner: Client
let template: Template
let workspace: Workspace

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.builtInTemplate()
  template = await importTemplate(owner, 'parameters', { 'template.ts': SOURCE })
})
afterAll(() => server[Symbol.asyncDispose]())

type Values = Readonly<Record<string, string>>

const list = (values: Values) => Object.entries(values).map(([name, value]) => ({ name, value }))

const make = (name: string, values: Values, more: object = {}) =>
  owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id, rich_parameter_values: list(values), ...more },
  })

const rebuild = (values: Values) =>
  owner.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'start', rich_parameter_values: list(values) },
  })

async function valuesOf(build: { readonly id: string }): Promise<Values> {
  const values = await owner.call(listBuildParameters, { params: { workspacebuild: build.id } })
  return Object.fromEntries(values.map(({ name, value }) => [name, value]))
}

const idle = () =>
  until('the build', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    return current.latest_build.job.completed_at
  })

describe('values of a new workspace', () => {
  it.each<[Values, string, RegExp]>([
    [{}, 'owner', /required/],
    [{ region: 'mars' }, 'region', /not one of the options "eu", "us"/],
    [{ cores: '0' }, 'cores', /less than the minimum 1/],
    [{ cores: '9' }, 'cores', /more than the maximum 8/],
    [{ cores: 'many' }, 'cores', /not a number/],
    [{ cores: '' }, 'cores', /not a number/],
    [{ disk: '0' }, 'disk', /^at least 1, not 0$/],
    [{ slug: 'b' }, 'slug', /^only the letter a$/],
    [{ slug: `${'a'.repeat(60_000)}b` }, 'slug', /./],
    [{ slug: 'a'.repeat(70_000) }, 'slug', /longer than 65536 bytes/],
    [{ tools: '["go","perl"]' }, 'tools', /"perl" is not one of the options/],
    [{ tools: 'go' }, 'tools', /JSON array/],
    [{ tags: '[1]' }, 'tags', /JSON array/],
    [{ debug: 'maybe' }, 'debug', /true or false/],
  ])('WS-121: %j is refused at once', async (values, field, detail) => {
    const start = performance.now()
    const given = field === 'owner' ? values : { owner: 'me', ...values }
    await expect(make('refused', given)).rejects.toMatchObject({
      status: 400,
      validations: [{ field, detail: expect.stringMatching(detail) }],
    })
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('WS-121: unknown ones are dropped and defaults become values', async () => {
    workspace = await make('dev', {
      owner: 'me',
      region: 'us',
      cores: '4',
      nope: 'x',
      tools: '["go"]',
      debug: 'true',
    })
    expect(await valuesOf(workspace.latest_build)).toEqual({
      owner: 'me',
      region: 'us',
      cores: '4',
      disk: '10',
      slug: 'a',
      tools: '["go"]',
      tags: '[]',
      debug: 'true',
    })
    await idle()
  })
})

describe('values of a later build', () => {
  it('WS-121, WS-122: immutable ones stay, and numbers go one way', async () => {
    await expect(rebuild({ region: 'eu' })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'region', detail: expect.stringContaining('is not mutable') }],
    })
    await expect(rebuild({ cores: '3' })).rejects.toMatchObject({
      status: 400,
      validations: [
        { field: 'cores', detail: expect.stringContaining('equal or greater than previous value: 4') },
      ],
    })
  })

  it('WS-121: kept values are those of the build before, except ephemeral ones', async () => {
    const build = await rebuild({ region: 'us', cores: '6' })
    expect(await valuesOf(build)).toMatchObject({
      region: 'us',
      cores: '6',
      owner: 'me',
      debug: 'false',
      tools: '["go"]',
    })
    await idle()
  })
})

describe('presets', () => {
  it('WS-123: a preset wins over given values, and one that matches is recorded', async () => {
    const presets = await owner.call(listTemplateVersionPresets, {
      params: { templateversion: template.active_version_id },
    })
    const id = presets[0]?.ID ?? ''
    const named = await make('named', { owner: 'me', cores: '1' }, { template_version_preset_id: id })
    expect(await valuesOf(named.latest_build)).toMatchObject({ cores: '8' })
    expect(named.latest_build.template_version_preset_id).toBe(id)
    const matched = await make('matched', { owner: 'me', cores: '8' })
    expect(matched.latest_build.template_version_preset_id).toBe(id)
    await expect(
      make(
        'foreign',
        { owner: 'me' },
        { template_version_preset_id: '00000000-0000-4000-8000-000000000000' },
      ),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'template_version_preset_id' }] })
  })
})

describe('the form', () => {
  const evaluate = (inputs: Values, more: object = {}, client = owner) =>
    client.call(evaluateDynamicParameters, {
      params: { templateversion: template.active_version_id },
      body: { id: 7, inputs, ...more },
    })
  const parameter = (response: DynamicParametersResponse, name: string) =>
    response.parameters.find((one) => one.name === name)

  it('WS-125: shows each value and what is wrong with it', async () => {
    const response = await evaluate({ cores: '99', region: 'us' })
    expect(response).toMatchObject({ id: 0, diagnostics: [] })
    expect(parameter(response, 'cores')).toMatchObject({
      value: { value: '99', valid: true },
      default_value: { value: '2', valid: true },
      diagnostics: [{ severity: 'error', detail: expect.stringContaining('maximum 8') }],
    })
    expect(parameter(response, 'region')).toMatchObject({ form_type: 'radio', diagnostics: [] })
    expect(parameter(response, 'owner')).toMatchObject({ required: true, value: { valid: false } })
  })

  it('WS-125: for somebody who cannot be seen there is no form', async () => {
    const owners = await owner.call(getUser, { params: { user: 'me' } })
    expect((await evaluate({}, { owner_id: owners.id })).parameters).not.toEqual([])
    expect(await evaluate({}, { owner_id: '00000000-0000-4000-8000-000000000000' })).toMatchObject({
      diagnostics: [{ severity: 'error', extra: { code: 'owner_not_found' } }],
      parameters: [],
    })
  })

  it('WS-124: the form is for the user of the address, until a request names another one', async () => {
    const socket = new WebSocket(
      owner
        .address(watchDynamicParameters, {
          params: { templateversion: template.active_version_id },
          query: { user_id: '00000000-0000-4000-8000-000000000000' },
        })
        .replace('http', 'ws'),
      { headers: owner.headers },
    )
    const answers: DynamicParametersResponse[] = []
    socket.on('message', (data) => answers.push(JSON.parse(String(data))))
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    const { id } = await owner.call(getUser, { params: { user: 'me' } })
    for (const [index, owner_id] of [undefined, id, NIL].entries())
      socket.send(JSON.stringify({ id: index + 1, owner_id }))
    await until('the answers', () => answers.length === 4)
    expect(answers.map((one) => [one.id, one.diagnostics[0]?.extra.code, one.parameters.length > 0])).toEqual(
      [
        [-1, 'owner_not_found', false],
        [1, 'owner_not_found', false],
        [2, undefined, true],
        [3, undefined, true],
      ],
    )
    socket.close()
  })

  it('WS-124: over a socket comes the state without input, then one answer for each request, in order', async () => {
    const address = owner.address(watchDynamicParameters, {
      params: { templateversion: template.active_version_id },
    })
    const socket = new WebSocket(address.replace('http', 'ws'), { headers: owner.headers })
    const answers: DynamicParametersResponse[] = []
    socket.on('message', (data) => answers.push(JSON.parse(String(data))))
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
    for (const id of [1, 2, 3]) socket.send(JSON.stringify({ id, inputs: { cores: String(id) } }))
    await until('the answers', () => answers.length === 4)
    expect(answers.map(({ id }) => id)).toEqual([-1, 1, 2, 3])
    expect(answers.slice(1).map((one) => parameter(one, 'cores')?.value.value)).toEqual(['1', '2', '3'])
    const start = performance.now()
    socket.send('nonsense')
    expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(1003)
    expect(performance.now() - start).toBeLessThan(5_000)
    expect((await fetch(address, { headers: owner.headers })).status).toBe(426)
  })
})
