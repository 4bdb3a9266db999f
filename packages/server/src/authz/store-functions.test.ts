import { randomBytes, randomUUID } from 'node:crypto'
import { glob } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, openDatabase, type TestDatabase } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { ApiError } from '../errors/index.ts'
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
const hash = randomBytes(32)
const ownership = {
  id,
  owner_id: randomUUID(),
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

/**
 * Every function of every store, with arguments that would succeed for somebody. What is not a function that
 * takes an actor is named in `NOT_GUARDED` with its reason.
 */
const CALLS: Readonly<Record<string, readonly unknown[]>> = {
  'agents/store/agents.ts getAgent': [id],
  'agents/store/agents.ts findAgentByToken': [id],
  'agents/store/agents.ts filterMayStay': [[id]],
  'agents/store/agents.ts markConnected': [id, id, '2.0'],
  'agents/store/agents.ts markAlive': [[id]],
  'agents/store/agents.ts markDisconnected': [id, id],
  'agents/store/agents.ts setStartup': [id, { version: 'v1', expandedDirectory: '/', subsystems: [] }],
  'agents/store/agents.ts setLifecycle': [id, 'ready', new Date()],
  'agents/store/reports.ts insertLogSource': [id, { id, displayName: '', icon: '' }],
  'agents/store/reports.ts appendAgentLogs': [id, id, [{ level: 'info', output: 'x' }]],
  'agents/store/reports.ts listAgentLogs': [id, 0],
  'agents/store/reports.ts listMetadata': [id],
  'agents/store/reports.ts storeMetadata': [[]],
  'agents/store/reports.ts storeAppHealth': [id, []],
  'agents/store/reports.ts storeScriptTiming': [id, {}],
  'apps/store.ts findAppTargets': ['ada', 'dev'],
  'apps/store.ts findStoppedWorkspace': ['ada', 'dev'],
  'apps/store.ts listPortShares': [workspace],
  'apps/store.ts upsertPortShare': [workspace, {}],
  'apps/store.ts deletePortShare': [workspace, 'main', 8080],
  'deployment/store.ts ensureDeploymentId': [id],
  'files/store.ts storeFile': [{ hash: 'a'.repeat(64), mimetype: 'x', data: hash, createdBy: id }],
  'files/store.ts getFile': [id],
  'git-ssh-keys/store.ts ensureGitSshKey': [randomUUID(), key],
  'git-ssh-keys/store.ts findGitSshKey': [randomUUID()],
  'git-ssh-keys/store.ts replaceGitSshKey': [randomUUID(), key],
  'identity/store/keys.ts insertKey': [{ id: 'AAAAAAAAAA', userId: randomUUID() }],
  'identity/store/keys.ts getKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts getTokenByName': [id, 'x'],
  'identity/store/keys.ts listTokens': [{ includeExpired: true }],
  'identity/store/keys.ts expireKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts deleteKey': ['AAAAAAAAAA'],
  'identity/store/keys.ts deleteKeysOfUser': [randomUUID()],
  'identity/store/keys.ts touchKey': [
    { id: 'AAAAAAAAAA', userId: randomUUID() },
    { now: new Date(), ipAddress: '127.0.0.1' },
  ],
  'identity/store/keys.ts findKeyWithStanding': ['AAAAAAAAAA'],
  'identity/store/organizations.ts ensureDefaultOrganization': [],
  'identity/store/organizations.ts getOrganizations': [[id]],
  'identity/store/organizations.ts insertMember': [{ organizationId: id, userId: id, roles: [] }],
  'identity/store/standing.ts findStanding': [id],
  'identity/store/users.ts anyUserExists': [],
  'identity/store/users.ts lockFirstUser': [],
  'identity/store/users.ts insertUser': [{ username: 'x' }],
  'identity/store/users.ts readableUser': [],
  'identity/store/users.ts getUser': ['x'],
  'identity/store/users.ts findUserByEmail': ['a@example.com'],
  'identity/store/users.ts listUsers': [{}, {}],
  'identity/store/users.ts updateProfile': [{ id: randomUUID() }, {}],
  'identity/store/users.ts updateStatus': [randomUUID(), 'active'],
  'identity/store/users.ts updateSiteRoles': [randomUUID(), []],
  'identity/store/users.ts activateDormantUser': [randomUUID(), new Date()],
  'identity/store/users.ts updatePasswordHash': [randomUUID(), 'x'],
  'identity/store/users.ts deleteUser': [randomUUID()],
  'organizations/store.ts getOrganization': [id],
  'organizations/store.ts listOrganizations': [],
  'organizations/store.ts listMembers': [id, {}],
  'organizations/store.ts getMember': [id, id],
  'organizations/store.ts addMember': [id, id],
  'organizations/store.ts removeMember': [id, id],
  'organizations/store.ts setMemberRoles': [id, id, []],
  'provisioning/store/daemons.ts registerDaemon': [
    { organizationId: id, name: 'x', provisioners: [], tags: {}, version: '' },
  ],
  'provisioning/store/daemons.ts touchDaemons': [[id]],
  'provisioning/store/daemons.ts removeDaemons': [[id]],
  'provisioning/store/daemons.ts listDaemons': [id],
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
  'provisioning/store/logs.ts listJobLogs': [id, 0],
  'provisioning/store/logs.ts insertTimings': [[]],
  'provisioning/store/logs.ts listTimings': [id],
  'resources/store/resources.ts insertResources': [id, 'start', [], false],
  'resources/store/resources.ts deleteAgentsOfOtherBuilds': [id, undefined],
  'resources/store/resources.ts listResources': [[id]],
  'replicas/store.ts registerReplica': [{ id, hostname: 'x', relay_address: 'x', version: 'x' }],
  'replicas/store.ts removeReplicas': [id],
  'replicas/store.ts findRelayAddress': [id, id],
  'secrets/store.ts ensureSecret': ['x', hash],
  'templates/store/templates.ts insertTemplate': [{ organizationId: id, name: 'x' }],
  'templates/store/templates.ts templateNameTaken': [id, 'x'],
  'templates/store/templates.ts getTemplate': [id],
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
  'templates/store/versions.ts attachVersion': [version, id],
  'templates/store/versions.ts findVersionOfJob': [id],
  'workspaces/store/builds.ts getBuild': [id],
  'workspaces/store/builds.ts listEndedBuilds': [[id]],
  'workspaces/store/builds.ts findBuildByNumber': [id, 1],
  'workspaces/store/builds.ts listBuilds': [ownership, {}],
  'workspaces/store/builds.ts insertBuild': [ownership, { transition: 'start', parameters: [] }],
  'workspaces/store/builds.ts listBuildParameters': [id],
  'workspaces/store/builds.ts getBuildState': [id],
  'workspaces/store/builds.ts setBuildState': [id, null],
  'workspaces/store/builds.ts finishBuild': [id, {}],
  'workspaces/store/builds.ts setDeadline': [ownership, id, null],
  'workspaces/store/builds.ts getBuildInputs': [id],
  'workspaces/store/workspaces.ts getWorkspace': [id],
  'workspaces/store/workspaces.ts getWorkspaceByName': [id, 'x', true],
  'workspaces/store/workspaces.ts listWorkspaces': [[], {}],
  'workspaces/store/workspaces.ts insertWorkspace': [{ organizationId: id, ownerId: randomUUID() }],
  'workspaces/store/workspaces.ts workspaceNameTaken': [{ organizationId: id, ownerId: randomUUID() }, 'x'],
  'workspaces/store/workspaces.ts updateWorkspace': [workspace, {}],
  'workspaces/store/workspaces.ts markWorkspaceDeleted': [id],
  'workspaces/store/workspaces.ts listTimedWorkspaces': [new Date()],
  'workspaces/store/workspaces.ts tryLockWorkspace': [id],
  'workspaces/store/workspaces.ts bumpDeadline': [id, new Date()],
  'workspaces/store/workspaces.ts touchWorkspace': [workspace],
}

/** Exports of stores that touch no database. */
const NOT_GUARDED: Readonly<Record<string, string>> = {
  'agents/store/agents.ts agentObject': 'names the object of a decision',
  'identity/store/standing.ts actorOf': 'makes an actor of a row',
  'resources/store/resources.ts hashAgentToken': 'hashes',
  'templates/store/templates.ts templateObject': 'names the object of a decision',
  'templates/store/versions.ts versionObject': 'names the object of a decision',
  'templates/store/versions.ts jobFromJson': 'reads a row',
  'workspaces/store/builds.ts transitionAction': 'names an action',
  'workspaces/store/workspace-object.ts workspaceObject': 'names the object of a decision',
  'workspaces/store/workspaces.ts mayReadTemplate': 'decides',
  'workspaces/store/workspaces.ts newWorkspaceObject': 'names the object of a decision',
}

const source = fileURLToPath(new URL('../', import.meta.url))
const found = new Map<string, (...args: unknown[]) => unknown>()
for await (const file of glob(['**/store.ts', '**/store/*.ts'], { cwd: source })) {
  const module: Record<string, unknown> = await import(`${source}${file}`)
  for (const [name, value] of Object.entries(module))
    if (typeof value === 'function') found.set(`${file} ${name}`, value as (...args: unknown[]) => unknown)
}

let test: TestDatabase
let database: Database
beforeAll(async () => {
  test = await createTestDatabase()
  database = await openDatabase(test.url)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})

describe('an actor without permissions gets nothing from any store function', () => {
  it('every store function is listed here', () => {
    const known = [...Object.keys(CALLS), ...Object.keys(NOT_GUARDED)].sort()
    expect([...found.keys()].sort()).toEqual(known)
  })

  it.each(Object.entries(CALLS))('%s', async (name, args) => {
    const call = found.get(name)
    if (call === undefined) throw new Error(`${name} does not exist`)
    let answer: unknown
    try {
      answer = await call(powerless, database.db, ...args)
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError)
      expect([403, 404]).toContain((error as ApiError).status)
      return
    }
    expect(isNothing(answer), `${name} answered ${JSON.stringify(answer)}`).toBe(true)
  })
})

/** Nothing: undefined, an empty list, or a page without rows. */
function isNothing(answer: unknown): boolean {
  if (answer === undefined) return true
  if (Array.isArray(answer)) return answer.length === 0
  return typeof answer === 'object' && answer !== null && 'count' in answer && answer.count === 0
}
