import path from 'node:path'
import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createTemplateVersion,
  evaluateDynamicParameters,
  getTemplateVersion,
  listTemplateVersionLogs,
  listTemplateVersionParameters,
  listTemplateVersionPresets,
  listTemplateVersionResources,
  listTemplateVersionVariables,
  setActiveTemplateVersion,
  type Template,
  type TemplateVersion,
  uploadFile,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const HEAD = `import { defineTemplate, local } from '@slipway/template'\n`
const AGENTS = `workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] })`
const PLAIN = `${HEAD}export default defineTemplate({ ${AGENTS} })`
const OPTION = (name: string, value: string) => `{ name: '${name}', value: '${value}' }`
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
  template = await importTemplate(owner, 'imported', { 'template.ts': PLAIN })
})
afterAll(() => server[Symbol.asyncDispose]())

type Body = Partial<Parameters<typeof owner.call<typeof createTemplateVersion>>[1] & object>['body']

async function upload(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
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

/** The compiler takes its time where other tests run beside it; milliseconds. */
const WAIT_MS = 60_000

const ended = ({ id }: Pick<TemplateVersion, 'id'>): Promise<TemplateVersion> =>
  until(
    'the import',
    async () => {
      const version = await owner.call(getTemplateVersion, { params: { templateversion: id } })
      return version.job.completed_at === undefined ? undefined : version
    },
    WAIT_MS,
  )

const imported = async (source: string, more: Partial<Body> = {}) => ended(await push(source, more))

const of = ({ id }: Pick<TemplateVersion, 'id'>) => ({ params: { templateversion: id } })

describe('an import that fails says where', { timeout: 2 * WAIT_MS }, () => {
  const body = (source: string) => `${HEAD}export default defineTemplate({\n${source}\n})`
  it.each<[string, string, RegExp]>([
    [
      'a wrong type',
      body(`parameters: { n: { type: 'number', default: 'four' } },\n${AGENTS},`),
      /^template\.ts:3:\d+: TS\d+: .*not assignable/,
    ],
    [
      'a missing value',
      body(`workspace: () => ({ runtime: local() }),`),
      /^template\.ts:3:\d+: TS\d+: .*agents/,
    ],
    ['a syntax error', body(`${AGENTS},\nparameters: {{},`), /^template\.ts:4:\d+: TS\d+: /],
    ['an enum', `${HEAD}\nenum A { B }\n${PLAIN.slice(HEAD.length)}`, /^template\.ts:3:\d+: TS1294: /],
    [
      'an import of node:fs',
      `import fs from 'node:fs'\n${PLAIN}\nvoid fs`,
      /^template\.ts:1:\d+: TS\d+: .*node:fs/,
    ],
    [
      'a hidden import of node:fs',
      `// @ts-nocheck\n\nawait import('node:fs')\n${PLAIN}`,
      /^template\.ts:3: 'node:fs' cannot be imported/,
    ],
    [
      'a reference to a file outside',
      // A file that imports nothing: the compiler reads whatever it is referred to.
      `/// <reference path="${path.join(import.meta.dirname, '../agents/storable.ts')}" />\n${PLAIN}`,
      /outside of its archive/,
    ],
    [
      'a thrown error',
      body(
        `\n\n${AGENTS.replace('({ runtime', '{ throw new Error("no luck") }, tags: () => ({}), presets: [] })\nvoid ({ a: () => ({ runtime')}`,
      ),
      /^template\.ts:5: no luck/,
    ],
    ['an error at the top', `${PLAIN}\n\nthrow new Error('at the top')`, /^template\.ts:4: at the top/],
    [
      'an endless loop',
      `${PLAIN}\n\nlet n = 0\nwhile (n >= 0) n += 1`,
      /^template\.ts:2 or below: the template did not answer within 1000 ms/,
    ],
    [
      '1 GiB of memory',
      `${PLAIN}\n\nconst all: unknown[] = []\nfor (let i = 0; i < 1024; i++) all.push(new Uint8Array(1 << 20).fill(1))`,
      /^template\.ts:5: out of memory/,
    ],
    [
      'endless recursion',
      `${PLAIN}\nconst deep = (): number => deep() + 1\ndeep()`,
      /^template\.ts:3: stack overflow/,
    ],
    ['no template', 'export const nothing = 1', /export default defineTemplate/],
    [
      'a default that is refused',
      body(`parameters: { n: { type: 'number', default: 9, validation: { max: 8 } } },\n${AGENTS}`),
      /default of parameter n is refused: .*maximum 8/,
    ],
    [
      'a regex that cannot be read',
      body(
        `parameters: { s: { type: 'string', default: '', validation: { regex: '(', error: '' } } },\n${AGENTS}`,
      ),
      /regex of parameter s cannot be used/,
    ],
    [
      'a preset that is refused',
      body(
        `parameters: { n: { type: 'number', default: 1, validation: { max: 8 } } },\npresets: [{ name: 'Big', parameters: { n: 9 } }],\n${AGENTS}`,
      ),
      /preset Big sets n to a refused value/,
    ],
    [
      'a NUL character',
      body(AGENTS.replace("'main' }", "'main', directory: 'a\\u0000b' }")),
      /NUL character/,
    ],
    ['a thrown NUL character', `${PLAIN}\nthrow new Error('a\\0b')`, /^template\.ts:3: a\u274cb$/],
    [
      'a number that is not whole under a validation',
      body(`parameters: { n: { type: 'number', default: 2.5, validation: { min: 1 } } },\n${AGENTS}`),
      /default of parameter n is refused: value 2.5 is not a whole number/,
    ],
    [
      'two options of one name',
      body(
        `parameters: { s: { type: 'string', default: 'a', options: [${OPTION('A', 'a')}, ${OPTION('A', 'b')}] } },\n${AGENTS}`,
      ),
      /names of options of parameter s must differ/,
    ],
    [
      'two options of one value',
      body(
        `parameters: { s: { type: 'string', default: 'a', options: [${OPTION('A', 'a')}, ${OPTION('B', 'a')}] } },\n${AGENTS}`,
      ),
      /values of options of parameter s must differ/,
    ],
    [
      'an option of another type',
      `// @ts-nocheck\n${body(`parameters: { n: { type: 'number', options: [${OPTION('A', 'a')}] } },\n${AGENTS}`)}`,
      /option A of parameter n is refused: value "a" is not a number/,
    ],
    [
      'a form of another type',
      `// @ts-nocheck\n${body(`parameters: { n: { type: 'number', formType: 'textarea' } },\n${AGENTS}`)}`,
      /parameter n of type number without options cannot have the form textarea: use input or slider/,
    ],
    [
      'a name of no variable of the environment',
      body(AGENTS.replace("'main' }", "'main', env: { 'A=B': 'x' } }")),
      /agent main: "A=B" is no name of an environment variable/,
    ],
    [
      'a schedule that cannot be read',
      body(
        AGENTS.replace(
          "'main' }",
          "'main', scripts: [{ displayName: 'Backup', script: 'x', cron: '0 3 * * *' }] }",
        ),
      ),
      /script Backup has the schedule "0 3 \* \* \*": write six fields/,
    ],
    [
      'a script that would block the login and never run',
      body(
        AGENTS.replace(
          "'main' }",
          "'main', scripts: [{ displayName: 'S', script: 'x', runOnStop: true, startBlocksLogin: true }] }",
        ),
      ),
      /script S can only block the login when it has runOnStart/,
    ],
    [
      'two agents of one name',
      body(AGENTS.replace("{ name: 'main' }", "{ name: 'main' }, { name: 'Main' }")),
      /names must differ/,
    ],
    [
      'a provider that is not there',
      body(`externalAuth: [{ id: 'github' }],\n${AGENTS}`),
      /^external auth provider "github" is not configured/,
    ],
  ])('WS-102: %s', async (_what, source, message) => {
    const version = await imported(source)
    expect(version.job.status).toBe('failed')
    expect(version.job.error).toMatch(message)
    const logs = await owner.call(listTemplateVersionLogs, of(version))
    expect(logs.at(-1)).toMatchObject({ log_level: 'error', output: version.job.error })
  })

  it('WS-102: an archive without template.ts', async () => {
    const version = await imported('', { file_id: await upload({ 'main.tf': '' }) })
    expect(version.job).toMatchObject({ status: 'failed' })
    expect(version.job.error).toContain('no template.ts')
  })

  it('WS-102: a variable whose value is not of its type, without repeating the value', async () => {
    const source = body(
      `variables: { n: { type: 'number' }, b: { type: 'bool', default: false } },\n${AGENTS}`,
    )
    for (const [name, value, message] of [
      ['n', 'many', 'the value of the variable n is not a number'],
      ['b', 'perhaps', 'the value of the variable b is neither true nor false'],
    ] as const) {
      const given = [
        { name: 'n', value: '1' },
        { name, value },
      ]
      expect((await imported(source, { user_variable_values: given })).job.error).toBe(message)
    }
  })

  it('PR-123: tags that no provisioner has fail the job at once and are named', async () => {
    const version = await push(PLAIN, { tags: { gpu: 'yes' } })
    expect(version.job).toMatchObject({ status: 'failed' })
    expect(version.job.error).toContain('gpu=yes')
  })

  it('the server lives on and imports the next one', async () => {
    expect((await imported(PLAIN)).job.status).toBe('succeeded')
  })
})

describe('an import that succeeds', { timeout: 2 * WAIT_MS }, () => {
  const SOURCE = `${HEAD}export default defineTemplate({
  variables: {
    image: { type: 'string', default: 'debian:12', description: 'Image' },
    token: { type: 'string', sensitive: true },
  },
  parameters: {
    region: { type: 'string', default: 'eu', options: [{ name: 'Europe', value: 'eu' }, { name: 'US', value: 'us' }], order: 2 },
    cores: { type: 'number', default: 2, mutable: true, order: 1, formType: 'slider', validation: { min: 1, max: 8, monotonic: 'increasing' } },
    name: { type: 'string', description: '**Name** of _the_ \`my_repo\`, see [the docs](https://example.com/a_b)', validation: { regex: '^[a-z]+$', error: 'small letters' } },
  },
  presets: [{ name: 'Large', default: true, parameters: { cores: 8, region: 'us' } }],
  workspace: ({ parameters, variables }) => ({
    runtime: local(),
    metadata: [{ key: 'image', value: variables.image }, { key: 'secret', value: variables.token, sensitive: true }],
    agents: [{ name: 'main', apps: [{ slug: 'docs', url: 'http://localhost:' + String(8000 + parameters.cores) }] }],
  }),
})`
  let version: TemplateVersion

  it('WS-102: fails without a required variable and says so to programs', async () => {
    const failed = await imported(SOURCE)
    expect(failed.job).toMatchObject({ status: 'failed', error_code: 'REQUIRED_TEMPLATE_VARIABLES' })
    expect(failed.job.error).toContain('token')
    expect((await owner.call(listTemplateVersionVariables, of(failed))).map(({ name }) => name)).toEqual([
      'image',
      'token',
    ])
  })

  it('WS-102: stores README, resources, parameters, presets and variables', async () => {
    version = await imported('', {
      template_id: template.id,
      file_id: await upload({ 'template.ts': SOURCE, 'README.md': '# Hello' }),
      user_variable_values: [{ name: 'token', value: 's3cret' }],
    })
    expect(version.job.error).toBeUndefined()
    expect(version.readme).toBe('# Hello')
    const [resource] = await owner.call(listTemplateVersionResources, of(version))
    expect(resource?.agents?.[0]?.apps[0]).toMatchObject({ slug: 'docs', url: 'http://localhost:8002' })
    expect(await owner.call(listTemplateVersionPresets, of(version))).toMatchObject([
      {
        Name: 'Large',
        Default: true,
        Parameters: [
          { Name: 'cores', Value: '8' },
          { Name: 'region', Value: 'us' },
        ],
      },
    ])
  })

  it('WS-102: a README that was not saved as UTF-8 does not fail the import', async () => {
    const file_id = await upload({ 'template.ts': PLAIN, 'README.md': Buffer.from('# Hello', 'utf16le') })
    const odd = await imported('', { file_id })
    expect(odd.job.error).toBeUndefined()
    expect(odd.readme).toBe('# Hello')
  })

  it('WS-120: a parameter may be called like something that every object has', async () => {
    const source = `${HEAD}export default defineTemplate({
      parameters: { constructor: { type: 'string', default: 'x' }, toString: { type: 'number' } },
      workspace: ({ parameters }) => ({ runtime: local(), agents: [{ name: 'main', env: { A: parameters.constructor } }] }),
    })`
    const odd = await imported(source)
    expect(odd.job.error).toBeUndefined()
    const { parameters } = await owner.call(evaluateDynamicParameters, { ...of(odd), body: { inputs: {} } })
    expect(parameters.map(({ name, value }) => [name, value.value])).toEqual([
      ['constructor', 'x'],
      ['toString', ''],
    ])
  })

  it('WS-110: parameters come in the order of the form', async () => {
    const parameters = await member.call(listTemplateVersionParameters, of(version))
    expect(parameters.map(({ name, required, form_type }) => [name, required, form_type])).toEqual([
      ['name', true, 'input'],
      ['cores', false, 'slider'],
      ['region', false, 'radio'],
    ])
    expect(parameters[0]?.description_plaintext).toBe('Name of the my_repo, see the docs')
    expect(parameters[1]).toMatchObject({
      validation_min: 1,
      validation_max: 8,
      validation_monotonic: 'increasing',
    })
  })

  it('WS-111: secrets are not shown', async () => {
    const variables = await owner.call(listTemplateVersionVariables, of(version))
    expect(variables).toMatchObject([
      { name: 'image', value: 'debian:12', default_value: 'debian:12', required: false },
      { name: 'token', value: '*redacted*', required: true, sensitive: true },
    ])
    expect(JSON.stringify(variables)).not.toContain('s3cret')
  })

  it('WS-102: the next version inherits the variables of the active one; given ones win', async () => {
    await owner.call(setActiveTemplateVersion, {
      params: { template: template.id },
      body: { id: version.id },
    })
    const next = await imported(SOURCE, {
      template_id: template.id,
      user_variable_values: [{ name: 'image', value: 'alpine' }],
    })
    expect(next.job.error).toBeUndefined()
    expect((await owner.call(listTemplateVersionVariables, of(next)))[0]).toMatchObject({ value: 'alpine' })
  })

  it('WS-112: without presets there is an empty list', async () => {
    const plain = { id: (await imported(PLAIN)).id }
    expect(await owner.call(listTemplateVersionPresets, of(plain))).toEqual([])
  })

  it('WS-190: the log is polled, continued, read as text and followed to its end', async () => {
    const fresh = await push(PLAIN)
    const address = owner.address(listTemplateVersionLogs, of(fresh))
    const socket = new WebSocket(`${address.replace('http', 'ws')}?follow`, { headers: owner.headers })
    const followed: unknown[] = []
    socket.on('message', (data) => followed.push(JSON.parse(String(data))))
    expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(1000)
    const polled = await owner.call(listTemplateVersionLogs, of(fresh))
    expect(polled.length).toBeGreaterThan(2)
    expect(followed).toEqual(polled)
    const rest = await owner.call(listTemplateVersionLogs, {
      ...of(fresh),
      query: { after: polled[0]?.id ?? 0 },
    })
    expect(rest).toEqual(polled.slice(1))
    const text = await fetch(`${address}?format=text`, { headers: owner.headers })
    expect(await text.text()).toContain('[provisioner|')
  })
})
