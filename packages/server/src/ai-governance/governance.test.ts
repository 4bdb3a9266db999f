import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createAIProvider,
  createGroup,
  createOrganization,
  deleteGroupAILimits,
  deleteGroupAIModelPolicy,
  deleteOrganizationAIBudget,
  getAIGatewaySettings,
  getAIProviderRouting,
  getGroupAILimits,
  getGroupAIModelPolicy,
  getOrganizationAIBudget,
  getOrganizationAIGovernance,
  getOrganizationAIPrivacy,
  getUser,
  listAuditLogs,
  type UpsertGroupAIModelPolicyRequest,
  updateAIGatewaySettings,
  updateAIProviderRouting,
  updateOrganizationAIPrivacy,
  upsertGroupAILimits,
  upsertGroupAIModelPolicy,
  upsertOrganizationAIBudget,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const stack = new AsyncDisposableStack()
let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization: string
let group: string

beforeAll(async () => {
  server = stack.use(await startTestServer())
  database = stack.use(await openDatabase(server.databaseUrl))
  owner = await server.owner()
  member = await server.user('member')
  const { id, organization_ids } = await member.call(getUser, { params: { user: 'me' } })
  organization = organization_ids[0] ?? ''
  group = (await owner.call(createGroup, { params: { organization }, body: { name: 'readers' } })).id
  await fixtures.groupMember(database.db, { group_id: group, user_id: id })
})
afterAll(() => stack.disposeAsync())

const ofGroup = () => ({ params: { group } })
const ofOrganization = () => ({ params: { organization } })
const latest = async (type: string) =>
  (await owner.call(listAuditLogs, { query: { q: `resource_type:${type}`, limit: 1 } })).audit_logs[0]

describe('settings of the gateway', () => {
  it('are those of the release until somebody changes them, and what is left out stays', async () => {
    const before = await owner.call(getAIGatewaySettings)
    expect(before).toMatchObject({
      budget_period: 'month',
      budget_policy: 'highest',
      budget_enforced: true,
      guardrails: { secrets: 'off', webhook_url: '', webhook_timeout_ms: 300, webhook_secret_set: false },
      trace_upstream: false,
      updated_at: null,
    })
    await owner.call(updateAIGatewaySettings, {
      body: { budget_period: 'week', guardrails: { secrets: 'flag', patterns: ['secret-\\d+'] } },
    })
    const after = await owner.call(updateAIGatewaySettings, {
      body: { trace_upstream: true, guardrails: { webhook_url: 'https://guard.example/check' } },
    })
    expect(after).toMatchObject({
      budget_period: 'week',
      trace_upstream: true,
      guardrails: {
        secrets: 'flag',
        patterns: ['secret-\\d+'],
        webhook_url: 'https://guard.example/check',
        webhook_fail_open: false,
      },
    })
    expect(await owner.call(getAIGatewaySettings)).toEqual(after)
    expect(await latest('ai_provider')).toMatchObject({
      action: 'write',
      resource_target: 'AI gateway',
      additional_fields: { ai_gateway_settings: { trace_upstream: { old: false, new: true } } },
    })
  })

  it('AG-B17: secrets are sealed, never shown, and go when they are set to nothing', async () => {
    const secret = 'sign-with-this-word'
    const set = await owner.call(updateAIGatewaySettings, {
      body: { guardrails: { webhook_secret: secret }, export_webhook_secret: secret },
    })
    expect([set.guardrails.webhook_secret_set, set.export_webhook_secret_set]).toEqual([true, true])
    expect(JSON.stringify(set)).not.toContain(secret)
    const row = await database.db.selectFrom('ai_gateway_settings').selectAll().executeTakeFirstOrThrow()
    expect(row.guardrail_webhook_secret?.length).toBeGreaterThan(secret.length)
    expect(row.guardrail_webhook_secret?.toString('latin1')).not.toContain(secret)
    expect(JSON.stringify(await latest('ai_provider'))).not.toContain(secret)
    const gone = await owner.call(updateAIGatewaySettings, { body: { export_webhook_secret: '' } })
    expect([gone.guardrails.webhook_secret_set, gone.export_webhook_secret_set]).toEqual([true, false])
  })

  it.each([
    [{ guardrails: { patterns: ['ok', '(a'] } }, 'guardrails.patterns[1]'],
    [{ guardrails: { patterns: ['(?=a)'] } }, 'guardrails.patterns[0]'],
    [{ guardrails: { webhook_url: 'ftp://x' } }, 'guardrails.webhook_url'],
    [{ guardrails: { webhook_url: 'https://u:p@x' } }, 'guardrails.webhook_url'],
    [{ export_webhook_url: '/relative' }, 'export_webhook_url'],
    [{ guardrails: { webhook_timeout_ms: 301 } }, 'webhook_timeout_ms'],
  ])('%j is refused with the name of the field', async (body, field) => {
    await expect(owner.call(updateAIGatewaySettings, { body })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: expect.stringContaining(field) }],
    })
  })

  it('changes at the same time lose nothing of one another', async () => {
    await Promise.all([
      owner.call(updateAIGatewaySettings, { body: { queue_length: 7 } }),
      owner.call(updateAIGatewaySettings, { body: { queue_timeout_ms: 70 } }),
      owner.call(updateAIGatewaySettings, { body: { max_concurrency_per_user: 700 } }),
    ])
    expect(await owner.call(getAIGatewaySettings)).toMatchObject({
      ...{ queue_length: 7, queue_timeout_ms: 70, max_concurrency_per_user: 700 },
    })
  })

  it('are for those who may read and change the deployment’s configuration', async () => {
    await expect(member.call(getAIGatewaySettings)).rejects.toMatchObject({ status: 403 })
    await expect(member.call(updateAIGatewaySettings, { body: {} })).rejects.toMatchObject({ status: 403 })
    const auditor = await server.user('auditor', ['auditor'])
    expect(await auditor.call(getAIGatewaySettings)).toBeDefined()
    await expect(auditor.call(updateAIGatewaySettings, { body: {} })).rejects.toMatchObject({ status: 403 })
  })
})

