import { randomBytes, randomUUID } from 'node:crypto'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { SEALED_COLUMNS } from '../encryption/sealed-columns.ts'
import { ApiError } from '../errors/index.ts'
import { hashAgentToken } from '../resources/index.ts'
import { Sealer } from '../secrets/sealer.ts'
import { recordChecks } from './recorded-checks.fixture.ts'
import { SCOPE_ALL } from './scopes.ts'
import type { Actor } from './subject.ts'

const id = randomUUID()
/** When what has to be heard of all the time was heard of last: these calls may take long. */
const alive = new Date(Date.now() + 3_600_000)
const powerless: Actor = {
  id,
  type: 'user',
  name: 'nobody',
  roles: [{ name: 'nothing', definition: { displayName: 'Nothing' } }],
  groups: [],
  scope: SCOPE_ALL,
}
/** For the same calls, to see that there is something to get, and what is checked. */
const recorder = recordChecks({
  ...powerless,
  id: randomUUID(),
  name: 'almighty',
  roles: [{ name: 'owner', definition: { displayName: 'Everything', site: { '*': ['*'] } } }],
})
/** The checks that each of the calls made. */
const checks = new Map<string, readonly string[]>()
const hash = randomBytes(32)
const sealer = new Sealer([hash])
const ownership = {
  id,
  owner_id: id,
  organization_id: id,
  dormant_at: null,
  user_acl: {},
  group_acl: {},
}
const template = { id, organization_id: id, user_acl: {}, group_acl: {}, name: 't' }
const OF_TEMPLATE = { action: 'update', object: { type: 'template', id, organization: id } }
const group = { id, organization_id: randomUUID(), name: 'x', organization_name: 'x' }
const ever = { start: new Date(0), end: new Date(8e12) }
const version = { id, template: null, template_id: id, organization_id: id, created_at: new Date() }
const workspace = { ...ownership, name: 'w', build_id: id }
const task = { ...ownership, workspace_id: id }
const job = { id, workerId: id, organizationId: id }
const key = { publicKey: '', sealedPrivateKey: hash }
const secret = {
  id,
  name: 'x',
  description: '',
  sealedValue: hash,
  valueSize: 1,
  envName: 'x',
  filePath: '',
  enabled: true,
}
const link = { user_id: id, provider_id: 'x', generation: 1 }
const mcpConfig = { id, organization_id: id, user_acl: {}, group_acl: {} }
const mcpTokens = { config_id: id, user_id: id, generation: 1 }
const lease = randomUUID()
const budgetGroup = { id, organization_id: id, name: 'x' }
const aiSession = { sessionId: id, initiatorId: id }
const aiRequest = {
  initiatorId: id,
  apiKeyId: undefined,
  provider: 'openai',
  providerName: 'x',
  model: 'x',
  metadata: {},
  startedAt: new Date(),
  client: 'Coder Agents',
  clientSessionId: id,
  credentialKind: 'byok',
  credentialHint: 'x',
  toolCallId: undefined,
}
const aiMeasure = {
  policy: 'highest',
  since: '2026-01-01',
  month: '2026-01-01',
  minute: new Date(),
  apiKeyId: 'x',
}
const aiRange = {
  organizationId: id,
  start: new Date(Date.now() - 86_400_000),
  end: new Date(Date.now() + 86_400_000),
}
const aiRecord = {
  id: randomUUID(),
  interceptionId: id,
  initiatorId: id,
  responseId: 'x',
  createdAt: new Date(),
}
const oauthCode = {
  appId: id,
  userId: id,
  prefix: 'BBBBBBBBBB',
  hashedSecret: hash,
  now: new Date(),
  expiresAt: new Date(),
  codeChallenge: 'x',
  scopes: ['coder:all'],
  ipAddress: '127.0.0.1',
}
const oauthTokens = {
  grantId: randomUUID(),
  keyId: 'NNNNNNNNNN',
  keyHash: hash,
  keyName: 'x',
  keyScopes: ['coder:all'],
  keyExpiresAt: new Date(),
  lifetimeSeconds: 1,
  refreshPrefix: 'NNNNNNNNNN',
  refreshHash: hash,
  refreshExpiresAt: new Date(),
  now: new Date(0),
  ipAddress: '127.0.0.1',
  userAgent: '',
}
const chatView = { id, owner_id: id, organization_id: id, effective_user_acl: {}, effective_group_acl: {} }
const chatRequest = {
  guard: { action: 'create', object: { type: 'chat', owner: id, organization: id } },
  operation: 'create',
  key: 'x',
}
const consent = { appId: id, userId: id, scopes: ['coder:all'], resource: undefined }
const oauthSettings = {
  dynamic_client_registration_enabled: true,
  require_pushed_authorization_requests: false,
}
const oauthClient = { name: 'x', callback_url: 'https://app.example/cb', client_type: 'public' }

const chatReadable = { chat: chatView, userAcl: {}, groupAcl: {} }

/**
 * Every function of every store, with arguments that would succeed for somebody. What is not a function that
 * takes an actor is named in `NOT_GUARDED` with its reason.
 */
