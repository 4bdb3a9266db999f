import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createGroup, createToken, getUser, listTokens, type User, updateGroup } from '@slipway/contract'
import {
  FakeModelProvider,
  fixtures,
  openDatabase,
  says,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

let server: TestServer
let database: Awaited<ReturnType<typeof openDatabase>>
let upstream: FakeModelProvider
let owner: Client
let user: User
let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  upstream = await FakeModelProvider.start()
  upstream.answer = ({ kind }) => (kind === 'models' ? undefined : says('Hi'))
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  user = await (await server.user('dev')).call(getUser, { params: { user: 'me' } })
  const group = await owner.call(createGroup, {
    params: { organization: user.organization_ids[0] ?? '' },
    body: { name: 'coders' },
  })
  await owner.call(updateGroup, {
    params: { group: group.id },
    body: { add_users: [user.id], remove_users: [] },
  })
  await cli.good('login', server.url, '--token', owner.headers['Coder-Session-Token'] ?? '')
  await cli.runWith({}, ...['ai-providers', 'create', 'openai', '--base-url', `${upstream.url}/v1`], {
    input: 'sk-gateway-test-key-0123456789',
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const gateway = (...args: readonly string[]) => cli.good('ai-gateway', ...args)
const json = async (...args: readonly string[]) => JSON.parse(await gateway(...args, '-o', 'json'))

describe('ai-gateway', { timeout: 60_000 }, () => {
  it('AG-93: sessions are listed and shown', async () => {
    const id = randomUUID()
    const { db } = database
    const first = await fixtures.aibridgeInterception(db, {
      initiator_id: user.id,
      client: 'Codex',
      client_session_id: id,
      model: 'claude-haiku-4-5',
      requested_model: 'fast',
    })
    await fixtures.aibridgeTokenUsage(db, { interception: first, input_tokens: 9, cost_micros: 1_250_000 })
    await fixtures.aibridgeUserPrompt(db, { interception: first, prompt: 'Say \u001b[31mhi' })
    await fixtures.aibridgeToolUsage(db, { interception: first, tool: 'ls' })
    await fixtures.aibridgeToolUsage(db, { interception: first, tool: 'ls' })
    const list = await gateway('sessions', 'list', '-u', 'dev', '--client', 'Codex')
    expect(list).toMatch(/^ID +USER +CLIENT +MODELS +THREADS +INPUT +OUTPUT +COST +LAST ACTIVE\n/)
    expect(list).toMatch(new RegExp(`${id} +dev +Codex +claude-haiku-4-5 +1 +9 +1 +\\$1\\.25 +\\d`))
    expect(await json('sessions', 'list', '--model', 'claude-haiku-4-5')).toMatchObject([{ id }])
    expect(await json('sessions', 'list', '--model', 'none-such')).toEqual([])
    const shown = await gateway('sessions', 'show', id, '--user', 'dev')
    expect(shown).toMatch(/fast → claude-haiku-4-5 +openai +1 +ls ×2 +9 +1 +\$1\.25 +Say hi\n$/)
    expect(await json('session', 'show', first.id)).toMatchObject({ id, threads: [{ id: first.id }] })
    expect(await cli.bad('ai-gateway', 'sessions', 'show', randomUUID())).toContain('Session not found.')
  })

  it('AG-108: prices are set in dollars for a million tokens', async () => {
    await gateway('prices', 'set', 'openai', 'gpt-cli', '--input', '1.25', '--output', '$10')
    await gateway('prices', 'set', 'openai', 'gpt-cli', '--cache-read', '0')
    expect(await gateway('prices', 'list', '--model', 'gpt-cli')).toMatch(
      /openai +gpt-cli +\$1\.25 +\$10\.00 +\$0\.00 +unknown +custom/,
    )
    expect(await json('price', 'ls', '--source', 'custom')).toMatchObject([
      { input_price: 1_250_000, output_price: 10_000_000, cache_read_price: 0, cache_write_price: null },
    ])
    const file = path.join(folder, 'prices.json')
    const price = { provider: 'openai', model: 'gpt-file', input_price: 1, output_price: 2 }
    const whole = { ...price, cache_read_price: null, cache_write_price: null }
    await writeFile(file, JSON.stringify({ prices: [whole] }))
    await cli.good('exp', 'ai-model-prices', 'update', file)
    expect(await cli.good('exp', 'ai-model-prices', 'list', '--model', 'gpt-file')).toContain('$0.000002')
    const refused = await cli.runWith({}, 'exp', 'ai-model-prices', 'update', {
      input: JSON.stringify([price]),
    })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Invalid AI model prices.') })
    await gateway('prices', 'delete', 'openai', 'gpt-cli')
    expect(await gateway('prices', 'list', '--model', 'gpt-cli')).not.toContain('gpt-cli')
    expect(await json('prices', 'history', 'openai', 'gpt-cli')).toMatchObject([
      { removed: true },
      { cache_read_price: 0 },
      { cache_read_price: null },
    ])
    expect(await gateway('prices', 'history', '--limit', '1')).toMatch(/openai +gpt-cli +removed +removed/)
    expect(await cli.bad('ai-gateway', 'prices', 'delete', 'openai', 'gpt-cli')).toContain('not found')
    expect(await cli.bad('ai-gateway', 'prices', 'set', 'openai', 'gpt-cli')).toContain('nothing to set')
    expect(await cli.bad('ai-gateway', 'prices', 'set', 'openai', 'x', '--input', 'much')).toContain('12.50')
  })

  it('AG-112: budgets of groups, users and organizations', async () => {
    expect(await gateway('budget', 'group', 'set', 'coders', '12.50')).toMatch(/ +\$12\.50 +/)
    expect(await json('budget', 'group', 'show', 'coders')).toMatchObject({ spend_limit_micros: 12_500_000 })
    expect(await json('budget', 'user', 'set', 'dev', '3', '--group', 'coders')).toMatchObject({
      user_id: user.id,
      spend_limit_micros: 3_000_000,
    })
    expect(await gateway('budget', 'user', 'show', 'dev')).toMatch(/\ndev +\$3\.00 +coders /)
    expect(await json('budget', 'organization', 'set', '100')).toMatchObject({
      spend_limit_micros: 100_000_000,
    })
    expect(await gateway('spend', 'show', 'dev')).toMatch(/\$0\.00 +\$3\.00 +user override +coders /)
    expect(await gateway('spend', 'show')).toMatch(/^SPENT +LIMIT/)
    expect(await gateway('spend', 'groups')).toMatch(/coders +\$0\.00 +\$12\.50 +/)
    await gateway('budget', 'user', 'delete', 'dev')
    expect(await json('spend', 'show', 'dev')).toMatchObject({ effective_budget: { limit_source: 'group' } })
    await gateway('budget', 'group', 'delete', 'coders')
    await gateway('budget', 'org', 'delete')
    for (const [gone, words] of [
      [['group', 'show', 'coders'], 'the group coders has no AI budget'],
      [['user', 'show', 'dev'], 'the user dev has no AI budget of their own'],
      [['user', 'show', 'nobody'], 'there is no user nobody'],
      [['organization', 'show'], 'has no AI budget'],
      [['group', 'set', 'none-such', '5'], 'there is no group none-such in the organization'],
    ] as const)
      expect(await cli.bad('ai-gateway', 'budget', ...gone)).toContain(words)
    expect(await cli.bad('ai-gateway', 'budget', 'group', 'set', 'coders', '-1')).toBeTruthy()
  })

  it('AG-117: the spend is exported', async () => {
    expect(await gateway('spend', 'export')).toMatch(/^user_id,username,group_id,group_name,/)
    expect(await cli.bad('ai-gateway', 'spend', 'export', '--from', '2026-01-01T00:00:00Z')).toMatch(/period/)
  })

  it('AG-B9: model policies, AG-B12: limits and AG-B16: privacy', async () => {
    const set = ['policy', 'models', 'set', 'coders']
    await gateway(...set, '--allow', 'claude-*', '--allow', 'gpt-*', '--alias', 'fast=claude-haiku-4-5')
    await gateway(...set, '--deny', 'claude-opus-*')
    expect(await json('policy', 'models', 'show', 'coders')).toMatchObject({
      allow: ['claude-*', 'gpt-*'],
      deny: ['claude-opus-*'],
      aliases: { fast: 'claude-haiku-4-5' },
    })
    await gateway('policy', 'limits', 'set', 'coders', '--total-limit', '50', '--tokens-per-minute', '1000')
    expect(
      await json(
        'policy',
        'limits',
        'set',
        'coders',
        '--tokens-per-minute',
        'none',
        '--member-tokens-per-minute',
        '9',
      ),
    ).toMatchObject({
      total_spend_limit_micros: 50_000_000,
      tokens_per_minute: null,
      member_tokens_per_minute: 9,
    })
    expect(await gateway('policy', 'show')).toMatch(
      /coders +\S+ +\$50\.00 +none +9 +claude-\*, gpt-\* +claude-opus-\* +fast=claude-haiku-4-5/,
    )
    expect(await json(...set, '--allow', '*', '--deny', '', '--alias', '')).toMatchObject({
      allow: ['*'],
      deny: [],
      aliases: {},
    })
    // Who denies all does not deny nothing.
    expect(await json(...set, '--allow', '', '--deny', '*')).toMatchObject({ allow: [], deny: ['*'] })
    await gateway('policy', 'models', 'delete', 'coders')
    await gateway('policy', 'limits', 'delete', 'coders')
    expect(
      await json('policy', 'privacy', 'set', '--level', 'redacted', '--own-sessions', 'yes'),
    ).toMatchObject({
      level: 'redacted',
      own_sessions: true,
    })
    await gateway('policy', 'privacy', 'set', '--level', 'full', '--own-sessions', 'no')
    expect(await gateway('policy', 'privacy', 'show')).toMatch(/full +no/)
    expect(await cli.bad('ai-gateway', 'policy', 'privacy', 'set', '--level', 'some')).toContain('redacted')
    expect(await cli.bad('ai-gateway', ...set, '--alias', 'fast')).toContain('fast=claude')
  })

  it('AG-B14: settings of the deployment', async () => {
    const settings = await json('policy', 'settings', 'set', 'budget_period=week', 'guardrails.secrets=flag')
    expect(settings).toMatchObject({ budget_period: 'week', guardrails: { secrets: 'flag' } })
    const piped = await cli.runWith({}, 'ai-gateway', 'policy', 'settings', 'set', '-o', 'json', {
      input: '{"budget_period":"month","guardrails":{"secrets":"off","webhook_secret":"shared"}}',
    })
    expect(JSON.parse(piped.stdout)).toMatchObject({
      budget_period: 'month',
      guardrails: { secrets: 'off', webhook_secret_set: true },
    })
    expect(piped.stdout).not.toContain('shared')
    expect(await gateway('policy', 'settings', 'show')).toMatch(/guardrails\.webhook_secret_set +true/)
    expect(await cli.bad('ai-gateway', 'policy', 'settings', 'set', 'guardrails.webhook_secret=x')).toContain(
      'standard input',
    )
    const refused = (...args: readonly string[]) =>
      cli.bad('ai-gateway', 'policy', 'settings', 'set', ...args)
    expect(await refused('budget_period=year')).toContain('must be one of day, week, month, none, not "year"')
    expect(await refused('guardrails.secrets=maybe')).toContain('off, flag, redact, block')
    // The server passes over what it does not know, so that nobody would hear of it.
    expect(await refused('budget_perod=week')).toContain('there is no setting budget_perod')
    expect(await refused('guardrails.secret=off')).toContain('there is no setting guardrails.secret')
    const shown = await gateway('policy', 'settings', 'show', '-o', 'json')
    const again = await cli.runWith({}, 'ai-gateway', 'policy', 'settings', 'set', { input: shown })
    expect(again).toMatchObject({ code: 0, stderr: '' })
  })

  it('AG-B8: a virtual key reaches models within its limits, and nothing else', async () => {
    const limits = ['--model', 'gpt-*', '--monthly-limit', '5', '--requests-per-second', '100']
    const key = (await gateway('keys', 'create', '-n', 'ci', ...limits)).trim()
    const ask = (model: string) =>
      fetch(`${server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Say hi' }] }),
      })
    expect((await ask('gpt-test')).status).toBe(200)
    expect((await ask('claude-test')).status).toBe(403)
    const api = await fetch(`${server.url}/api/v2/users/me/keys/tokens`, {
      headers: { 'Coder-Session-Token': key },
    })
    expect(api.ok).toBe(false)
    expect(await json('keys', 'show', 'ci')).toMatchObject({
      providers: null,
      models: ['gpt-*'],
      monthly_spend_limit_micros: 5_000_000,
      requests_per_second: 100,
    })
    expect(await json('keys', 'set', 'ci', '--model', '*', '--monthly-limit', 'none')).toMatchObject({
      models: null,
      monthly_spend_limit_micros: null,
      requests_per_second: 100,
    })
    expect(await gateway('keys', 'show', 'ci')).toMatch(/all +all +\$0\.00 +none +100 +none/)
    await owner.call(createToken, { params: { user: 'me' }, body: { token_name: 'whole' } })
    expect(await gateway('keys', 'list')).toMatch(/^NAME .*\nci +all +all +\$0\.00 +none +100 +none .*\n$/)
    await gateway('keys', 'create', '-n', 'gone')
    await gateway('keys', 'delete', 'gone')
    expect(await cli.bad('ai-gateway', 'keys', 'show', 'gone')).toContain('there is no key gone')
    // What cannot be limited as it should be is not left behind.
    const before = await owner.call(listTokens, { params: { user: 'me' }, query: {} })
    expect(await cli.bad('ai-gateway', 'keys', 'create', '--monthly-limit', '1000001')).toBeTruthy()
    const after = await owner.call(listTokens, { params: { user: 'me' }, query: { include_expired: true } })
    expect(after.length).toBe(before.length)
  })

  it('AG-105: providers of every kind are made and changed, with the way of their requests and own keys', async () => {
    const providers = async (...args: readonly string[]) =>
      JSON.parse(await cli.good('ai-providers', ...args, '-o', 'json'))
    expect(await providers('create', 'aws', '-t', 'bedrock', '--region', 'eu-west-1')).toMatchObject({
      type: 'bedrock',
      base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
      settings: { region: 'eu-west-1', protocol: 'invoke-model' },
      api_keys: [],
    })
    const keyed = ['ai-providers', 'update', 'aws', '--access-key', 'AKIA0123456789', '-o', 'json']
    expect((await cli.runWith({}, ...keyed, { input: 'secret-of-aws\n' })).code).toBe(0)
    const changed = await providers('update', 'aws', '--region', 'us-west-2', '--display-name', 'AWS')
    expect(changed).toMatchObject({
      display_name: 'AWS',
      settings: { region: 'us-west-2', model: expect.stringContaining('sonnet') },
    })
    expect(await cli.bad('ai-providers', 'update', 'aws')).toContain('nothing to change')
    // A fault is told at its field, and once.
    expect(await cli.bad('ai-providers', 'update', 'aws', '--base-url', 'nowhere')).toMatch(
      /^error: .*\n {2}base_url: must be .*\n$/,
    )
    expect(await providers('create', 'copilot', '--disabled', '--display-name', 'GitHub')).toMatchObject({
      type: 'copilot',
      display_name: 'GitHub',
      enabled: false,
      base_url: 'https://api.githubcopilot.com/',
      api_keys: [],
    })
    expect(await cli.good('ai-providers', 'delete', 'copilot', '--yes')).toContain('copilot')
    expect((await providers('list')).map(({ name }: { name: string }) => name)).toEqual(['aws', 'openai'])
    await cli.runWith(
      {},
      'ai-providers',
      'create',
      'spare',
      '-t',
      'openai-compat',
      '--base-url',
      `${upstream.url}/v1`,
      {
        input: 'sk-spare-0123456789',
      },
    )
    const moved = await providers('update', 'spare', '--base-url', `${upstream.url}/v2`)
    expect(moved.base_url).toBe(`${upstream.url}/v2`)
    const routing = [
      ...['--fallback', 'spare,gpt-test=gpt-mini', '--connect-timeout', '5s', '--weight', '3'],
      ...['--first-byte-timeout', '20s', '--total-timeout', '90s'],
    ]
    expect(
      await providers(
        'routing',
        'set',
        'openai',
        ...routing,
        '--balance',
        'spare:2',
        '--key-strategy',
        'round_robin',
      ),
    ).toMatchObject({
      key_strategy: 'round_robin',
      fallbacks: [{ provider: 'spare', models: { 'gpt-test': 'gpt-mini' } }],
      weight: 3,
      balance: [{ provider: 'spare', weight: 2 }],
      connect_timeout_ms: 5_000,
      first_byte_timeout_ms: 20_000,
      total_timeout_ms: 90_000,
      idle_timeout_ms: null,
    })
    expect(await cli.good('ai-providers', 'routing', 'show', 'openai')).toMatch(
      /round_robin +spare,gpt-test=gpt-mini +3 +spare:2 +5s +20s +default +90s/,
    )
    expect(
      await providers(
        'routing',
        'set',
        'openai',
        '--fallback',
        '',
        '--balance',
        '',
        '--connect-timeout',
        'none',
      ),
    ).toMatchObject({ fallbacks: [], balance: [], connect_timeout_ms: null, weight: 3 })
    expect(await cli.bad('ai-providers', 'routing', 'set', 'openai', '--balance', 'spare')).toContain(
      'west:2',
    )
    expect(
      (await cli.runWith({}, 'ai-providers', 'own-keys', 'set', 'openai', { input: 'sk-mine-0123456789' }))
        .stdout,
    ).toContain('is stored')
    const own = async () =>
      (await providers('own-keys', 'list')).find(
        (one: { provider: { name: string } }) => one.provider.name === 'openai',
      )
    expect(await own()).toMatchObject({ has_user_api_key: true })
    await cli.good('ai-providers', 'own-key', 'rm', 'openai')
    expect(await own()).toMatchObject({ has_user_api_key: false })
    expect(await cli.bad('ai-providers', 'own-keys', 'set', 'nowhere')).toContain('there are')
  })

  it('AG-139: whoever may not is refused', async () => {
    const { key } = await (await server.user('nobody')).call(createToken, {
      params: { user: 'me' },
      body: {},
    })
    const asNobody = (...args: readonly string[]) =>
      cli.runWith({ CODER_SESSION_TOKEN: key, CODER_URL: server.url }, 'ai-gateway', ...args)
    expect(await asNobody('sessions', 'list', '-o', 'json')).toMatchObject({ code: 0, stdout: '[]\n' })
    for (const args of [
      ['prices', 'list'],
      ['budget', 'group', 'set', 'coders', '1'],
      ['policy', 'settings', 'show'],
      ['policy', 'privacy', 'set', '--own-sessions', 'yes'],
      ['spend', 'export'],
    ])
      expect((await asNobody(...args)).code, args.join(' ')).toBe(1)
  })
})