describe('AG-B9: model policies of groups', () => {
  it('are set, read by members, recorded and taken away', async () => {
    await expect(owner.call(getGroupAIModelPolicy, ofGroup())).rejects.toMatchObject({ status: 404 })
    await owner.call(upsertGroupAIModelPolicy, {
      ...ofGroup(),
      body: { allow: ['gpt-*', 'anthropic/claude-*'], aliases: { fast: 'gpt-5-mini' } },
    })
    await owner.call(upsertGroupAIModelPolicy, { ...ofGroup(), body: { deny: ['gpt-5-pro'] } })
    expect(await member.call(getGroupAIModelPolicy, ofGroup())).toMatchObject({
      group_id: group,
      allow: ['gpt-*', 'anthropic/claude-*'],
      deny: ['gpt-5-pro'],
      aliases: { fast: 'gpt-5-mini' },
    })
    expect(await latest('group')).toMatchObject({
      action: 'write',
      resource_target: 'readers',
      diff: { ai_model_policy: { old: { deny: [] }, new: { deny: ['gpt-5-pro'] } } },
    })
    await owner.call(deleteGroupAIModelPolicy, ofGroup())
    await expect(owner.call(getGroupAIModelPolicy, ofGroup())).rejects.toMatchObject({ status: 404 })
    await expect(owner.call(deleteGroupAIModelPolicy, ofGroup())).rejects.toMatchObject({ status: 404 })
  })

  it('are of those who may change the group', async () => {
    const asked = { ...ofGroup(), body: { allow: ['*'] } }
    await expect(member.call(upsertGroupAIModelPolicy, asked)).rejects.toMatchObject({ status: 403 })
    await expect(member.call(deleteGroupAIModelPolicy, ofGroup())).rejects.toMatchObject({ status: 403 })
    const other = await owner.call(createOrganization, { body: { name: 'far-away' } })
    const elsewhere = { params: { group: other.id } }
    await owner.call(upsertGroupAIModelPolicy, { ...elsewhere, body: {} })
    for (const route of [getGroupAIModelPolicy, deleteGroupAIModelPolicy, getGroupAILimits])
      await expect(member.call(route, elsewhere)).rejects.toMatchObject({ status: 404 })
  })

  it('AG-B9: hold no name or pattern with a space around it, which would allow or deny nothing', async () => {
    const wrong: readonly (readonly [field: string, body: UpsertGroupAIModelPolicyRequest])[] = [
      ['deny.1', { deny: ['gpt-4', 'gpt-5 '] }],
      ['allow.0', { allow: ['\tgpt-5'] }],
      ['allow.0', { allow: [' '] }],
      ['aliases', { aliases: { 'fast ': 'gpt-5' } }],
      ['aliases', { aliases: { '': 'gpt-5' } }],
      ['aliases', { aliases: { ['x'.repeat(257)]: 'gpt-5' } }],
      ['aliases.0', { aliases: { fast: 'gpt-5 ' } }],
    ]
    for (const [field, body] of wrong)
      await expect(owner.call(upsertGroupAIModelPolicy, { ...ofGroup(), body }), field).rejects.toMatchObject(
        { status: 400, validations: [{ field }] },
      )
  })

  it('have at most 256 aliases', async () => {
    const aliases = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`a${index}`, 'x']))
    await expect(
      owner.call(upsertGroupAIModelPolicy, { ...ofGroup(), body: { aliases } }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'aliases' }] })
  })
})