const CALLS: Readonly<Record<string, readonly unknown[]>> = {
  'access-lists/store.ts findPrincipals': [OF_TEMPLATE, { users: [id], groups: [id] }],
  'access-lists/store.ts listUsersByIds': [OF_TEMPLATE, [id]],
  'access-lists/store.ts listCandidates': [OF_TEMPLATE, id, {}, {}],
  'access-lists/store.ts holdTemplateLists': [id],
  'access-lists/store.ts storeTemplateLists': [{ row: template }, { users: {}, groups: {} }],
  'access-lists/store.ts holdWorkspaceLists': [id],
  'access-lists/store.ts storeWorkspaceLists': [{ row: ownership }, { users: {}, groups: {} }],
  'ai-gateway/store/interceptions.ts insertInterception': [{ ...aiRequest, id: randomUUID() }],
  'ai-gateway/store/interceptions.ts insertEnded': [
    [
      {
        interception: { ...aiRequest, id },
        end: { id, initiatorId: id, endedAt: new Date(), credentialHint: 'x', error: undefined },
      },
    ],
  ],
  'ai-gateway/store/interceptions.ts endInterception': [
    { id, initiatorId: id, endedAt: new Date(), credentialHint: 'x', error: undefined },
  ],
  'ai-gateway/store/interceptions.ts closeAbandoned': [
    { before: new Date(8e12), now: new Date(8e12), limit: 1 },
  ],
  'ai-gateway/store/passthroughs.ts insertPassthrough': [
    {
      id: randomUUID(),
      initiatorId: id,
      provider: 'openai',
      providerName: 'openai',
      method: 'GET',
      route: '/v1/models',
      client: 'Unknown',
      status: 200,
      startedAt: new Date(),
      durationMs: 1,
    },
  ],
  'ai-gateway/store/exports.ts claimExports': [{ limit: 10, seconds: 60 }],
  'ai-gateway/store/exports.ts completeExports': [[id]],
  'ai-gateway/store/exports.ts releaseExports': [[id]],
  'ai-gateway/store/exports.ts postponeExport': [{ id, refusal: 'no', counts: true }],
  'ai-gateway/store/exports.ts setAsideExports': [10],
  'ai-gateway/store/records.ts insertTokens': [
    {
      ...aiRecord,
      input: 1,
      output: 1,
      cacheRead: 0,
      cacheWrite: 0,
      metadata: {},
      providerType: 'x',
      model: 'x',
      policy: 'highest',
      since: '2026-01-01',
      until: '2026-02-01',
    },
  ],
  'ai-gateway/store/records.ts insertPrompts': [[{ ...aiRecord, prompt: 'x' }]],
  'ai-gateway/store/records.ts insertTools': [
    [{ ...aiRecord, tool: 'x', callId: undefined, itemId: '', input: '{}' }],
  ],
  'ai-gateway/store/records.ts insertThoughts': [[{ ...aiRecord, content: 'x', source: 'thinking' }]],
  'ai-gateway/store/budgets.ts findInitiator': [id, aiMeasure],
  'ai-gateway/store/crossings.ts findCrossingNames': [id, id],
  'ai-gateway/store/reservations.ts insertReservation': [
    {
      ...aiMeasure,
      interceptionId: randomUUID(),
      userId: id,
      providerType: 'openai',
      model: 'x',
      input: 1,
      output: 1,
      setsAside: true,
      refusesUnpriced: true,
      now: new Date(),
      expiresAt: new Date(),
    },
  ],
  'ai-gateway/store/reservations.ts deleteReservation': [{ interceptionId: id, userId: id }],
  'ai-gateway/store/spend-reports.ts listGroupSpend': [id, [id], '2026-01-01'],
  'ai-gateway/store/spend-reports.ts listMemberSpend': [budgetGroup, [id], aiMeasure],
  'ai-gateway/store/spend-reports.ts listSpendForExport': [aiRange, { limit: 1 }],
  'ai-gateway/store/spend-reports.ts sumDailySpend': [aiRange, 1],
  'ai-gateway/store/spend-reports.ts countBlockedUsers': [aiMeasure],
  'ai-gateway/store/budget-rows.ts getBudgetGroup': [id],
  'ai-gateway/store/budget-rows.ts findGroupBudget': [budgetGroup],
  'ai-gateway/store/budget-rows.ts upsertGroupBudget': [budgetGroup, 7],
  'ai-gateway/store/budget-rows.ts deleteGroupBudget': [budgetGroup],
  'ai-gateway/store/budget-rows.ts findOverride': [id],
  'ai-gateway/store/budget-rows.ts upsertOverride': [id, budgetGroup, 7],
  'ai-gateway/store/budget-rows.ts deleteOverride': [id, budgetGroup],
  'ai-governance/store/snapshot.ts readGovernance': [],
  'ai-governance/store/settings.ts findSettings': [],
  'ai-governance/store/settings.ts holdSettings': [],
  'ai-governance/store/settings.ts storeSettings': [{ settings: '{}' }],
  'ai-governance/store/group-rules.ts findModelPolicy': [budgetGroup],
  'ai-governance/store/group-rules.ts upsertModelPolicy': [budgetGroup, { allow: ['x'] }],
  'ai-governance/store/group-rules.ts deleteModelPolicy': [budgetGroup],
  'ai-governance/store/group-rules.ts findGroupLimits': [budgetGroup],
  'ai-governance/store/group-rules.ts upsertGroupLimits': [budgetGroup, { tokens_per_minute: 7 }],
  'ai-governance/store/group-rules.ts deleteGroupLimits': [budgetGroup],
  'ai-governance/store/organization-rules.ts findOrganizationBudget': [id],
  'ai-governance/store/organization-rules.ts upsertOrganizationBudget': [id, 7],
  'ai-governance/store/organization-rules.ts deleteOrganizationBudget': [id],
  'ai-governance/store/organization-rules.ts findOrganizationPrivacy': [id],
  'ai-governance/store/organization-rules.ts upsertOrganizationPrivacy': [id, { level: 'hash' }],
  'ai-governance/store/organization-rules.ts listGroupRules': [id],
  'ai-governance/store/routing.ts findRouting': [id],
  'ai-governance/store/routing.ts holdRouting': [id],
  'ai-governance/store/routing.ts storeRouting': [id, '{}'],
  'ai-governance/store/key-limits.ts findKeyLimits': [{ id: 'SSSSSSSSSS', user_id: id }],
  'ai-governance/store/key-limits.ts keySpendSince': [{ id: 'SSSSSSSSSS', user_id: id }, '2026-01-01'],
  'ai-governance/store/key-limits.ts upsertKeyLimits': [
    { id: 'SSSSSSSSSS', user_id: id },
    { requests_per_second: 7 },
  ],
  'ai-governance/store/key-limits.ts insertKeyLimits': [
    { id: 'SSSSSSSSSS', user_id: id },
    { requests_per_second: 7 },
  ],
  'ai-governance/store/key-limits.ts deleteKeyLimits': [{ id: 'SSSSSSSSSS', user_id: id }],
  'ai-gateway/store/costs.ts sumChatCost': [{ ownerId: id, rootChatId: id }],
  'ai-gateway/store/prices.ts listPrices': [{}],
  'ai-gateway/store/prices.ts listPriceChanges': [{}, { limit: 1, offset: 0 }],
  'ai-gateway/store/prices.ts deleteCustomPrice': [{ provider: 'openai', model: 'y' }],
  'ai-gateway/store/prices.ts upsertPrices': ['custom', [{ provider: 'openai', model: 'y', input_price: 1 }]],
  'ai-gateway/store/records.ts forgetTokens': [{ interceptionId: id, initiatorId: id }],
  'ai-gateway/store/session-list.ts countSessions': [{}],
  'ai-gateway/store/session-list.ts listPlaces': [{}, { id }],
  'ai-gateway/store/session-list.ts listSessions': [{}, { limit: 10, offset: 0 }, 10],
  'ai-gateway/store/interception-list.ts listInterceptions': [{}, { limit: 10, offset: 0 }],
  'ai-gateway/store/interception-list.ts listPrompts': [[id]],
  'ai-gateway/store/interception-list.ts listTokens': [[id]],
  'ai-gateway/store/interception-list.ts listTools': [[id]],
  'ai-gateway/store/sessions.ts findSession': [{ id, initiator: { username: 'x' } }],
  'ai-gateway/store/threads.ts listThreadRequests': [aiSession, { threads: [id], limit: 10 }],
  'ai-gateway/store/threads.ts listThreadThoughts': [aiSession, { requests: [id], limit: 10 }],
  'ai-gateway/store/threads.ts listThreadTools': [aiSession, { requests: [id], limit: 10 }],
  'ai-gateway/store/threads.ts listThreads': [aiSession, { limit: 10 }],
  'ai-gateway/store/usage.ts listUsage': [aiSession, 'session'],
  'ai-gateway/store/sessions.ts listNames': ['model', { prefix: '', limit: 10, offset: 0 }],
  'ai-gateway/store/synthetic-keys.ts findSyntheticKey': [id, ''],
  'ai-gateway/store/synthetic-keys.ts lockSyntheticKey': [id, 'x'],
  'ai-gateway/store/synthetic-keys.ts insertSyntheticKey': [{ id: 'YYYYYYYYYY', userId: id }],
  'ai-gateway/store/synthetic-keys.ts extendSyntheticKey': [
    id,
    { id: 'SSSSSSSSSS', expiresAt: new Date(8e12) },
  ],
  'ai-providers/store/providers.ts listProviders': [],
  'ai-providers/store/providers.ts findProvider': [{ id }],
  'ai-providers/store/providers.ts listDeletedNames': [],
  'ai-providers/store/providers.ts lockSeeding': [],
  'ai-providers/store/providers.ts insertProvider': [
    { id: randomUUID(), type: 'openai', name: 'y', base_url: 'http://y' },
  ],
  'ai-providers/store/providers.ts updateProvider': [id, { icon: 'y' }],
  'ai-providers/store/providers.ts deleteProvider': [id],
  'ai-providers/store/providers.ts insertProviderKeys': [
    id,
    [{ id: randomUUID(), provider_id: id, api_key: hash, masked: 'y' }],
  ],
  'ai-providers/store/providers.ts deleteProviderKeys': [id, [id]],
  'ai-providers/store/checks.ts listChecks': [],
  'ai-providers/store/checks.ts noteCheck': [id, { ok: false, error: 'y' }],
  'ai-providers/store/troubles.ts listTroubles': [],
  'ai-providers/store/troubles.ts changeTroubles': [{ found: [], gone: [] }],
  'ai-providers/store/troubles.ts forgetTroubles': [id],
  'ai-providers/store/user-keys.ts listUserKeyProviders': [id],
  'ai-providers/store/user-keys.ts findUserKey': [id, id],
  'ai-providers/store/user-keys.ts putUserKey': [
    { user_id: id, ai_provider_id: id, api_key: hash, masked: 'y' },
  ],
  'ai-providers/store/user-keys.ts deleteUserKey': [id, id],
  'purge/store.ts minuteTokens.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts minuteTokens.countOld': [new Date(8e12)],
  'purge/store.ts expiredReservations.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts expiredReservations.countOld': [new Date(8e12)],
  'purge/store.ts interceptions.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts interceptions.countOld': [new Date(8e12)],
  'purge/store.ts passthroughs.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts passthroughs.countOld': [new Date(8e12)],
  'agents/store/agent-figures.ts listAgentFigures': [],
  'agents/store/agent-figures.ts findAgentNames': [id],
  'agents/store/agent-figures.ts findReadyBuild': [id],
  'agents/store/agents.ts getAgent': [id],
  'agents/store/agents.ts listLatestAgents': [{ ...ownership, build_id: id }],
  'agents/store/agents.ts findAgentByToken': [id, {}],
  'agents/store/agents.ts filterMayStay': [[id]],
  'agents/store/agents.ts markConnected': [id, id, '2.0'],
  'agents/store/agents.ts markAlive': [[id]],
  'agents/store/agents.ts markDisconnected': [id, id],
  'agents/store/agents.ts setStartup': [id, { version: 'v1', expandedDirectory: '/', subsystems: [] }],
  'agents/store/agents.ts setLifecycle': [id, 'ready', new Date()],
  'agents/store/reports.ts insertLogSource': [id, { id, displayName: '', icon: '' }],
  'agents/store/reports.ts appendAgentLogs': [id, id, [{ level: 'info', output: 'x' }]],
  'agents/store/reports.ts listAgentLogs': [id, { after: 0 }],
  'agents/store/reports.ts listLogSourceNames': [id],
  'agents/store/reports.ts listMetadata': [id],
  'agents/store/reports.ts storeMetadata': [[]],
  'agents/store/reports.ts storeAppHealth': [id, []],
  'agents/store/reports.ts storeScriptTiming': [id, {}],
  'agents/store/app-statuses.ts insertAppStatus': [{}],
  'agents/store/app-statuses.ts findTaskOfAgent': [id],
  'apps/store.ts findAppTargets': ['x', 'x'],
  'apps/store.ts findOfflineWorkspace': ['x', 'x'],
  'apps/store.ts listPortShares': [workspace],
  'apps/store.ts upsertPortShare': [workspace, {}],
  'apps/store.ts deletePortShare': [workspace, 'main', 8080],
  'apps/store.ts lowerPortShares': [template, 'organization'],
  'templates/store/templates.ts lockTemplate': [id],
  'workspaces/store/template-effects.ts touchWorkspaces': [template, new Date()],
  'workspaces/store/template-effects.ts redateDormant': [
    { ...template, time_til_dormant_autodelete: 3_600_000_000_000 },
    new Date(),
  ],
  'workspaces/store/template-effects.ts imposeTtl': [{ ...template, default_ttl: 3_600_000_000_000 }],
  'workspaces/store/template-effects.ts listRunningBuilds': [template, new Date()],
  'workspaces/store/template-effects.ts moveStops': [
    template,
    [{ buildId: id, maxDeadline: null, never: true }],
  ],
  'tasks/store/tasks.ts findTask': [id],
  'tasks/store/tasks.ts findTaskByName': [id, 'x'],
  'tasks/store/tasks.ts findTaskOfWorkspace': [id],
  'tasks/store/tasks.ts listTasks': [{}],
  'tasks/store/tasks.ts getStoredTask': [task],
  'tasks/store/tasks.ts insertTask': [
    {
      id: '00000000-0000-4000-8000-00000000007a',
      organizationId: id,
      ownerId: id,
      name: 'y',
      displayName: 'y',
      workspaceId: null,
      templateVersionId: id,
      prompt: 'y',
    },
  ],
  'tasks/store/tasks.ts updatePrompt': [task, 'y'],
  'tasks/store/tasks.ts deleteTask': [task],
  'tasks/store/snapshots.ts keepSnapshot': [task, { messages: [] }],
  'tasks/store/snapshots.ts findSnapshot': [task],
  'audit/store/entries.ts insertAuditEntry': [
    {
      id,
      type: 'user',
      action: 'write',
      resourceId: id,
      userAgent: '',
      target: '',
      icon: '',
      status: 200,
      requestId: id,
      diff: {},
      additionalFields: {},
    },
  ],
  'audit/store/chain.ts takeUnchained': [1],
  'audit/store/chain.ts storeLinks': [[]],
  'audit/store/chain.ts listLinks': [{ after: 0, limit: 1 }],
  'audit/store/chain.ts countStrangers': [],
  'audit/store/hidden-objects.ts findHiddenObject': ['user', { user: 'x' }],
  'audit-forwarding/store.ts takeForwardingLease': ['x', { id, seconds: 1 }],
  'audit-forwarding/store.ts storeForwarded': ['x', id, 1],
  'audit-forwarding/store.ts releaseForwardingLease': ['x', id],
  'audit-forwarding/store.ts listForwardable': [{ after: 0, limit: 1 }],
  'audit-forwarding/store.ts countForwardable': [-1],
  'audit-log/store.ts listAuditEntries': [{}, { limit: 10, offset: 0 }],
  'audit-log/store.ts countAuditEntries': [{}],
  'audit-log/store.ts usersOfEntries': ['audit_log', [{ user_id: id }]],
  'chats/store/conversation.ts listVisibleMessages': [chatView, { limit: 1, ascending: true }],
  'chats/store/conversation.ts listQueued': [chatView],
  'chats/store/conversation.ts listPrompts': [chatView, 1],
  'chats/store/conversation.ts canBeCompacted': [chatView],
  'chats/store/create.ts insertChat': [
    {
      status: 'running',
      ownerId: id,
      organizationId: id,
      clientType: 'api',
      title: 'x',
      modelConfigId: id,
      reasoningEffort: null,
      workspaceId: null,
    },
    [],
  ],
  'chats/store/locked.ts lockChat': [id],
  'chats/store/locked.ts updateLockedChat': [chatView, { title: 'y' }],
  'chats/store/locked.ts insertQueued': [
    chatView,
    { parts: [], modelConfigId: id, reasoningEffort: null, createdBy: id },
  ],
  'chats/store/locked.ts takeQueued': [chatView],
  'chats/store/locked.ts moveQueuedToHead': [chatView, 1],
  'chats/store/locked.ts clearQueue': [chatView],
  'chats/store/messages.ts insertMessages': [chatView, [{ role: 'user', parts: [], visibility: 'both' }]],
  'chats/store/messages.ts openCalls': [chatView],
  'chats/store/messages.ts deleteMessagesFrom': [chatView, 1],
  'chats/store/messages.ts findMessage': [chatView, 1],
  'chats/store/metadata.ts holdChat': [id],
  'chats/store/metadata.ts updateMetadata': [chatView, { title: 'y' }],
  'chats/store/metadata.ts listFamilyIds': [chatView],
  'chats/store/metadata.ts lockPins': [chatView],
  'chats/store/metadata.ts listPins': [chatView],
  'chats/store/metadata.ts storePins': [chatView, [id]],
  'chats/store/metadata.ts holdSharedChat': [id],
  'chats/store/metadata.ts storeLists': [chatView, { users: {}, groups: {} }],
  'chats/store/readable.ts getReadableChat': [id],
  'chats/store/retention.ts archivedChats.deleteOld': [{ before: new Date(), limit: 1 }],
  'chats/store/retention.ts archivedChats.countOld': [new Date()],
  'chats/store/retention.ts holdForgottenRoot': [new Date(0), []],
  'chats/store/retention.ts tryArchiveLock': [],
  'chats/store/retention.ts countBusyChats': [],
  'chats/store/search-index.ts indexMessages': [1],
  'chat-context/store/agent-context.ts replaceAgentContext': [
    id,
    { version: 9, hash, error: '', operatingSystem: '', directory: '', resources: [] },
    true,
  ],
  'chat-context/store/agent-context.ts findAgentContext': [id],
  'chat-context/store/agent-context.ts markDirtyChats': [
    { workspaceId: id, agentId: id, isChosen: true },
    hash,
    new Date(),
  ],
  'chat-context/store/diff-statuses.ts noteReference': [
    { workspaceId: id, ownerId: id, chatId: undefined },
    { branch: 'x', origin: 'x' },
    new Date(),
  ],
  'chat-context/store/diff-statuses.ts listDiffStatuses': [[id]],
  'chat-context/store/diff-statuses.ts claimStale': [{ now: new Date(), until: new Date(), limit: 1 }],
  'chat-context/store/diff-statuses.ts storeDiffStatus': [
    { chat_id: id, git_branch: 'main', git_remote_origin: 'x' },
    { additions: 1 },
  ],
  'chat-context/store/pinned.ts pinContext': [
    chatView,
    id,
    { version: 9, hash, error: '', operatingSystem: '', directory: '', resources: [] },
    new Date(),
  ],
  'chat-context/store/pinned.ts findPinnedContext': [chatView],
  'chat-context/store/pinned.ts listPinnedResources': [[id]],
  'chat-context/store/pinned.ts listDirtyChats': [id, id],
  'chat-tools/store/chats.ts findChatNow': [id],
  'chat-tools/store/chats.ts bindWorkspace': [chatView, id, new Date()],
  'chat-tools/store/subagents.ts listSubagents': [id, { limit: 1, offset: 0 }],
  'chat-tools/store/subagents.ts findReport': [chatView],
  'chat-tools/store/templates.ts listTemplateUse': [id, [id], new Date()],
  'chats/store/messages.ts appendParts': [chatView, 1, []],
  'chat-generation/store/history.ts countTurnSteps': [chatView],
  'chat-generation/store/history.ts findChat': [id],
  'chat-generation/store/history.ts listModelMessages': [chatView],
  'chat-generation/store/history.ts listSpoken': [chatView, 1],
  'chat-generation/store/history.ts replaceTitle': [chatView, { from: 'x', to: 'y' }],
  'chat-generation/store/history.ts storeTurnSummary': [chatView, 'x'],
  'chat-generation/store/leases.ts listCandidates': [{ staleSeconds: 1, limit: 1 }],
  'chat-generation/store/leases.ts hasLiveRunner': [{ ...chatView, runner_id: id }, 1],
  'chat-generation/store/leases.ts insertHeartbeat': [chatView, id],
  'chat-generation/store/leases.ts beat': [[{ chatId: id, runnerId: id }]],
  'chat-generation/store/leases.ts sweepHeartbeats': [{ runnerIds: [], olderThanSeconds: 1 }],
  'chat-generation/store/leases.ts holdAdmission': [],
  'chat-generation/store/leases.ts countRunning': [{ pool: 'root', staleSeconds: 1 }],
  'chat-generation/store/leases.ts listVersions': [[id]],
  'chat-generation/store/leases.ts countWaiting': [],
  'chat-generation/store/tool-calls.ts beginToolCalls': [
    { ...chatView, runner_id: id },
    [{ messageId: 1, index: 0, toolCallId: 'x' }],
  ],
  'chat-generation/store/tool-calls.ts storeResume': [chatView, { messageId: 1, index: 0 }, {}],
  'chat-generation/store/tool-calls.ts storeDone': [chatView, { messageId: 1, index: 0 }, {}],
  'chat-generation/store/tool-calls.ts storeResult': [chatView, { messageId: 1, index: 0 }, {}],
  'chat-generation/store/tool-calls.ts listResults': [chatView, 1],
  'chat-generation/store/tool-calls.ts deleteToolCalls': [chatView],
  'chats/store/views.ts getChat': [id],
  'chats/store/views.ts getChatFamily': [id],
  'chats/store/views.ts listChatFamilies': [{ conditions: [], children: [], limit: 1 }],
  'chats/store/views.ts listTreeIds': [chatView],
  'chats/store/views.ts listLatestChats': [[id]],
  'chat-files/store/files.ts insertFile': [
    {
      owner_id: id,
      organization_id: id,
      name: 'y',
      mimetype: 'text/plain',
      data: hash,
      size_bytes: 32,
      sha256: hash,
    },
  ],
  'chat-files/store/files.ts getFileInfo': [id],
  'chat-files/store/files.ts findFiles': [[id]],
  'chat-files/store/files.ts readFileBytes': [id],
  'chat-files/store/files.ts insertFileLinks': [id, [id]],
  'chat-files/store/purge.ts unlinkedFiles.deleteOld': [{ before: new Date(), limit: 1 }],
  'chat-files/store/purge.ts unlinkedFiles.countOld': [new Date()],
  'chat-streams/store.ts readMessages': [chatReadable, 0],
  'chat-streams/store.ts changedMessages': [chatReadable, 0],
  'chat-streams/store.ts lastAnswer': [chatReadable],
  'chat-streams/store.ts readQueue': [chatReadable],
  'chat-streams/store.ts snapshotVersions': [[id]],
  'chat-streams/store.ts markRead': [chatView],
  'chat-streams/store.ts listSharedRoots': [],
  'chat-settings/store/model-configs.ts listModelConfigs': [],
  'chat-settings/store/model-configs.ts holdModelConfigs': [],
  'chat-settings/store/model-configs.ts insertModelConfig': [
    { ai_provider_id: id, model: 'x', context_limit: 1 },
  ],
  'chat-settings/store/model-configs.ts updateModelConfig': [id, { model: 'y' }],
  'chat-settings/store/model-configs.ts clearDefault': [],
  'chat-settings/store/settings.ts listSettings': [],
  'chat-settings/store/settings.ts holdSettings': ['x'],
  'chat-settings/store/settings.ts storeSettings': [{ x: 'y' }],
  'chat-settings/store/user-settings.ts listUserSettings': [id],
  'chat-settings/store/user-settings.ts findUserSetting': [id, 'x'],
  'chat-settings/store/user-settings.ts storeUserSetting': [id, { key: 'y', value: 'y' }],
  'chat-settings/store/user-settings.ts deleteUserSetting': [id, 'x'],
  'connection-log/store.ts storeConnections': [{ sessions: [], visits: [] }],
  'connection-log/store.ts listConnections': [{}, { limit: 10, offset: 0 }],
  'connection-log/store.ts countConnections': [{}],
  'crypto-keys/store.ts tryRotationLock': [],
  'crypto-keys/store.ts listFeatureKeys': ['replica_relay', undefined],
  'crypto-keys/store.ts insertFeatureKey': [
    'x',
    { sequence: 9, secret: hash, startsAt: new Date() },
    undefined,
  ],
  'crypto-keys/store.ts endFeatureKey': ['replica_relay', 1, new Date()],
  'crypto-keys/store.ts deleteFeatureKey': ['replica_relay', 1],
  'deployment/store.ts ensureDeploymentId': [id],
  'deployment/store.ts countWorkspaces': [],
  'deployment/store.ts sumRecentUse': [new Date(0)],
  'insights/store/apps.ts listAppUse': [[template], ever],
  'insights/store/apps.ts listBuiltInUse': [[template], ever],
  'insights/store/apps.ts listParameterUse': [[template], ever],
  'insights/store/gauges.ts findTemplateFigures': [ever],
  'insights/store/scope.ts findScope': [[id]],
  'insights/store/usage.ts countActiveUsers': [[template], [ever]],
  'insights/store/usage.ts countDailyUsers': [[template], { ...ever, hoursWest: 0 }],
  'insights/store/usage.ts listUserActivity': [[template], ever],
  'insights/store/usage.ts listUserLatency': [[template], ever],
  'insights/store/user-statuses.ts countUserStatuses': [{ now: new Date(), days: 1, zone: 'UTC' }],
  'insights/store/user-statuses.ts isKnownZone': ['UTC'],
  'dpop/store.ts useProof': [{ hash: randomBytes(32), expiresAt: new Date() }],
  'dpop/store.ts deleteOldProofs': [new Date(), 1],
  'external-auth/store.ts listLinks': [id],
  'external-auth/store.ts findLink': [link],
  'external-auth/store.ts saveLink': [link, { sealed: hash, hasRefreshToken: false, givenAt: new Date() }],
  'external-auth/store.ts deleteLink': [link],
  'external-auth/store.ts takeRefreshLease': [link, { id, seconds: 1 }],
  'external-auth/store.ts endRefresh': [link, lease, { kind: 'failed' }],
  'external-auth/store.ts listProvidersOfBuild': [id],
  'files/store.ts storeFile': [{ hash: 'a'.repeat(64), mimetype: 'x', data: hash, createdBy: id }],
  'files/store.ts getFile': [id],
  'git-ssh-keys/store.ts ensureGitSshKey': [id, key],
  'git-ssh-keys/store.ts findGitSshKey': [id],
  'git-ssh-keys/store.ts replaceGitSshKey': [id, key],
  'groups/store/groups.ts getGroup': [id],
  'groups/store/groups.ts getGroupByName': [id, 'x'],
  'groups/store/groups.ts listGroups': [{}],
  'groups/store/groups.ts listGroupsByIds': [OF_TEMPLATE, [id]],
  'groups/store/groups.ts listGroupsOfOrganization': [OF_TEMPLATE, id],
  'groups/store/groups.ts listGroupsPage': [id, {}, {}],
  'groups/store/groups.ts insertGroup': [id, { name: 'y' }],
  'groups/store/groups.ts holdGroup': [id],
  'groups/store/groups.ts updateGroup': [
    group,
    { name: 'y', displayName: '', avatarUrl: '', quotaAllowance: 0 },
  ],
  'groups/store/groups.ts deleteGroup': [group],
  'groups/store/members.ts listMembersOfGroups': [[id]],
  'groups/store/members.ts listMembersPage': [id, {}, {}],
  'groups/store/members.ts listMemberIds': [group, 'update'],
  'groups/store/members.ts changeMembers': [group, { add: [], remove: [id] }],
  'identity/store/checked-objects.ts findCheckedObject': ['user', id],
  'identity/store/account-counts.ts countAccounts': [],
  'identity/store/account-counts.ts countActiveUsers': [new Date(0)],
  'identity/store/dormancy.ts tryDormancyLock': [],
  'identity/store/dormancy.ts markUnseenDormant': [{ before: new Date(), now: new Date(), limit: 1 }],
  'identity/store/keys.ts insertKey': [{ id: 'AAAAAAAAAA', userId: randomUUID() }],
  'identity/store/keys.ts holdKeyAsker': [{ userId: id }],
  'identity/store/keys.ts getKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts updateToken': [
    { id: 'AAAAAAAAAA', user_id: id, updated_at: new Date(0) },
    { now: new Date(0), tokenName: 'y' },
  ],
  'identity/store/keys.ts getTokenByName': [id, 'x'],
  'identity/store/keys.ts listTokens': [{ includeExpired: true, now: new Date() }],
  'identity/store/keys.ts expireKey': ['AAAAAAAAAA', new Date()],
  'identity/store/keys.ts deleteKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts deleteKeysOfUser': [id],
  'identity/store/keys.ts touchKeys': [
    id,
    [{ id: 'AAAAAAAAAA', now: new Date(), ipAddress: '127.0.0.1', expiresAt: undefined }],
  ],
  'identity/store/kept-keys.ts findKeyVersions': [['AAAAAAAAAA']],
  'identity/store/kept-keys.ts findKeysWithStanding': [['AAAAAAAAAA']],
  'identity/store/organizations.ts ensureDefaultOrganization': [],
  'identity/store/organizations.ts getOrganizations': [[id]],
  'identity/store/organizations.ts listOrganizationIds': [],
  'identity/store/organizations.ts insertMember': [{ organizationId: id, userId: id }],
  'identity/store/sessions.ts listSessions': [id, new Date()],
  'identity/store/sessions.ts getSession': [id, 'SSSSSSSSSS'],
  'identity/store/sessions.ts deleteOtherSessions': [id, 'AAAAAAAAAA'],
  'identity/store/sign-in-failures.ts findFailures': [hash],
  'identity/store/sign-in-failures.ts addFailure': [
    hash,
    { now: new Date(), free: 5, minSeconds: 0, maxSeconds: 1, forgetBefore: new Date(0) },
  ],
  'identity/store/sign-in-failures.ts deleteFailures': [hash],
  'identity/store/standing.ts findStanding': [id],
  'identity/store/standing.ts findStandingToExplain': [id],
  'identity/store/custom-roles.ts listCustomRoles': [id],
  'identity/store/custom-roles.ts holdCustomRoles': [id, ['x']],
  'identity/store/custom-roles.ts listSiteCustomRoles': [],
  'identity/store/custom-roles.ts holdSiteCustomRoles': [['site-x']],
  'identity/store/users.ts anyUserExists': [],
  'identity/store/users.ts lockFirstUser': [],
  'identity/store/users.ts insertUser': [{ username: 'x' }],
  'identity/store/users.ts readableUser': [],
  'identity/store/users.ts getUser': ['x'],
  'identity/store/users.ts findUserByEmail': ['a@example.com'],
  'identity/store/users.ts listUsers': [{}, {}],
  'identity/store/users.ts updateProfile': [
    { id, rbac_roles: [], username: 'x' },
    { username: 'x', name: '', avatarUrl: '' },
  ],
  'identity/store/user-changes.ts updateStatus': [id, 'active'],
  'identity/store/user-changes.ts getRoles': [id],
  'identity/store/user-changes.ts updateSiteRoles': [id, []],
  'identity/store/users.ts activateDormantUser': [id, new Date()],
  'identity/store/users.ts updatePasswordHash': [id, 'x'],
  'identity/store/user-changes.ts deleteUser': [id],
  'identity/store/users.ts findUserById': [id],
  'mcp-servers/store/configs.ts listConfigs': [id],
  'mcp-servers/store/configs.ts getConfig': [id, id],
  'mcp-servers/store/configs.ts findConfig': [id],
  'mcp-servers/store/configs.ts listEnabledConfigs': [[id]],
  'mcp-servers/store/configs.ts holdConfig': [id, id, 'update'],
  'mcp-servers/store/configs.ts requireRoomFor': [id, 'y'],
  'mcp-servers/store/configs.ts insertConfig': [
    {
      organization_id: id,
      display_name: 'y',
      slug: 'y',
      url: 'https://y.example',
      transport: 'sse',
      auth_type: 'none',
      availability: 'force_on',
    },
  ],
  'mcp-servers/store/configs.ts updateConfig': [mcpConfig, { slug: 'y' }],
  'mcp-servers/store/configs.ts storeConfigLists': [mcpConfig, { users: {}, groups: {} }],
  'mcp-servers/store/configs.ts deleteConfig': [mcpConfig],
  'mcp-servers/store/health.ts listHealth': [[mcpConfig]],
  'mcp-servers/store/health.ts noteHealth': [
    mcpConfig,
    { status: 'healthy', latencyMs: 1, toolCount: 1, error: '' },
  ],
  'mcp-servers/store/health.ts tryHealthLock': [],
  'mcp-servers/store/tokens.ts listTokens': [id, [id]],
  'mcp-servers/store/tokens.ts findTokens': [mcpTokens],
  'mcp-servers/store/tokens.ts saveTokens': [
    { config_id: id, user_id: id },
    { sealed: hash, hasRefreshToken: false, expiresAt: undefined, scope: '' },
    () => true,
  ],
  'mcp-servers/store/tokens.ts deleteTokens': [mcpTokens],
  'mcp-servers/store/tokens.ts deleteTokensOfConfig': [mcpConfig],
  'mcp-servers/store/tokens.ts noteChallenge': [mcpTokens, 'x'],
  'mcp-servers/store/tokens.ts takeRefreshLease': [mcpTokens, { id, seconds: 1 }],
  'mcp-servers/store/tokens.ts endRefresh': [mcpTokens, lease, { kind: 'failed' }],
  'one-time-passcode/store.ts storePasscode': [
    'a@example.com',
    { hashed: hash, expiresAt: new Date(), recentUntil: new Date() },
  ],
  'one-time-passcode/store.ts takePasscodeAttempt': ['a@example.com', new Date()],
  'one-time-passcode/store.ts clearPasscode': [id, hash],
  'oauth2-device/store.ts insertDeviceCode': [
    {
      appId: id,
      prefix: 'x',
      hashedSecret: hash,
      hashedUserCode: hash,
      scopes: [],
      resource: undefined,
      ipAddress: '127.0.0.1',
      intervalSeconds: 5,
      now: new Date(),
      expiresAt: new Date(),
    },
    10,
  ],
  'oauth2-device/store.ts findDeviceCode': ['AAAAAAAAAA'],
  'oauth2-device/store.ts notePoll': [id, new Date()],
  'oauth2-device/store.ts redeemDeviceCode': [{ id, userId: id }],
  'oauth2-device/store.ts findByUserCode': [id, hash, new Date()],
  'oauth2-device/store.ts decideDeviceCode': [id, id, 'approved', new Date()],
  'organizations/store/organizations.ts getOrganization': [id],
  'organizations/store/organizations.ts listOrganizations': [],
  'identity/store/organizations.ts defaultOrganization': [],
  'idp-sync/store/apply.ts leaveOrganizations': [id, [id]],
  'idp-sync/store/apply.ts ensureGroups': [id, ['y']],
  'idp-sync/store/apply.ts moveBetweenGroups': [id, id, { join: [id], leave: [id] }],
  'idp-sync/store/apply.ts setMemberRoles': [id, id, { before: [], after: [], customRoles: [] }],
  'idp-sync/store/apply.ts setSiteRoles': [id, { before: [], after: [], customRoles: [] }],
  'idp-sync/store/settings.ts findOrganizationSync': [],
  'idp-sync/store/settings.ts listGroupSyncs': [[id]],
  'idp-sync/store/settings.ts listRoleSyncs': [[id]],
  'idp-sync/store/settings.ts findRoleSyncField': [id],
  'idp-sync/store/settings.ts findOrganizationSyncField': [id],
  'idp-sync/store/settings.ts lockSettings': [id],
  'idp-sync/store/settings.ts storeOrganizationSync': [
    { field: '', mapping: {}, organization_assign_default: true },
  ],
  'idp-sync/store/settings.ts storeGroupSync': [
    {
      organization_id: id,
      field: '',
      mapping: {},
      regex_filter: null,
      auto_create_missing_groups: false,
      legacy_group_name_mapping: {},
    },
  ],
  'idp-sync/store/settings.ts storeRoleSync': [{ organization_id: id, field: '', mapping: {} }],
  'idp-sync/store/state.ts holdSiteRoles': [id],
  'idp-sync/store/state.ts getSiteRoles': [id],
  'idp-sync/store/state.ts listMemberships': [id],
  'idp-sync/store/state.ts listKnownOrganizations': [[id]],
  'idp-sync/store/state.ts listKnownGroups': [id, { ids: [id], names: [] }],
  'idp-sync/store/state.ts listGroupsOfUser': [id, id],
  'idp-sync/store/state.ts findStoredClaims': [id],
  'idp-sync/store/state.ts listClaimFields': [undefined],
  'idp-sync/store/state.ts listClaimValues': [undefined, 'groups', 100],
  'organizations/store/members.ts listMembers': [id, {}],
  'organizations/store/members.ts listMembersPage': [id, {}, {}],
  'organizations/store/members.ts getMember': [id, id],
  'organizations/store/members.ts addMember': [id, id],
  'organizations/store/members.ts removeMember': [id, id],
  'organizations/store/members.ts setMemberRoles': [id, id, []],
  'organizations/store/members.ts listUsersForWorkspaces': [id, {}, {}],
  'organizations/store/organizations.ts insertOrganization': [
    { name: 'y', display_name: '', description: '', icon: '' },
  ],
  'organizations/store/organizations.ts updateOrganization': [id, { name: 'y' }],
  'organizations/store/organizations.ts deleteOrganization': [id],
  'organizations/store/sharing.ts reconcileSystemRoles': [id],
  'organizations/store/sharing.ts setSharingMode': [id, 'none'],
  'custom-roles/store/site-roles.ts requireSiteRoleMaker': [],
  'custom-roles/store/site-roles.ts getSiteRole': ['site-x'],
  'custom-roles/store/site-roles.ts insertSiteRole': [
    { name: 'site-y', displayName: 'y', sitePermissions: [], userPermissions: [] },
  ],
  'custom-roles/store/site-roles.ts updateSiteRole': [
    { name: 'site-x', displayName: 'x', sitePermissions: [], userPermissions: [] },
  ],
  'custom-roles/store/site-roles.ts deleteSiteRole': ['site-x'],
  'custom-roles/store/organization-roles.ts getCustomRole': [id, 'x'],
  'custom-roles/store/organization-roles.ts insertCustomRole': [
    id,
    { name: 'y', displayName: '', assignableBy: [], organizationPermissions: [], memberPermissions: [] },
  ],
  'custom-roles/store/organization-roles.ts updateCustomRole': [
    id,
    { name: 'x', displayName: '', assignableBy: [], organizationPermissions: [], memberPermissions: [] },
  ],
  'custom-roles/store/organization-roles.ts deleteCustomRole': [id, 'x'],
  'provisioning/store/daemons.ts registerDaemon': [
    { id, organizationId: id, name: 'x', provisioners: [], tags: {}, version: '' },
  ],
  'provisioning/store/daemons.ts touchDaemons': [[id]],
  'provisioning/store/daemons.ts removeDaemons': [[id]],
  'provisioning/store/daemons.ts listDaemons': [id, { offline: true, limit: 1 }],
  'provisioning/store/daemons.ts listSeenDaemons': [],
  'provisioning/store/daemons.ts countMatching': [
    { organizationId: id, provisioner: 'typescript', tags: {} },
  ],
  'provisioning/store/jobs.ts insertJob': [{ organizationId: id, tags: {}, input: {} }],
  'provisioning/store/jobs.ts getJob': [id],
  'provisioning/store/jobs.ts claimJob': [{ id, organizationId: id, provisioners: [], tags: {} }],
  'provisioning/store/jobs.ts renewJob': [job],
  'provisioning/store/jobs.ts completeJob': [job],
  'provisioning/store/jobs.ts cancelJob': [id],
  'provisioning/store/jobs.ts listLostJobs': [],
  'provisioning/store/jobs.ts lockLostJob': [id],
  'provisioning/store/jobs.ts requeueJob': [id],
  'provisioning/store/jobs.ts queuePlaces': [[id]],
  'provisioning/store/jobs.ts listJobs': [id, { limit: 1 }],
  'provisioning/store/logs.ts appendJobLogs': [id, [], { size: 0, overflowed: false }],
  'provisioning/store/logs.ts listJobLogs': [id, { after: 0 }],
  'provisioning/store/logs.ts insertTimings': [[]],
  'provisioning/store/logs.ts listTimings': [id],
  'purge/store.ts agentStats.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts agentStats.countOld': [new Date(8e12)],
  'purge/store.ts appStats.deleteOld': [{ before: new Date(8e12), limit: 10 }],
  'purge/store.ts appStats.countOld': [new Date(8e12)],
  'usage/store/minutes.ts storeUsage': [{ agents: [], apps: [] }],
  'usage/store/rollup.ts rollUpUsage': [new Date()],
  'usage/store/rollup.ts tryRollupLock': [],
  'purge/store.ts agentLogs.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts agentLogs.countOld': [new Date()],
  'purge/store.ts daemons.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts daemons.countOld': [new Date()],
  'purge/store.ts expiredKeys.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts expiredKeys.countOld': [new Date()],
  'purge/store.ts legacyConnectionEvents.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts legacyConnectionEvents.countOld': [new Date()],
  'purge/store.ts auditEntries.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts auditEntries.countOld': [new Date()],
  'purge/store.ts auditLinks.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts auditLinks.countOld': [new Date()],
  'purge/store.ts connections.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts connections.countOld': [new Date()],
  'purge/store.ts endedVisits.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts endedVisits.countOld': [new Date()],
  'repeatable-requests/store.ts keptAnswer': [chatRequest],
  'repeatable-requests/store.ts claimKey': [chatRequest],
  'repeatable-requests/store.ts keepAnswer': [chatRequest, { request_hash: hash, response: {} }],
  'repeatable-requests/store.ts oldAnswers.deleteOld': [{ before: new Date(), limit: 1 }],
  'repeatable-requests/store.ts oldAnswers.countOld': [new Date()],
  'resources/store/resources.ts insertResources': [id, 'start', [], false],
  'resources/store/resources.ts deleteAgentsOfOtherBuilds': [id, undefined],
  'resources/store/resources.ts listResources': [[id]],
  'purge/store.ts forgottenFailures.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts forgottenFailures.countOld': [new Date()],
  'mcp-server/store.ts insertSession': [{ userId: id, protocolVersion: '2025-11-25', client: '{}' }],
  'mcp-server/store.ts findSession': [id],
  'mcp-server/store.ts touchSession': [id],
  'mcp-server/store.ts updateSession': [id, { logLevel: 'info' }],
  'mcp-server/store.ts deleteSession': [id],
  'mcp-server/store.ts insertMessage': [{ sessionId: id, streamId: id, text: '{}', isLast: false }],
  'mcp-server/store.ts findStream': [id, 1],
  'mcp-server/store.ts listMessages': [{ sessionId: id, streamId: id, after: 0 }],
  'mcp-server/store.ts findMessage': [1],
  'oauth2-provider/store/codes.ts replaceCode': [oauthCode],
  'oauth2-provider/store/codes.ts findCode': ['CCCCCCCCCC'],
  'oauth2-provider/store/codes.ts deleteCode': [id],
  'oauth2-provider/store/tokens.ts redeemCode': [{ id, userId: id }, oauthTokens],
  'oauth2-provider/store/tokens.ts insertGrant': [
    { appId: id, userId: id, scopes: ['coder:all'], resource: undefined },
    oauthTokens,
  ],
  'oauth2-provider/store/tokens.ts rotateTokens': [
    { id, userId: id },
    { ...oauthTokens, grantId: id },
  ],
  'oauth2-provider/store/tokens.ts findRefreshToken': ['TTTTTTTTTT'],
  'oauth2-provider/store/tokens.ts findRotatedToken': ['RRRRRRRRRR'],
  'oauth2-provider/store/tokens.ts findAccessTokens': [['KKKKKKKKKK']],
  'oauth2-provider/store/grants.ts listGrants': [id, new Date()],
  'oauth2-provider/store/grants.ts deleteGrantOfUser': [id, id],
  'oauth2-provider/store/grants.ts deleteGrantsOfApp': [id, id],
  'oauth2-provider/store/grants.ts endGrant': [id],
  'oauth2-provider/store/consents.ts hasConsented': [consent],
  'oauth2-provider/store/consents.ts rememberConsent': [{ ...consent, resource: 'https://r' }, new Date()],
  'oauth2-provider/store/pushed-requests.ts insertPushedRequest': [
    { hashedSecret: randomBytes(32), appId: id, parameters: 'x', now: new Date(), expiresAt: new Date() },
  ],
  'oauth2-provider/store/pushed-requests.ts openPushedRequest': [
    { hashedSecret: hash, appId: id, now: new Date(0), decisionMs: 1000 },
  ],
  'oauth2-provider/store/pushed-requests.ts takePushedRequest': [
    { hashedSecret: hash, appId: id, now: new Date(0) },
  ],
  'oauth2-provider/store/expired.ts tryExpiryLock': [],
  'oauth2-provider/store/expired.ts deleteExpired': ['codes', { now: new Date(8e12), limit: 1 }],
  'oauth2-clients/store/clients.ts findClientById': [id],
  'oauth2-clients/store/clients.ts markClientAuthorized': [id, new Date()],
  'oauth2-clients/store/clients.ts findClientByDocument': ['https://app.example/client.json'],
  'oauth2-clients/store/secrets.ts findSecretByPrefix': ['0123456789'],
  'oauth2-clients/store/secrets.ts touchSecret': [id, new Date()],
  'oauth2-clients/store/settings.ts readOAuthSettings': [],
  'oauth2-clients/store/settings.ts holdOAuthSettings': [],
  'oauth2-clients/store/settings.ts storeOAuthSettings': [oauthSettings],
  'oauth2-clients/store/documents.ts saveDocumentClient': ['https://e.com/c.json', oauthClient, new Date()],
  'oauth2-clients/store/documents.ts dropUnusedDocuments': [{ keep: 0, but: randomUUID() }],
  'oauth2-clients/store/registrations.ts holdRegistrations': [1],
  'oauth2-clients/store/registrations.ts insertClient': [oauthClient],
  'oauth2-clients/store/registrations.ts insertSecret': [
    { app_id: id, secret_prefix: 'abcdefghij', hashed_secret: hash, display_secret: 'x' },
  ],
  'oauth2-clients/store/registrations.ts holdClient': [id],
  'oauth2-clients/store/registrations.ts updateClient': [id, { name: 'y' }],
  'oauth2-clients/store/registrations.ts deleteUnusedClients': [{ before: new Date(), limit: 10 }],
  'oauth2-clients/store/apps.ts listApps': [],
  'oauth2-clients/store/apps.ts listAppsOfUser': [id, new Date()],
  'oauth2-clients/store/apps.ts getApp': [id],
  'oauth2-clients/store/apps.ts holdApp': [id],
  'oauth2-clients/store/apps.ts deleteApp': [id],
  'oauth2-clients/store/apps.ts deleteClient': [id],
  'oauth2-clients/store/apps.ts listSecrets': [id],
  'oauth2-clients/store/apps.ts holdAppForSecret': [id],
  'oauth2-clients/store/apps.ts deleteSecret': [id, id],
  'purge/store.ts mcpSessions.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts mcpSessions.countOld': [new Date()],
  'purge/store.ts mcpSessionMessages.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts mcpSessionMessages.countOld': [new Date()],
  'purge/store.ts providerTests.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts providerTests.countOld': [new Date()],
  'purge/store.ts spentChallenges.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts spentChallenges.countOld': [new Date()],
  'purge/store.ts spentLogoutTokens.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts spentLogoutTokens.countOld': [new Date()],
  'purge/store.ts endPrebuildKeys': [new Date()],
  'purge/store.ts endedFollowUps.deleteOld': [{ before: new Date(), limit: 10 }],
  'purge/store.ts endedFollowUps.countOld': [new Date()],
  'workspaces/store/follow-ups.ts insertFollowUp': [
    ownership,
    { parentBuildId: id, versionId: undefined, presetId: undefined, parameters: [] },
  ],
  'workspaces/store/follow-ups.ts takeFollowUp': [new Date(8e12)],
  'workspaces/store/follow-ups.ts endFollowUp': [id, { status: 'failed' }],
  'workspaces/store/follow-ups.ts postponeFollowUp': [id, { at: new Date(8e12), error: 'x' }],
  'purge/store.ts tryPurgeLock': ['audit_logs'],
  'rate-limits/store.ts takeFromBucket': [
    { bucket: hash.subarray(0, 16), windowStart: 0, windowMs: 60_000, elapsed: 0, limit: 1 },
  ],
  'rate-limits/store.ts deleteOldBuckets': [0, 1],
  'rate-limits/store.ts countBuckets': [1],
  'replicas/store.ts registerReplica': [
    { id, hostname: 'x', relay_address: 'x', region_id: 0, version: 'x', error: '', database_latency: 1 },
  ],
  'replicas/store.ts listReplicas': [],
  'replicas/store.ts removeReplicas': [id],
  'replicas/store.ts relayAddressOf': [id],
  'replicas/store.ts isOnlyMachine': ['x'],
  'replicas/store.ts findRelayAddress': [id, randomUUID()],
  'replicas/store.ts listRelayAddresses': [randomUUID()],
  'scim/store/scim-users.ts listScimUsers': [sql`true`, { limit: 1, offset: 0 }],
  'scim/store/scim-users.ts getScimUser': [id],
  'scim/store/scim-users.ts findMeant': [{ userName: 'x', email: 'x' }],
  'scim/store/scim-users.ts saveScimNames': [id, { userName: 'x' }],
  'scim/store/scim-users.ts updateScimProfile': [
    { id, name: 'x', email: 'x', rbac_roles: [] },
    { name: 'y', email: 'y' },
  ],
  'second-factor/store/factors.ts getFactors': [id],
  'second-factor/store/factors.ts lockFactors': [id],
  'second-factor/store/factors.ts insertTotp': [{ userId: id, sealedSecret: hash, step: 1, now: new Date() }],
  'second-factor/store/factors.ts takeTotpStep': [id, 1],
  'second-factor/store/factors.ts deleteTotp': [id],
  'second-factor/store/factors.ts insertPasskey': [
    {
      userId: id,
      name: 'x',
      credentialId: hash,
      publicKey: hash,
      signCount: 0,
      transports: [],
      backedUp: false,
      now: new Date(),
    },
  ],
  'second-factor/store/factors.ts findPasskey': [hash],
  'second-factor/store/factors.ts takePasskeyUse': [
    { id, user_id: id },
    { signCount: 1, backedUp: false, now: new Date() },
  ],
  'second-factor/store/factors.ts renamePasskey': [id, id, 'x'],
  'second-factor/store/factors.ts deletePasskey': [id, id],
  'second-factor/store/factors.ts replaceRecoveryCodes': [id, []],
  'second-factor/store/factors.ts takeRecoveryCode': [id, hash],
  'second-factor/store/factors.ts wipeFactors': [id],
  'second-factor/store/factors.ts deleteAllFactors': [{ id, rbac_roles: [] }],
  'second-factor/store/proofs.ts getProofState': [{ keyId: 'AAAAAAAAAA', userId: id }],
  'second-factor/store/proofs.ts setProof': ['AAAAAAAAAA', { bySecondFactor: true, now: new Date() }],
  'second-factor/store/proofs.ts copyProof': ['AAAAAAAAAA', 'BBBBBBBBBB'],
  'second-factor/store/proofs.ts spendChallenge': [hash, new Date()],
  'secrets/store.ts ensureSecret': ['x', hash],
  'encryption/store.ts holdKnownKeys': [],
  'encryption/store.ts insertKnownKey': ['0123456789abcd'],
  'encryption/store.ts revokeOtherKeys': [undefined],
  'encryption/store.ts resealColumn': [SEALED_COLUMNS[0], { sealer, limit: 1 }],
  'encryption/store.ts destroyColumn': [SEALED_COLUMNS[0], sealer.keyId],
  'encryption/store.ts resealDeploymentSecrets': [sealer, undefined],
  'encryption/store.ts deleteSealedDeploymentSecrets': [],
  'sign-in/store/accounts.ts isUsernameTaken': ['x'],
  'sign-in/store/accounts.ts mirrorProfile': [id, { name: 'n', avatarUrl: '', email: 'b@example.com' }],
  'sign-in/store/accounts.ts convertAccount': [id, 'oidc'],
  'sign-in/store/accounts.ts findClaims': [id],
  'sign-in/store/links.ts findUserByLink': ['oidc', 'linked'],
  'sign-in/store/links.ts findLink': [id, 'oidc'],
  'sign-in/store/links.ts lockLinkedId': ['x'],
  'sign-in/store/links.ts saveLink': [
    { userId: id, type: 'github', linkedId: 'y', provider: '', accessToken: hash, claims: {} },
  ],
  'sign-in/store/links.ts resetForeignLinks': [['x']],
  'sign-in/store/links.ts acquireRefreshLease': [
    { userId: id, type: 'oidc' },
    { id, seconds: 30, now: new Date() },
  ],
  'sign-in/store/links.ts saveRenewed': [{ userId: id, type: 'oidc' }, id, { accessToken: hash }],
  'sign-in/store/links.ts releaseRefreshLease': [{ userId: id, type: 'oidc' }, id],
  'sign-in/store/links.ts saveClaims': [{ userId: id, type: 'oidc' }, {}],
  'sign-in/store/links.ts endLink': [{ userId: id, type: 'oidc' }, new Date()],
  'sign-in/store/oidc-sessions.ts insertOidcSession': [
    'AAAAAAAAAA',
    { issuer: 'https://idp.example', subject: 'x', sid: undefined, provider: '', idToken: undefined },
  ],
  'sign-in/store/oidc-sessions.ts findOidcSessionEnd': ['SSSSSSSSSS'],
  'sign-in/store/oidc-sessions.ts findOidcSessionKeys': [
    { issuer: 'https://idp.example', sid: 'x', subject: undefined },
  ],
  'sign-in/store/oidc-sessions.ts findUntiedSessions': [id],
  'sign-in/store/oidc-sessions.ts spendLogoutToken': [Buffer.alloc(32), new Date()],
  'sign-in/store/oidc-sessions.ts deleteOidcSessions': [id, []],
  'sign-in/store/provider-tests.ts insertProviderTest': [
    { provider: 'x', createdBy: id, now: new Date(), expiresAt: new Date() },
  ],
  'sign-in/store/provider-tests.ts getProviderTest': [{ id, provider: 'x', createdBy: id, now: new Date(0) }],
  'sign-in/store/provider-tests.ts finishProviderTest': [id, {}],
  'sign-in/store/providers.ts listProviders': [],
  'sign-in/store/providers.ts getProvider': ['x'],
  'sign-in/store/providers.ts insertProvider': [
    { id: randomUUID(), name: 'y', kind: 'oidc', displayName: '', icon: '', enabled: true, settings: {} },
  ],
  'sign-in/store/providers.ts holdProvider': ['x'],
  'sign-in/store/providers.ts updateProvider': [
    id,
    { displayName: '', icon: '', enabled: true, settings: {} },
  ],
  'sign-in/store/providers.ts deleteProvider': ['x'],
  'templates/store/build-times.ts listBuildTimes': [[id]],
  'templates/store/templates.ts insertTemplate': [{ organizationId: id, name: 'x' }],
  'templates/store/templates.ts templateNameTaken': [id, 'x'],
  'templates/store/templates.ts getTemplate': [id],
  'templates/store/templates.ts holdTemplate': [id],
  'templates/store/templates.ts getTemplateByName': [id, 'x'],
  'templates/store/templates.ts listTemplates': [{}],
  'templates/store/templates.ts updateTemplate': [template, {}],
  'templates/store/templates.ts closeToEveryone': [template],
  'templates/store/templates.ts deleteTemplate': [template],
  'templates/store/templates.ts templateHasWorkspaces': [template],
  'templates/store/templates.ts isBuiltInTemplateMade': ['x'],
  'templates/store/templates.ts markBuiltInTemplate': ['x'],
  'templates/store/templates.ts findFirstOwner': [],
  'templates/store/version-parts.ts listParameters': [id],
  'templates/store/version-parts.ts listVariables': [id],
  'templates/store/version-parts.ts listPresets': [id],
  'templates/store/version-parts.ts storeReadmeAndVariables': [id, { readme: '', variables: [] }],
  'templates/store/version-parts.ts storeImport': [id, { parameters: [], presets: [] }],
  'templates/store/versions.ts insertVersion': [{ templateId: null }, { type: 'template', organization: id }],
  'templates/store/versions.ts getVersion': [id],
  'templates/store/versions.ts getVersionByName': [id, 'x'],
  'templates/store/versions.ts findPreviousVersion': [version],
  'templates/store/versions.ts isVersionInUse': [version],
  'templates/store/versions.ts listVersions': [template, { includeArchived: true }],
  'templates/store/versions.ts updateVersion': [version, { name: 'x' }],
  'templates/store/versions.ts archiveVersions': [template, true],
  'templates/store/versions.ts attachVersion': [version, id],
  'templates/store/versions.ts findVersionOfJob': [id],
  'user-skills/store.ts listSkills': [id],
  'user-skills/store.ts getSkill': [id, 'x'],
  'user-skills/store.ts insertSkill': [id, { name: 'y', description: 'y', content: 'y' }],
  'user-skills/store.ts updateSkill': [id, { name: 'x', description: 'y', content: 'y' }],
  'user-skills/store.ts deleteSkill': [id, 'x'],
  'notifications/store/expiring-tokens.ts findExpiringTokens': [
    { now: new Date(Date.now() + 3_600_000), withinMs: 86_000_000, limit: 10 },
  ],
  'notifications/store/expiring-tokens.ts markExpiryTold': [['AAAAAAAAAA']],
  'notifications/store/failed-builds.ts takeFailedBuilds': [
    { now: new Date(), periodMs: 604_800_000, limit: 10 },
  ],
  'notifications/store/inbox.ts insertInboxNotification': [
    {
      id: randomUUID(),
      userId: id,
      templateId: id,
      targets: [],
      title: 'x',
      content: 'x',
      actions: [],
      createdAt: new Date(),
    },
  ],
  'notifications/store/inbox.ts listInbox': [id, { targets: [], templates: [], readStatus: 'all' }],
  'notifications/store/inbox.ts countUnread': [id],
  'notifications/store/inbox.ts getInboxNotification': [id],
  'notifications/store/inbox.ts setInboxReadAt': [id, null],
  'notifications/store/inbox.ts markAllRead': [id, new Date()],
  'notifications/store/messages.ts findRecipients': [id, { userIds: [id] }],
  'notifications/store/messages.ts insertMessages': [
    [{ templateId: randomUUID(), userId: id, method: 'inbox', payload: {}, targets: [], dedupeHash: hash }],
    { enabledByDefault: true, now: new Date() },
  ],
  'notifications/store/messages.ts leaseMessages': [
    { holder: 'x', now: new Date(), until: new Date(0), limit: 10, maxAttempts: 5 },
  ],
  'notifications/store/messages.ts storeOutcomes': [
    [{ id, attempt: 1, status: 'sent', reason: '', nextRetryAfter: undefined, at: new Date() }],
  ],
  'notifications/store/preferences.ts listPreferences': [id],
  'notifications/store/preferences.ts storePreferences': [id, [{ templateId: id, disabled: false }]],
  'appearance/store.ts getAppearance': [],
  'appearance/store.ts holdAppearance': [],
  'appearance/store.ts storeAppearance': [{ application_name: '', logo_url: '', announcement_banners: [] }],
  'health/store.ts listDismissed': [],
  'health/store.ts storeDismissed': [[]],
  'notifications/store/settings.ts getPaused': [],
  'notifications/store/settings.ts storePaused': [true],
  'notifications/store/templates.ts listTemplateMethods': [],
  'notifications/store/templates.ts holdTemplateMethod': [id],
  'notifications/store/templates.ts storeTemplateMethod': [id, 'smtp'],
  'purge/store.ts notificationMessages.deleteOld': [{ before: new Date(8e12), limit: 1 }],
  'purge/store.ts notificationMessages.countOld': [new Date(8e12)],
  'templates/store/templates.ts listWorkspaceOwners': [template],
  'updates/store.ts readRelease': [],
  'updates/store.ts storeRelease': [{ release: { version: 'x', url: 'x' }, askedAt: new Date() }],
  'user-secrets/store.ts listSecrets': [id],
  'user-secrets/store.ts getSecret': [id, 'x'],
  'user-secrets/store.ts holdSecrets': [id, { action: 'create' }],
  'user-secrets/store.ts insertSecrets': [id, [{ ...secret, id: randomUUID(), name: 'y', envName: 'y' }]],
  'user-secrets/store.ts updateSecret': [id, secret],
  'user-secrets/store.ts deleteSecret': [id, 'x'],
  'user-secrets/store.ts listEnabledSecrets': [id],
  'user-settings/store.ts getSettings': [id, ['x']],
  'user-settings/store.ts storeSettings': [id, new Map([['x', 'x']])],
  'user-settings/store.ts getQuietHours': [id],
  'user-settings/store.ts updateQuietHours': [id, 'x'],
  'workspaces/store/build-counts.ts countLatestBuilds': [],
  'workspaces/store/builds.ts getBuild': [id],
  'workspaces/store/builds.ts listEndedBuilds': [[id]],
  'workspaces/store/builds.ts findBuildByNumber': [id, 1],
  'workspaces/store/builds.ts listBuilds': [ownership, {}],
  'workspaces/store/builds.ts insertBuild': [ownership, { transition: 'start', parameters: [] }],
  'workspaces/store/builds.ts listBuildParameters': [id],
  'workspaces/store/builds.ts listParametersOfBuilds': [[id]],
  'workspaces/store/builds.ts getBuildState': [id],
  'workspaces/store/builds.ts setBuildState': [id, null],
  'workspaces/store/builds.ts finishBuild': [id, {}],
  'workspaces/store/builds.ts setDeadline': [ownership, id, null],
  'workspaces/store/agent-metadata.ts listMetadataOfAgents': [[id], ['x']],
  'workspaces/store/audited-builds.ts findAuditedBuild': [id],
  'workspaces/store/audited-builds.ts findWorkspaceOwner': [id],
  'workspaces/store/build-inputs.ts getBuildInputs': [id],
  'web-push/store.ts findPublicKey': [],
  'web-push/store.ts insertKeyPair': [{ publicKey: 'x'.repeat(87), sealedPrivateKey: hash }],
  'web-push/store.ts deleteKeyPair': [],
  'web-push/store.ts storeSubscription': [
    id,
    { endpoint: 'https://push.example/2', p256dhKey: 'x'.repeat(87), sealedAuthKey: hash },
    20,
  ],
  'web-push/store.ts deleteSubscription': [id, 'https://push.example/1'],
  'web-push/store.ts listTargets': [id],
  'web-push/store.ts deleteEnded': [id, [id]],
  'workspaces/store/used-parameters.ts listUsedParameters': [id, id],
  'workspaces/store/quota.ts getQuota': [{ userId: id, organizationId: id }],
  'workspaces/store/quota.ts commitQuota': [
    { userId: id, organizationId: id },
    { id, workspaceId: id, previousBuildId: null, transition: 'start', dailyCost: 0 },
  ],
  'workspaces/store/script-timings.ts listScriptTimings': [id],
  'workspaces/store/shared-with.ts listSharedNames': [[id], [id]],
  'workspaces/store/stuck-builds.ts isBuildStuck': [id],
  'workspaces/store/away-workspaces.ts listAwayWorkspaces': [],
  'workspaces/store/workspaces.ts getWorkspace': [id],
  'workspaces/store/workspaces.ts getWorkspaceByName': [id, 'x', true],
  'workspaces/store/workspaces.ts listWorkspaces': [[], {}],
  'workspaces/store/workspace-changes.ts insertWorkspace': [{ organizationId: id, ownerId: randomUUID() }],
  'workspaces/store/workspace-changes.ts workspaceNameTaken': [
    { organizationId: id, ownerId: randomUUID() },
    'x',
  ],
  'workspaces/store/workspace-changes.ts updateWorkspace': [workspace, {}],
  'workspaces/store/workspace-changes.ts markWorkspaceDeleted': [id],
  'workspaces/store/workspaces.ts listTimedWorkspaces': [new Date()],
  'workspaces/store/autostop-reminders.ts takeStoppingWorkspaces': [new Date()],
  'workspaces/store/workspace-changes.ts tryLockWorkspace': [id],
  'workspaces/store/workspace-changes.ts bumpDeadline': [workspace, new Date()],
  'workspaces/store/workspace-changes.ts touchWorkspace': [workspace],
}

