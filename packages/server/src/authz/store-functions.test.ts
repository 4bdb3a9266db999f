import { randomBytes, randomUUID } from 'node:crypto'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { ApiError } from '../errors/index.ts'
import { hashAgentToken } from '../resources/index.ts'
import { SCOPE_ALL } from './scopes.ts'
import type { Actor } from './subject.ts'

const id = randomUUID()
const powerless: Actor = {
  id,
  type: 'user',
  name: 'nobody',
  roles: [{ name: 'nothing', definition: { displayName: 'Nothing' } }],
  groups: [],
  scope: SCOPE_ALL,
}
/** For the same calls, to see that there is something to get. */
const almighty: Actor = {
  ...powerless,
  id: randomUUID(),
  name: 'almighty',
  roles: [{ name: 'owner', definition: { displayName: 'Everything', site: { '*': ['*'] } } }],
}
const hash = randomBytes(32)
const ownership = {
  id,
  owner_id: id,
  organization_id: id,
  dormant_at: null,
  user_acl: {},
  group_acl: {},
}
const template = { id, organization_id: id, user_acl: {}, group_acl: {}, name: 't' }
const version = { id, template: null, template_id: id, organization_id: id, created_at: new Date() }
const workspace = { ...ownership, name: 'w', build_id: id }
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

/**
 * Every function of every store, with arguments that would succeed for somebody. What is not a function that
 * takes an actor is named in `NOT_GUARDED` with its reason.
 */