describe('AG-B12, AG-B14: limits of groups and organizations', () => {
  it('limits of a group are set, changed one by one, and taken away', async () => {
    await owner.call(upsertGroupAILimits, {
      ...ofGroup(),
      body: { total_spend_limit_micros: 5_000_000, tokens_per_minute: 900 },
    })
    await owner.call(upsertGroupAILimits, { ...ofGroup(), body: { tokens_per_minute: null } })
    expect(await member.call(getGroupAILimits, ofGroup())).toMatchObject({
      ...{ total_spend_limit_micros: 5_000_000, tokens_per_minute: null, member_tokens_per_minute: null },
    })
    await expect(member.call(upsertGroupAILimits, { ...ofGroup(), body: {} })).rejects.toMatchObject({
      status: 403,
    })
    await expect(member.call(deleteGroupAILimits, ofGroup())).rejects.toMatchObject({ status: 403 })
    await owner.call(deleteGroupAILimits, ofGroup())
    await expect(owner.call(getGroupAILimits, ofGroup())).rejects.toMatchObject({ status: 404 })
  })

  it('a budget of an organization is set, read by its members, recorded and taken away', async () => {
    await expect(owner.call(getOrganizationAIBudget, ofOrganization())).rejects.toMatchObject({ status: 404 })
    await owner.call(upsertOrganizationAIBudget, {
      ...ofOrganization(),
      body: { spend_limit_micros: 9_000_000 },
    })
    expect(await member.call(getOrganizationAIBudget, ofOrganization())).toMatchObject({
      spend_limit_micros: 9_000_000,
    })
    expect(await latest('organization')).toMatchObject({
      diff: { ai_spend_limit_micros: { new: 9_000_000 } },
    })
    const asked = { ...ofOrganization(), body: { spend_limit_micros: 1 } }
    await expect(member.call(upsertOrganizationAIBudget, asked)).rejects.toMatchObject({ status: 403 })
    await expect(member.call(deleteOrganizationAIBudget, ofOrganization())).rejects.toMatchObject({
      status: 403,
    })
    await owner.call(deleteOrganizationAIBudget, ofOrganization())
    await expect(owner.call(getOrganizationAIBudget, ofOrganization())).rejects.toMatchObject({ status: 404 })
  })

  it('what an organization has set is shown at one glance', async () => {
    await owner.call(upsertGroupAIModelPolicy, { ...ofGroup(), body: { allow: ['x'] } })
    const shown = await owner.call(getOrganizationAIGovernance, ofOrganization())
    expect(shown).toMatchObject({ organization_id: organization, spend_limit_micros: null })
    expect(shown.groups.find(({ group_id }) => group_id === group)).toMatchObject({
      model_policy: { allow: ['x'] },
      limits: null,
      budget_micros: null,
    })
    expect(await member.call(getOrganizationAIGovernance, ofOrganization())).toEqual(shown)
    await owner.call(deleteGroupAIModelPolicy, ofGroup())
  })

  it('another organization’s are not there', async () => {
    const other = await owner.call(createOrganization, { body: { name: 'elsewhere' } })
    const params = { organization: other.id }
    for (const route of [getOrganizationAIBudget, getOrganizationAIGovernance, getOrganizationAIPrivacy])
      await expect(member.call(route, { params })).rejects.toMatchObject({ status: 404 })
  })
})