/** Exports of stores that touch no database. */
const NOT_GUARDED: Readonly<Record<string, string>> = {
  'ai-gateway/store/session-list.ts hasParts': 'tells of a search',
  'ai-gateway/store/sessions.ts allOf': 'makes a condition of a query',
  'ai-gateway/store/sessions.ts initiatedBy': 'makes a condition of a query',
  'ai-gateway/store/sessions.ts matches': 'makes a condition of a query',
  'ai-gateway/store/sessions.ts partMatches': 'makes a condition of a query',
  'ai-gateway/store/sessions.ts described': 'makes a part of a query',
  'ai-gateway/store/sessions.ts lastActive': 'makes a part of a query',
  'ai-gateway/store/sessions.ts readable': 'makes a condition of a query',
  'ai-gateway/store/usage.ts ofSession': 'makes a condition of a query',
  'insights/store/scope.ts requireInsights': 'refuses, and reads nothing',
  'insights/store/usage.ts usageOf': 'makes a part of a query',
  'agents/store/agents.ts agentObject': 'names the object of a decision',
  'chat-generation/store/tool-calls.ts readResult': 'reads a column',
  'oauth2-provider/store/codes.ts codeTokenObject': 'names the object of a decision',
  'oauth2-provider/store/codes.ts holderOf': 'makes a part of a query',
  'chats/store/locked.ts ownedChat': 'names the object of a decision',
  'chats/store/readable.ts readableObject': 'names the object of a decision',
  'chats/store/views.ts chatObject': 'names the object of a decision',
  'chats/store/views.ts effectiveLists': 'reads a row',
  'external-auth/store.ts declaredProviders': 'reads a column',
  'groups/store/groups.ts groupObject': 'names the object of a decision',
  'groups/store/groups.ts isEveryone': 'compares ids',
  'health/store.ts ping': 'reads no row',
  'identity/store/standing.ts actorOf': 'makes an actor of a row',
  'identity/store/user-search.ts userMatches': 'makes a condition of a query',
  'identity/store/users.ts userObject': 'names the object of a decision',
  'mcp-servers/store/configs.ts configObject': 'names the object of a decision',
  'resources/store/resources.ts hashAgentToken': 'hashes',
  'templates/store/templates.ts templateObject': 'names the object of a decision',
  'templates/store/versions.ts versionObject': 'names the object of a decision',
  'templates/store/versions.ts jobFromJson': 'reads a row',
  'workspaces/store/workspace-object.ts mayTransition': 'says what a role may do',
  'workspaces/store/workspace-object.ts transitionAction': 'names an action',
  'workspaces/store/workspace-object.ts workspaceObject': 'names the object of a decision',
  'tasks/store/tasks.ts newTaskObject': 'names the object of a decision',
  'tasks/store/tasks.ts taskObject': 'names the object of a decision',
  'workspaces/store/workspaces.ts mayReadTemplate': 'decides',
  'workspaces/store/workspace-changes.ts newWorkspaceObject': 'names the object of a decision',
}