const CALLS: Readonly<Record<string, readonly unknown[]>> = {
  'agents/store/agents.ts getAgent': [id],
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
  'apps/store.ts findAppTargets': ['x', 'x'],
  'apps/store.ts findOfflineWorkspace': ['x', 'x'],
  'apps/store.ts listPortShares': [workspace],
  'apps/store.ts upsertPortShare': [workspace, {}],
  'apps/store.ts deletePortShare': [workspace, 'main', 8080],
  'audit/store/entries.ts insertAuditEntry': [
    {
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
  'audit-log/store.ts listAuditEntries': [{}, { limit: 10, offset: 0 }],
  'deployment/store.ts ensureDeploymentId': [id],
  'files/store.ts storeFile': [{ hash: 'a'.repeat(64), mimetype: 'x', data: hash, createdBy: id }],
  'files/store.ts getFile': [id],
  'git-ssh-keys/store.ts ensureGitSshKey': [id, key],
  'git-ssh-keys/store.ts findGitSshKey': [id],
  'git-ssh-keys/store.ts replaceGitSshKey': [id, key],
  'identity/store/checked-objects.ts findCheckedObject': ['user', id],
  'identity/store/keys.ts insertKey': [{ id: 'AAAAAAAAAA', userId: randomUUID() }],
  'identity/store/keys.ts getKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts getTokenByName': [id, 'x'],
  'identity/store/keys.ts listTokens': [{ includeExpired: true, now: new Date() }],
  'identity/store/keys.ts expireKey': ['AAAAAAAAAA', new Date()],
  'identity/store/keys.ts deleteKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts deleteKeysOfUser': [id],
  'identity/store/keys.ts touchKey': [
    { id: 'AAAAAAAAAA', userId: id },
    { now: new Date(), ipAddress: '127.0.0.1' },
  ],
  'identity/store/keys.ts findKeyWithStanding': ['AAAAAAAAAA'],
  'identity/store/organizations.ts ensureDefaultOrganization': [],
  'identity/store/organizations.ts getOrganizations': [[id]],
  'identity/store/organizations.ts insertMember': [{ organizationId: id, userId: id }],
  'identity/store/standing.ts findStanding': [id],
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
  'organizations/store.ts getOrganization': [id],
  'organizations/store.ts listOrganizations': [],
  'organizations/store.ts listMembers': [id, {}],
  'organizations/store.ts listMembersPage': [id, {}, {}],
  'organizations/store.ts getMember': [id, id],
  'organizations/store.ts addMember': [id, id],
  'organizations/store.ts removeMember': [id, id],
  'organizations/store.ts setMemberRoles': [id, id, []],
  'provisioning/store/daemons.ts registerDaemon': [
    { id, organizationId: id, name: 'x', provisioners: [], tags: {}, version: '' },
  ],
  'provisioning/store/daemons.ts touchDaemons': [[id]],
  'provisioning/store/daemons.ts removeDaemons': [[id]],
  'provisioning/store/daemons.ts listDaemons': [id, { offline: true, limit: 1 }],
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
  'resources/store/resources.ts insertResources': [id, 'start', [], false],
  'resources/store/resources.ts deleteAgentsOfOtherBuilds': [id, undefined],
  'resources/store/resources.ts listResources': [[id]],
  'purge/store.ts tryPurgeLock': ['audit_logs'],
  'purge/store.ts deleteOldAgentLogs': [{ before: new Date(), limit: 10 }],
  'purge/store.ts deleteOldDaemons': [{ before: new Date(), limit: 10 }],
  'purge/store.ts deleteExpiredKeys': [{ before: new Date(), limit: 10 }],
  'purge/store.ts deleteOldAuditEntries': [{ before: new Date(), limit: 10 }],
  'replicas/store.ts registerReplica': [{ id, hostname: 'x', relay_address: 'x', version: 'x' }],
  'replicas/store.ts removeReplicas': [id],
  'replicas/store.ts findRelayAddress': [id, randomUUID()],
  'secrets/store.ts ensureSecret': ['x', hash],
  'templates/store/build-times.ts listBuildTimes': [[id]],
  'templates/store/templates.ts insertTemplate': [{ organizationId: id, name: 'x' }],
  'templates/store/templates.ts templateNameTaken': [id, 'x'],
  'templates/store/templates.ts getTemplate': [id],
  'templates/store/templates.ts holdTemplate': [id],
  'templates/store/templates.ts getTemplateByName': [id, 'x'],
  'templates/store/templates.ts listTemplates': [{}],
  'templates/store/templates.ts updateTemplate': [template, {}],
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
  'workspaces/store/build-inputs.ts getBuildInputs': [id],
  'workspaces/store/script-timings.ts listScriptTimings': [id],
  'workspaces/store/stuck-builds.ts isBuildStuck': [id],
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
  'workspaces/store/workspace-changes.ts tryLockWorkspace': [id],
  'workspaces/store/workspace-changes.ts bumpDeadline': [workspace, new Date()],
  'workspaces/store/workspace-changes.ts touchWorkspace': [workspace],
}

/** Exports of stores that touch no database. */
const NOT_GUARDED: Readonly<Record<string, string>> = {
  'agents/store/agents.ts agentObject': 'names the object of a decision',
  'identity/store/standing.ts actorOf': 'makes an actor of a row',
  'identity/store/user-search.ts userMatches': 'makes a condition of a query',
  'identity/store/users.ts userObject': 'names the object of a decision',
  'resources/store/resources.ts hashAgentToken': 'hashes',
  'templates/store/templates.ts templateObject': 'names the object of a decision',
  'templates/store/versions.ts versionObject': 'names the object of a decision',
  'templates/store/versions.ts jobFromJson': 'reads a row',
  'workspaces/store/builds.ts transitionAction': 'names an action',
  'workspaces/store/workspace-object.ts workspaceObject': 'names the object of a decision',
  'workspaces/store/workspaces.ts mayReadTemplate': 'decides',
  'workspaces/store/workspace-changes.ts newWorkspaceObject': 'names the object of a decision',
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
  await database[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})

/** One row of everything that the calls speak of, all under the same id. */
async function seed({ db }: Database): Promise<void> {
  const user = await fixtures.user(db, { id, username: 'x', email: 'a@example.com', rbac_roles: ['owner'] })
  const organization = await fixtures.organization(db, { id, name: 'x', is_default: true })
  await fixtures.organizationMember(db, { organization, user })
  await fixtures.group(db, { id, organization })
  const file = await fixtures.file(db, { id, creator: user })
  await fixtures.apiKey(db, { id: 'AAAAAAAAAA', user, token_name: 'x', login_type: 'token' })
  await fixtures.gitSshKey(db, { user })
  await fixtures.userConfig(db, { user, key: 'x' })
  await fixtures.userSecret(db, { id, user, name: 'x' })
  await fixtures.siteConfig(db, { key: 'x' })
  const owned = { organization_id: id, created_by: id }
  const made = await fixtures.template(db, { id, name: 'x', active_version_id: id, ...owned })
  const lost = { started_at: new Date(0), updated_at: new Date(0), completed_at: null, worker_id: id }
  const job = await fixtures.provisionerJob(db, { id, organization, initiator: user, file, ...lost })
  const version = await fixtures.templateVersion(db, { id, template: made, job, name: 'x', ...owned })
  await fixtures.templateVersion(db, { template: made, created_at: new Date(0), ...owned })
  await fixtures.templateVersionParameter(db, { version })
  await fixtures.templateVersionPreset(db, { version })
  await fixtures.templateVersionVariable(db, { version })
  await fixtures.provisionerDaemon(db, { id, organization })
  await fixtures.provisionerJobLog(db, { job })
  await fixtures.provisionerJobTiming(db, { job })
  const workspace = await fixtures.workspace(db, { id, name: 'x', owner: user, template: made })
  const build = await fixtures.workspaceBuild(db, { id, workspace, version, job })
  await fixtures.workspaceBuildParameter(db, { build })
  const due = await fixtures.workspace(db, { owner: user, template: made })
  await fixtures.workspaceBuild(db, { workspace: due, version, deadline: new Date(0) })
  const resource = await fixtures.workspaceResource(db, { id, build })
  const agent = await fixtures.workspaceAgent(db, {
    id,
    resource,
    auth_token_hash: hashAgentToken(id),
    first_connected_at: new Date(),
    last_connected_at: new Date(),
    last_connected_replica_id: id,
  })
  const source = await fixtures.workspaceAgentLogSource(db, { id, agent })
  await fixtures.workspaceAgentLog(db, { agent, source })
  await fixtures.workspaceAgentMetadata(db, { agent, key: 'x' })
  const script = await fixtures.workspaceAgentScript(db, { agent, source })
  await fixtures.workspaceAgentScriptTiming(db, { script })
  await fixtures.workspaceApp(db, { agent })
  await fixtures.workspaceAgentPortShare(db, { workspace, agent_name: 'main', port: 8080 })
  await fixtures.replica(db, { id })
  await fixtures.auditLog(db)
}

/** Undoes what a call has written. */
class Undo extends Error {}

/** What a call answers and whether it has written or locked a row, without its effects. */
interface Outcome {
  readonly answer: unknown
  readonly wrote: boolean
}

/** @throws what the call throws. */
async function outcomeOf(name: string, actor: Actor, args: readonly unknown[]): Promise<Outcome> {
  const call = found.get(name)
  if (call === undefined) throw new Error(`${name} does not exist`)
  let outcome: Outcome = { answer: undefined, wrote: false }
  await database.db
    .transaction()
    .execute(async (tx) => {
      const answer = await call(actor, tx, ...args)
      // A transaction gets its number with the first row that it writes.
      const { rows } = await sql<{ wrote: boolean }>`
        select pg_current_xact_id_if_assigned() is not null as wrote`.execute(tx)
      outcome = { answer, wrote: rows[0]?.wrote === true }
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return outcome
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
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined
    throw error
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
      const { answer } = await outcomeOf(name, almighty, args)
      expect(isNothing(answer), `${name} found nothing`).toBe(false)
    },
  )

  it.each(Object.entries(CALLS).filter(([name]) => !reads(name)))(
    'RB-65: %s is refused to the one and not to the other, or written by the other alone',
    async (name, args) => {
      const refused = (await unlessRefused(name, powerless, args)) === undefined
      const outcome = await unlessRefused(name, almighty, args).catch((error: unknown) => {
        // Past the decision, what these calls leave out is missed by the database.
        if (refused) return { answer: undefined, wrote: true }
        throw error
      })
      expect(outcome, `${name} is refused to everybody`).toBeDefined()
      if (!refused) expect(outcome?.wrote, `${name} wrote nothing`).toBe(true)
    },
  )
})

/** Nothing: undefined, an empty list, or a page without rows. */
function isNothing(answer: unknown): boolean {
  if (answer === undefined) return true
  if (Array.isArray(answer)) return answer.length === 0
  return typeof answer === 'object' && answer !== null && 'count' in answer && answer.count === 0
}
