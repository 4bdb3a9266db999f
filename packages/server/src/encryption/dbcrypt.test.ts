import { randomBytes } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, expect, it } from 'vitest'

import { createUserSecret, getGitSshKey, listUserSecrets } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import {
  createTestDatabase,
  fixtures,
  openDatabase,
  startTestServer,
  type TestDatabase,
} from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { openMaintenance } from '../maintain.ts'
import { ensureSecret, Sealer } from '../secrets/index.ts'
import { SEALED_COLUMNS } from './sealed-columns.ts'

const actor = systemActor('crypto_key_rotator', 'a test')
const stack: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

const key = (): string => randomBytes(32).toString('base64')

async function newDatabase(): Promise<{ source: TestDatabase; database: Database }> {
  const source = await createTestDatabase()
  stack.push(source)
  const database = await openDatabase(source.url, { maxConnections: 2 })
  stack.push(database)
  return { source, database }
}

async function serverWith({ url: databaseUrl }: TestDatabase, keys: readonly string[]) {
  const server = await startTestServer({
    databaseUrl,
    env: { CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: keys.join(',') },
  })
  stack.push(server)
  return server
}

const maintenance = ({ url }: TestDatabase) =>
  openMaintenance([], { CODER_PG_CONNECTION_URL: url }, silentLogger())

/** A row with a value of every sealed column, under this sealer. */
async function seedAll({ db }: Database, sealer: Sealer): Promise<void> {
  const user = await fixtures.user(db)
  const sealed = (place: string, of: Record<string, string>): Buffer => {
    const column = SEALED_COLUMNS.find((one) => `${one.table}.${one.column}` === place)
    if (column === undefined) throw new Error(place)
    return sealer.seal(Buffer.from(`value of ${place}`), column.purpose(of))
  }
  const user_id = user.id
  await fixtures.gitSshKey(db, { user, private_key: sealed('git_ssh_keys.private_key', { user_id }) })
  const id = '7d8ab32c-9d5c-4a7b-8c2c-0a5f2f5f9a11'
  await fixtures.userSecret(db, { id, user, value: sealed('user_secrets.value', { id, user_id }) })
  const workspace = await fixtures.workspace(db, { owner: user })
  const workspace_id = workspace.id
  const provisioner_state = sealed('workspace_builds.provisioner_state', { workspace_id })
  await fixtures.workspaceBuild(db, { workspace, provisioner_state })
  await fixtures.identityProvider(db, {
    id,
    client_secret: sealed('identity_providers.client_secret', { id }),
  })
  const login_type = 'oidc'
  await fixtures.userLink(db, {
    user,
    login_type,
    oauth_access_token: sealed('user_links.oauth_access_token', { user_id, login_type }),
    oauth_refresh_token: sealed('user_links.oauth_refresh_token', { user_id, login_type }),
  })
  const key_id = (await fixtures.apiKey(db, { user })).id
  await fixtures.oidcSession(db, { key_id, id_token: sealed('oidc_sessions.id_token', { key_id }) })
  const model = await fixtures.aiProvider(db, { id, settings: sealed('ai_providers.settings', { id }) })
  await fixtures.aiProviderKey(db, {
    id,
    provider: model,
    api_key: sealed('ai_provider_keys.api_key', { id, provider_id: id }),
  })
  await fixtures.userAiProviderKey(db, {
    provider: model,
    user,
    api_key: sealed('user_ai_provider_keys.api_key', { user_id, ai_provider_id: id }),
  })
  await fixtures.aiGatewaySettings(db, {
    guardrail_webhook_secret: sealed('ai_gateway_settings.guardrail_webhook_secret', { id: 'true' }),
    export_webhook_secret: sealed('ai_gateway_settings.export_webhook_secret', { id: 'true' }),
  })
  const provider_id = 'github'
  const tokens = sealed('external_auth_links.tokens', { provider_id, user_id })
  await fixtures.externalAuthLink(db, { user, provider_id, tokens })
  await fixtures.userTotp(db, { user, secret: sealed('user_totp.secret', { user_id }) })
  const config = await fixtures.mcpServerConfig(db, {
    id,
    oauth2_client_secret: sealed('mcp_server_configs.oauth2_client_secret', { id }),
    api_key_value: sealed('mcp_server_configs.api_key_value', { id }),
    custom_headers: sealed('mcp_server_configs.custom_headers', { id }),
  })
  const ofConfig = sealed('mcp_server_user_tokens.tokens', { config_id: id, user_id })
  await fixtures.mcpServerUserToken(db, { config, user, tokens: ofConfig })
  const pair = { public_key: 'x'.repeat(87) }
  const keys = await fixtures.webpushKey(db, {
    ...pair,
    private_key: sealed('webpush_keys.private_key', pair),
  })
  const browser = { endpoint: 'https://push.example/1' }
  await fixtures.webpushSubscription(db, {
    user,
    keys,
    ...browser,
    auth_key: sealed('webpush_subscriptions.auth_key', browser),
  })
}