/** They need a transaction, which their refusal undoes. */
const WRITE_FIRST: Readonly<Record<string, string>> = {
  'chats/store/locked.ts lockChat': 'its lock is the next version of the chat, in one statement with its row',
}

const source = fileURLToPath(new URL('../', import.meta.url))
const found = new Map<string, (...args: unknown[]) => unknown>()
for await (const file of glob(['**/store.ts', '**/store/*.ts'], { cwd: source })) {
  const module: Record<string, unknown> = await import(`${source}${file}`)
  const exported = Object.entries(module).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([member, inner]): [string, unknown] => [`${name}.${member}`, inner])
      : [[name, value] as const],
  )
  for (const [name, value] of exported)
    if (typeof value === 'function') found.set(`${file} ${name}`, value as (...args: unknown[]) => unknown)
}

let test: TestDatabase
let database: Database
beforeAll(async () => {
  test = await createTestDatabase()
  database = await openDatabase(test.url)
  await seed(database)
})
afterAll(async () => {
  recorder[Symbol.dispose]()
  await database[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})

/** One row of everything that the calls speak of, all under the same id. */
async function seed({ db }: Database): Promise<void> {
  const user = await fixtures.user(db, { id, username: 'x', email: 'a@example.com', rbac_roles: ['owner'] })
  const organization = await fixtures.organization(db, { id, name: 'x', is_default: true })
  await fixtures.organizationMember(db, { organization, user })
  await fixtures.group(db, { id, organization, name: 'x' })
  await fixtures.groupMember(db, { group_id: id, user })
  await fixtures.identityProvider(db, { id, name: 'x' })
  const modelProvider = await fixtures.aiProvider(db, { id, name: 'x' })
  await fixtures.aiProviderRouting(db, { provider: modelProvider })
  await fixtures.aiProvider(db, { name: 'gone', deleted: true })
  await fixtures.aiProviderKey(db, { id, provider: modelProvider })
  await fixtures.aiProviderCheck(db, { provider: modelProvider })
  await fixtures.aiProviderTrouble(db, { provider: modelProvider })
  await fixtures.userAiProviderKey(db, { provider: modelProvider, user })
  const interception = await fixtures.aibridgeInterception(db, {
    id,
    user,
    client: 'Coder Agents',
    client_session_id: id,
  })
  await fixtures.aibridgeInterception(db, { user, ended_at: null })
  await fixtures.aibridgeTokenUsage(db, { interception, effective_group_id: id })
  await fixtures.aibridgeUserPrompt(db, { interception })
  await fixtures.aibridgeToolUsage(db, { interception })
  await fixtures.aibridgeModelThought(db, { interception })
  await fixtures.aiModelPrice(db, { model: 'x' })
  await fixtures.aiModelPriceChange(db, { model: 'x' })
  await fixtures.groupAiBudget(db, { group_id: id })
  await fixtures.groupAiModelPolicies(db, { group_id: id })
  await fixtures.groupAiLimits(db, { group_id: id })
  await fixtures.organizationAiBudget(db, { organization_id: id })
  await fixtures.organizationAiPrivacy(db, { organization_id: id })
  await fixtures.aiGatewaySettings(db)
  await fixtures.userAiBudgetOverride(db, { user, group_id: id })
  await fixtures.identityProviderTest(db, { id, provider: 'x', user })
  await fixtures.userLink(db, {
    user,
    linked_id: 'linked',
    claims: JSON.stringify({ merged_claims: { groups: ['x'] } }),
  })
  await fixtures.idpSyncOrganizationSettings(db, { field: 'organizations' })
  await fixtures.idpSyncGroupSettings(db, { organization })
  await fixtures.idpSyncRoleSettings(db, { organization, field: 'roles' })
  await fixtures.customRole(db, { id, organization, name: 'x' })
  await fixtures.customRole(db, { organization_id: null, name: 'site-x' })
  const file = await fixtures.file(db, { id, creator: user })
  await fixtures.apiKey(db, {
    id: 'AAAAAAAAAA',
    user,
    token_name: 'x',
    login_type: 'token',
    updated_at: new Date(0),
  })
  await fixtures.apiKey(db, { id: 'SSSSSSSSSS', user, login_type: 'password', scopes: ['coder:all'] })
  await fixtures.apiKeyAiLimits(db, { api_key_id: 'SSSSSSSSSS' })
  await fixtures.apiKey(db, { user, login_type: 'oidc' })
  await fixtures.inboxNotification(db, { id, user })
  await fixtures.webpushSubscription(db, { id, user, endpoint: 'https://push.example/1' })
  await fixtures.notificationPreference(db, { user })
  await fixtures.notificationTemplateMethod(db, { template_id: id })
  await fixtures.notificationMessage(db, { user, status: 'leased', leased_until: new Date(0) })
  await fixtures.notificationMessage(db, { id, user, status: 'leased', leased_until: new Date(8e12) })
  await fixtures.signInFailure(db, { account: hash })
  await fixtures.signInFailure(db, { last_failure_at: new Date(0) })
  await fixtures.spentChallenge(db, { expires_at: new Date(0) })
  await fixtures.spentLogoutToken(db, { expires_at: new Date(0) })
  await fixtures.oidcSession(db, { issuer: 'https://idp.example', sid: 'x' })
  await fixtures.oidcSession(db, { key_id: 'SSSSSSSSSS', provider: '' })
  await fixtures.oauth2ProviderDpopProof(db, { expires_at: new Date(0) })
  await fixtures.oauth2ProviderDeviceCode(db, { id, hashed_user_code: hash, secret_prefix: 'AAAAAAAAAA' })
  await fixtures.userTotp(db, { user })
  const session = await fixtures.mcpSession(db, { id, user, last_used_at: new Date(0) })
  await fixtures.mcpSessionMessage(db, { session, stream_id: id, created_at: new Date(0) })
  await fixtures.passkey(db, { id, user, credential_id: hash })
  const app = await fixtures.oauth2ProviderApp(db, { id, metadata_url: 'https://app.example/client.json' })
  await fixtures.oauth2ProviderAppSecret(db, { id, app, secret_prefix: '0123456789' })
  const appKey = await fixtures.apiKey(db, { id: 'KKKKKKKKKK', user, login_type: 'oauth2_provider_app' })
  const grant = await fixtures.oauth2ProviderGrant(db, { id, app, user })
  await fixtures.oauth2ProviderAppToken(db, {
    id,
    app,
    user,
    key: appKey,
    grant_id: grant.id,
    hash_prefix: 'TTTTTTTTTT',
  })
  await fixtures.oauth2ProviderRotatedToken(db, { app, grant_id: grant.id, hash_prefix: 'RRRRRRRRRR' })
  await fixtures.oauth2ProviderAppCode(db, { id, app, user, secret_prefix: 'CCCCCCCCCC' })
  await fixtures.oauth2ProviderConsent(db, { app, user })
  await fixtures.oauth2ProviderPushedRequest(db, {
    app,
    hashed_secret: hash,
    parameters: JSON.stringify('x'),
  })
  await fixtures.gitSshKey(db, { user })
  await fixtures.userConfig(db, { user, key: 'x' })
  await fixtures.userSkill(db, { id, user, name: 'x' })
  await fixtures.userSecret(db, { id, user, name: 'x' })
  await fixtures.externalAuthLink(db, { user, provider_id: 'x' })
  const mcp = await fixtures.mcpServerConfig(db, { id, organization, slug: 'x', enabled: true })
  await fixtures.mcpServerUserToken(db, { config: mcp, user })
  await fixtures.mcpServerHealth(db, { config: mcp })
  await fixtures.siteConfig(db, { key: 'x' })
  await fixtures.siteConfig(db, { key: 'health_settings', value: '{"dismissed_healthchecks":["DERP"]}' })
  const model = await fixtures.chatModelConfig(db, { id, is_default: true })
  const chat = await fixtures.chat(db, { id, owner: user, organization, config: model })
  const chatFile = await fixtures.chatFile(db, { id, owner: user, organization })
  await fixtures.chatFileLink(db, { chat, file: chatFile })
  await fixtures.chatMessage(db, { chat, content: JSON.stringify([{ type: 'text', text: 'x' }]) })
  await fixtures.chatQueuedMessage(db, { chat })
  await fixtures.chatIdempotencyKey(db, { created_at: new Date(0) })
  await fixtures.chat(db, { owner: user, organization, config: model, pin_order: 1 })
  await fixtures.chat(db, { owner: user, organization, config: model, status: 'running' })
  const archivedAt = { archived: true, archived_at: new Date(0) }
  await fixtures.chat(db, { owner: user, organization, config: model, ...archivedAt })
  const shared = JSON.stringify({ [recorder.actor.id]: ['read'] })
  await fixtures.chat(db, { owner: user, organization, config: model, user_acl: shared })
  await fixtures.chatFile(db, { owner: user, organization, created_at: new Date(0) })
  await fixtures.chatSetting(db, { key: 'x' })
  await fixtures.userChatSetting(db, { user, key: 'x' })
  const owned = { organization_id: id, created_by: id }
  const made = await fixtures.template(db, { id, name: 'x', active_version_id: id, ...owned })
  const lost = { started_at: new Date(0), updated_at: new Date(0), completed_at: null, worker_id: id }
  const job = await fixtures.provisionerJob(db, { id, organization, initiator: user, file, ...lost })
  const asks = { external_auth_providers: JSON.stringify([{ id: 'x' }]) }
  const version = await fixtures.templateVersion(db, {
    id,
    template: made,
    job,
    name: 'x',
    ...asks,
    ...owned,
  })
  await fixtures.templateVersion(db, { template: made, created_at: new Date(0), ...owned })
  await fixtures.templateVersionParameter(db, { version, name: 'used' })
  await fixtures.templateVersionPreset(db, { version })
  await fixtures.templateVersionVariable(db, { version })
  await fixtures.provisionerDaemon(db, { id, organization })
  await fixtures.provisionerJobLog(db, { job })
  await fixtures.provisionerJobTiming(db, { job })
  const workspace = await fixtures.workspace(db, { id, name: 'x', owner: user, template: made })
  const build = await fixtures.workspaceBuild(db, { id, workspace, version, job })
  await fixtures.workspaceBuildParameter(db, { build, name: 'used' })
  await fixtures.templateUsageStat(db, {
    user,
    template: made,
    median_latency_ms: 1,
    apps: JSON.stringify({ web: { mins: 1, times: 1 } }),
  })
  await fixtures.templateUsedApp(db, { template: made, slug: 'web' })
  await fixtures.workspaceAgentStat(db, { user, template: made })
  await fixtures.workspaceAppStat(db, { user, template: made })
  await fixtures.chat(db, { owner: user, organization, config: model, workspace_id: workspace.id })
  await fixtures.chat(db, {
    owner: user,
    organization,
    config: model,
    workspace_id: workspace.id,
    parent_chat_id: chat.id,
    context_dirty_since: new Date(0),
  })
  await fixtures.chatContext(db, { chat })
  await fixtures.chatContextResource(db, { chat })
  await fixtures.chatDiffStatus(db, { chat, git_remote_origin: 'x', stale_at: new Date(0) })
  await fixtures.taskSnapshot(db, { task: await fixtures.task(db, { id, name: 'x', workspace }) })
  const due = await fixtures.workspace(db, { owner: user, template: made })
  const away = await fixtures.workspaceBuild(db, {
    workspace: due,
    version,
    deadline: new Date(0),
    provisioner_state: hash,
  })
  await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build: away }),
    first_connected_at: new Date(0),
    last_connected_at: new Date(0),
  })
  const resource = await fixtures.workspaceResource(db, { id, build })
  const agent = await fixtures.workspaceAgent(db, {
    ready_at: new Date(),
    id,
    resource,
    auth_token_hash: hashAgentToken(id),
    first_connected_at: new Date(),
    last_connected_at: alive,
    last_connected_replica_id: id,
  })
  await fixtures.workspaceAgentContext(db, { agent })
  const source = await fixtures.workspaceAgentLogSource(db, { id, agent })
  await fixtures.workspaceAgentLog(db, { agent, source })
  await fixtures.workspaceAgentMetadata(db, { agent, key: 'x' })
  const script = await fixtures.workspaceAgentScript(db, { agent, source })
  await fixtures.workspaceAgentScriptTiming(db, { script })
  await fixtures.taskWorkspaceApp(db, { build, app: await fixtures.workspaceApp(db, { agent }) })
  await fixtures.workspaceAgentPortShare(db, { workspace, agent_name: 'main', port: 8080 })
  await fixtures.replica(db, { id, updated_at: alive })
  await fixtures.auditLog(db)
  await fixtures.auditChain(db)
  await fixtures.cryptoKey(db, { feature: 'replica_relay' })
  await fixtures.connectionLog(db, { workspace })
}

