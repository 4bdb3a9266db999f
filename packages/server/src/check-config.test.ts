import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  createTestDatabase,
  FakeMailServer,
  freePort,
  IdentityProvider,
  type TestDatabase,
} from '@slipway/testkit'
import { checkConfig } from './check-config.ts'
import { parseConfig } from './config/index.ts'

let steps: AsyncDisposableStack
let database: TestDatabase
let idp: IdentityProvider
let mail: FakeMailServer
let folder: string

beforeAll(async () => {
  steps = new AsyncDisposableStack()
  database = steps.use(await createTestDatabase())
  idp = steps.use(await IdentityProvider.start())
  mail = steps.use(await FakeMailServer.start({ credentials: { user: 'slipway', password: 'right' } }))
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-check-'))
  steps.defer(() => rm(folder, { recursive: true, force: true }))
})
afterAll(() => steps.disposeAsync())

async function check(env: Readonly<Record<string, string>>) {
  const parsed = parseConfig([], env)
  if (parsed.kind === 'print') throw new Error('nothing was to be printed')
  const { ok, checks, warnings } = await checkConfig(parsed)
  return { ok, warnings, of: new Map(checks.map(({ check: name, ...result }) => [name, result])) }
}

const all = () => ({
  CODER_PG_CONNECTION_URL: database.url,
  CODER_EMAIL_SMARTHOST: mail.smarthost,
  CODER_EMAIL_FROM: 'slipway@example.com',
  CODER_EMAIL_AUTH_USERNAME: 'slipway',
  CODER_EMAIL_AUTH_PASSWORD: 'right',
  CODER_OIDC_ISSUER_URL: idp.issuer,
  CODER_OIDC_CLIENT_ID: 'slipway',
  CODER_OIDC_CLIENT_SECRET: 'secret-of-the-client',
  CODER_TLS_ENABLE: 'true',
})

describe('OP-B4: the check of the settings', () => {
  it('finds nothing wrong where everything that they name can be used', async () => {
    const { ok, of } = await check(all())
    expect(ok).toBe(true)
    expect(Object.fromEntries(of)).toEqual({
      options: { status: 'ok', detail: '' },
      certificates: { status: 'ok', detail: 'the server makes a certificate of its own' },
      database: { status: 'ok', detail: 'the schema is up to date' },
      'mail-server': { status: 'ok', detail: mail.smarthost },
      'identity-provider': { status: 'ok', detail: idp.issuer },
    })
    expect(mail.received).toEqual([])
  })

  it('looks at nothing that is not configured', async () => {
    const { ok, of } = await check({})
    expect(ok).toBe(true)
    for (const name of ['certificates', 'database', 'mail-server', 'identity-provider'] as const)
      expect([name, of.get(name)]).toEqual([name, { status: 'not-configured', detail: '' }])
  })

  it('says of all that cannot be used why, and repeats no secret', async () => {
    const cert = path.join(folder, 'cert.pem')
    await writeFile(cert, 'no certificate')
    const nobody = `127.0.0.1:${await freePort()}`
    const { ok, of } = await check({
      ...all(),
      CODER_PG_CONNECTION_URL: `postgres://slipway:of-the-database@${nobody}/slipway`,
      CODER_EMAIL_AUTH_PASSWORD: 'of-the-mail-server',
      CODER_OIDC_ISSUER_URL: `http://${nobody}`,
      CODER_TLS_CERT_FILE: cert,
      CODER_TLS_KEY_FILE: path.join(folder, 'absent.pem'),
    })
    expect(ok).toBe(false)
    const failed = [...of].filter(([, { status }]) => status === 'failed').map(([name]) => name)
    expect(failed).toEqual(['certificates', 'database', 'mail-server', 'identity-provider'])
    expect(of.get('certificates')?.detail).toContain(cert)
    expect(of.get('database')?.detail).toContain('cannot connect to the database')
    for (const { detail } of of.values()) {
      expect(detail).not.toMatch(/of-the-database|of-the-mail-server|secret-of-the-client/)
      expect(detail).not.toContain('\n')
    }
  })

  it('lists every option that cannot be read, and looks no further', async () => {
    const parsed = parseConfig(['--tls-min-version=ssl3', '--nonsense'], { CODER_PG_CONNECTION_URL: 'x' })
    if (parsed.kind !== 'refused') throw new Error('bad settings were taken')
    const { ok, checks } = await checkConfig(parsed)
    expect(ok).toBe(false)
    expect(checks.length).toBe(parsed.errors.length)
    expect(new Set(checks.map((one) => `${one.check} ${one.status}`))).toEqual(new Set(['options failed']))
  })

  it('says how many migrations an older database lacks, and carries none out', async () => {
    await using empty = await createTestDatabase({ migrated: false })
    const look = async () => (await check({ CODER_PG_CONNECTION_URL: empty.url })).of.get('database')
    const found = await look()
    expect(found).toEqual({ status: 'ok', detail: expect.stringMatching(/^\d\d+ migrations pending$/) })
    expect(await look()).toEqual(found)
  })
})