/** How many values of each column there are, all of which these keys open as they were sealed. */
async function opened({ db }: Database, keys: readonly Buffer[]): Promise<Record<string, number>> {
  const sealer = new Sealer(keys)
  const counts: Record<string, number> = {}
  for (const { table, column, purpose } of SEALED_COLUMNS) {
    const place = `${table}.${column}`
    const rows = await db
      .selectFrom(table as 'user_totp')
      .selectAll()
      .execute()
    const values = rows.flatMap((row) => {
      const of = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))
      const value: unknown = Object.entries(row).find(([name]) => name === column)?.[1]
      return Buffer.isBuffer(value) ? [sealer.open(value, purpose(of)).toString()] : []
    })
    expect(values, place).toEqual(values.map(() => `value of ${place}`))
    counts[place] = values.length
  }
  return counts
}

const EVERY = Object.fromEntries(SEALED_COLUMNS.map(({ table, column }) => [`${table}.${column}`, 1]))

it('OP-67: rotating encrypts every value under the new key, and going back under that of the deployment', async () => {
  const { source, database } = await newDatabase()
  const own = await ensureSecret(actor, database.db, 'sealed_values', randomBytes(32))
  const [old, fresh] = [randomBytes(32), randomBytes(32)]
  await seedAll(database, new Sealer([old, own]))
  await using work = await maintenance(source)
  const all = SEALED_COLUMNS.length
  expect(await work.rotate(fresh.toString('base64'), [old.toString('base64')])).toBe(all)
  expect(await opened(database, [fresh])).toEqual(EVERY)
  expect(await work.rotate(fresh.toString('base64'), [])).toBe(0)
  expect(await work.decrypt([fresh.toString('base64')])).toBe(all)
  expect(await opened(database, [own])).toEqual(EVERY)
  await expect(work.rotate(fresh.toString('base64'), [])).rejects.toThrow('given up')
})

it('OP-67: without a key that is in use nothing is changed', async () => {
  const { source, database } = await newDatabase()
  const old = randomBytes(32)
  await seedAll(database, new Sealer([old]))
  await using work = await maintenance(source)
  await expect(work.rotate(key(), [])).rejects.toThrow('not configured')
  expect(await opened(database, [old])).toEqual(EVERY)
})

it('OP-67: what was encrypted under lost keys can be destroyed, and nothing else', async () => {
  const { source, database } = await newDatabase()
  const own = await ensureSecret(actor, database.db, 'sealed_values', randomBytes(32))
  await seedAll(database, new Sealer([own]))
  const user = await fixtures.user(database.db)
  await fixtures.gitSshKey(database.db, { user, private_key: new Sealer([randomBytes(32)]).seal(own, 'x') })
  await using work = await maintenance(source)
  expect(await work.destroy()).toBe(1)
  expect(await opened(database, [own])).toEqual(EVERY)
})

it('OP-67: a server refuses to start without a key that is in use, and goes on with a new one after a rotation', async () => {
  const { source, database } = await newDatabase()
  const [first, second] = [key(), key()]
  const server = await serverWith(source, [first])
  const owner = await server.owner()
  const params = { user: 'me' }
  const { public_key: before } = await owner.call(getGitSshKey, { params })
  await owner.call(createUserSecret, { params, body: { name: 'x', value: 'v', env_name: 'X' } })
  const { secret, secret_key_id: keyId } = await database.db
    .selectFrom('crypto_keys')
    .selectAll()
    .where('feature', '=', 'replica_relay')
    .executeTakeFirstOrThrow()
  expect([secret?.length, keyId]).toEqual([32 + 32, expect.stringMatching(/^[0-9a-f]{14}$/)])
  await server.stop()
  await expect(serverWith(source, [])).rejects.toThrow(`key ${keyId}`)
  await expect(serverWith(source, [second])).rejects.toThrow(`key ${keyId}`)
  {
    await using work = await maintenance(source)
    await work.rotate(second, [first])
  }
  await expect(serverWith(source, [first])).rejects.toThrow('does not name')
  await expect(serverWith(source, [first, second])).rejects.toThrow('given up')
  const again = await serverWith(source, [second])
  const headers = owner.headers
  const read = async (route: Parameters<typeof owner.address>[0]) =>
    (await fetch(owner.address(route, { params }).replace(/^http:\/\/[^/]+/, again.url), { headers })).json()
  expect(await read(getGitSshKey)).toMatchObject({ public_key: before })
  expect(await read(listUserSecrets)).toMatchObject([{ name: 'x' }])
})

it('OP-67: whatever is sealed is in the list of what is encrypted again', async () => {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const sealing: string[] = []
  for await (const file of glob('**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue
    if (/sealer\s*\.seal\(/.test(await readFile(path.join(root, file), 'utf8'))) sealing.push(file)
  }
  expect(sealing.toSorted()).toEqual([
    'ai-governance/sealed.ts',
    'ai-providers/sealed.ts',
    'crypto-keys/store.ts',
    'encryption/store.ts',
    'external-auth/tokens.ts',
    'git-ssh-keys/git-ssh-key.ts',
    'mcp-servers/sealed.ts',
    // Challenges go to the client and are stored nowhere.
    'second-factor/challenges.ts',
    'second-factor/sealed-totp.ts',
    'secrets/store.ts',
    'sign-in/end-session.ts',
    'sign-in/manage-providers.ts',
    'sign-in/sealed-tokens.ts',
    'user-secrets/sealed-value.ts',
    'web-push/sealed.ts',
    'workspaces/build-routes.ts',
    'workspaces/create-build.ts',
    'workspaces/run-build.ts',
  ])
})