/** Undoes what a call has written. */
class Undo extends Error {}

/** What a call answers and whether it has written or locked a row, without its effects. */
interface Outcome {
  readonly answer: unknown
  readonly wrote: boolean
}

/** @throws what the call throws; Error when it refuses after it has written, which not everybody would undo. */
async function outcomeOf(name: string, actor: Actor | undefined, args: readonly unknown[]): Promise<Outcome> {
  const call = found.get(name)
  if (call === undefined) throw new Error(`${name} does not exist`)
  let outcome: Outcome = { answer: undefined, wrote: false }
  await database.db
    .transaction()
    .execute(async (tx) => {
      try {
        outcome = { answer: await call(actor, tx, ...args), wrote: await hasNumber(tx) }
      } catch (error) {
        const wrote = isRefusal(error) && (await hasNumber(tx)) && (await hasChanged(tx))
        if (wrote && !Object.hasOwn(WRITE_FIRST, name))
          throw new Error(`${name} refuses what it has written already`)
        throw error
      }
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return outcome
}

/** A transaction gets its number with the first row that it writes or locks. */
async function hasNumber(tx: Database['db']): Promise<boolean> {
  const { rows } = await sql<{ numbered: boolean }>`
    select pg_current_xact_id_if_assigned() is not null as numbered`.execute(tx)
  return rows[0]?.numbered === true
}

/** Who only locks rows holds a weaker lock of their table. */
async function hasChanged(tx: Database['db']): Promise<boolean> {
  const { rows } = await sql<{ changed: boolean }>`
    select exists (
      select from pg_locks
      where pid = pg_backend_pid() and locktype = 'relation' and mode = 'RowExclusiveLock'
    ) as changed`.execute(tx)
  return rows[0]?.changed === true
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 403 || error.status === 404)
}

/** The same, or undefined when the call is refused. */
async function unlessRefused(
  name: string,
  actor: Actor,
  args: readonly unknown[],
): Promise<Outcome | undefined> {
  try {
    return await outcomeOf(name, actor, args)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/** What who may do everything gets of a call; the checks of the call are taken down. */
async function almightyOutcome(name: string, args: readonly unknown[]): Promise<Outcome> {
  recorder.take()
  try {
    return await outcomeOf(name, recorder.actor, args)
  } finally {
    checks.set(name, recorder.take())
  }
}

describe('RB-64: an actor without permissions gets nothing from any store function, and changes nothing', () => {
  it('every store function is listed here', () => {
    const known = [...Object.keys(CALLS), ...Object.keys(NOT_GUARDED)].sort()
    expect([...found.keys()].sort()).toEqual(known)
  })

  it.each(Object.entries(CALLS))('%s', async (name, args) => {
    const outcome = await unlessRefused(name, powerless, args)
    if (outcome === undefined) return
    expect(isNothing(outcome.answer), `${name} answered ${JSON.stringify(outcome.answer)}`).toBe(true)
    expect(outcome.wrote, `${name} wrote`).toBe(false)
  })
})

const reads = (name: string): boolean => /\b(?:get|find|list|any|queue|count)[A-Z]\w*$/.test(name)

describe('the calls above would show a leak', () => {
  it.each(Object.entries(CALLS).filter(([name]) => reads(name)))(
    'RB-65: %s gives something to who may do everything',
    async (name, args) => {
      const { answer } = await almightyOutcome(name, args)
      expect(isNothing(answer), `${name} found nothing`).toBe(false)
    },
  )

  it.each(Object.entries(CALLS).filter(([name]) => !reads(name)))(
    'RB-65: %s is refused to the one and not to the other, or written by the other alone',
    async (name, args) => {
      const refused = (await unlessRefused(name, powerless, args)) === undefined
      const outcome = await almightyOutcome(name, args).catch((error: unknown) => {
        if (isRefusal(error)) return undefined
        // Past the decision, what these calls leave out is missed by the database.
        if (refused) return { answer: undefined, wrote: true }
        throw error
      })
      expect(outcome, `${name} is refused to everybody`).toBeDefined()
      if (!refused) expect(outcome?.wrote, `${name} wrote nothing`).toBe(true)
    },
  )
})

it('02 T3: the checks of every store function are those of store-functions.checks.txt, in that order', async () => {
  // What is missed past the checks is of no account here.
  for (const [name, args] of Object.entries(CALLS))
    if (!checks.has(name)) await almightyOutcome(name, args).catch(() => undefined)
  const lines = [...checks].map(([name, made]) => `${name}: ${made.join('; ')}\n`).sort()
  // After a review of what has changed, `npm test -- store-functions -u` writes it anew.
  await expect(lines.join('')).toMatchFileSnapshot('./store-functions.checks.txt')
})

it.each(Object.entries(CALLS))(
  'RB-66: %s without an actor at all is a mistake of ours',
  async (name, args) => {
    const given = await outcomeOf(name, undefined, args).then(
      ({ answer, wrote }) => (isNothing(answer) && !wrote ? 'nothing' : 'something'),
      // Never an answer to whoever asks: what is no ApiError becomes a 500.
      (error: unknown) => (error instanceof ApiError ? `${error.status}` : 'a mistake'),
    )
    expect(given).toBe('a mistake')
  },
)

/** Nothing: undefined, an empty list, or a page without rows. */
function isNothing(answer: unknown): boolean {
  if (answer === undefined) return true
  if (Array.isArray(answer)) return answer.length === 0
  return typeof answer === 'object' && answer !== null && 'count' in answer && answer.count === 0
}