describe('AG-B16: privacy of organizations', () => {
  it('is that of the release until somebody changes it', async () => {
    expect(await member.call(getOrganizationAIPrivacy, ofOrganization())).toEqual({
      organization_id: organization,
      level: 'full',
      own_sessions: false,
    })
    await owner.call(updateOrganizationAIPrivacy, { ...ofOrganization(), body: { own_sessions: true } })
    await owner.call(updateOrganizationAIPrivacy, { ...ofOrganization(), body: { level: 'hash' } })
    expect(await member.call(getOrganizationAIPrivacy, ofOrganization())).toMatchObject({
      level: 'hash',
      own_sessions: true,
    })
    expect(await latest('organization')).toMatchObject({
      diff: { ai_privacy: { old: { level: 'full' }, new: { level: 'hash' } } },
    })
    await expect(
      member.call(updateOrganizationAIPrivacy, { ...ofOrganization(), body: { level: 'full' } }),
    ).rejects.toMatchObject({ status: 403 })
  })
})

describe('AG-B10: routing of providers', () => {
  const made = (name: string, type: 'openai' | 'anthropic') =>
    owner.call(createAIProvider, {
      body: {
        type,
        name,
        enabled: true,
        base_url: 'https://models.example/v1',
        api_keys: [`sk-of-${name}`],
      },
    })
  const at = (idOrName: string) => ({ params: { idOrName } })

  it('is that of the release until somebody changes it, and what is left out stays', async () => {
    await made('first', 'openai')
    await made('second', 'openai')
    await made('claude', 'anthropic')
    expect(await owner.call(getAIProviderRouting, at('first'))).toMatchObject({
      ...{ key_strategy: 'primary', fallbacks: [], balance: [], connect_timeout_ms: null },
    })
    await owner.call(updateAIProviderRouting, {
      ...at('first'),
      body: { fallbacks: [{ provider: 'second', models: { a: 'b' } }], connect_timeout_ms: 500 },
    })
    await owner.call(updateAIProviderRouting, { ...at('first'), body: { key_strategy: 'least_busy' } })
    expect(await owner.call(getAIProviderRouting, at('first'))).toMatchObject({
      key_strategy: 'least_busy',
      fallbacks: [{ provider: 'second', models: { a: 'b' } }],
      connect_timeout_ms: 500,
    })
    expect(await latest('ai_provider')).toMatchObject({
      resource_target: 'first',
      diff: { routing: { new: { key_strategy: 'least_busy' } } },
    })
  })

  it.each([
    [{ fallbacks: [{ provider: 'nobody' }] }, 'fallbacks[0].provider'],
    [{ fallbacks: [{ provider: 'second' }, { provider: 'claude' }] }, 'fallbacks[1].provider'],
    [{ balance: [{ provider: 'first', weight: 1 }] }, 'balance[0].provider'],
    [
      {
        balance: [
          { provider: 'second', weight: 1 },
          { provider: 'second', weight: 2 },
        ],
      },
      'balance[1].provider',
    ],
  ])('%j is refused with the name of the field', async (body, field) => {
    await expect(owner.call(updateAIProviderRouting, { ...at('first'), body })).rejects.toMatchObject({
      status: 400,
      validations: [{ field }],
    })
  })

  it('is for those who may read and change providers', async () => {
    await expect(member.call(getAIProviderRouting, at('first'))).rejects.toMatchObject({ status: 403 })
    await expect(member.call(updateAIProviderRouting, { ...at('first'), body: {} })).rejects.toMatchObject({
      status: 403,
    })
    await expect(owner.call(getAIProviderRouting, at('nobody'))).rejects.toMatchObject({ status: 404 })
  })
})
