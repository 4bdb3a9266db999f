import {
  type Actor,
  isAllowed,
  parseAllowListEntry,
  type ResourceObject,
  scopeOf,
  userActor,
} from '../packages/server/src/authz/index.ts'
import { type Bench, median } from './harness.ts'

const ROUNDS = 7
const ROUND_MS = 700
const ORGANIZATIONS = Array.from({ length: 3 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`)
const ME = '00000000-0000-4000-9000-000000000000'
const ELSE = '00000000-0000-4000-9000-000000000001'

/** People as deployments have them, each with a full credential and with one of a narrow scope. */
function actors(): Actor[] {
  const all = parseAllowListEntry('*:*')
  if (all === undefined) throw new Error('the wildcard is an entry')
  const scopes = [
    scopeOf(['coder:all'], [all]),
    scopeOf(['coder:workspaces.operate', 'template:read', 'user:read'], [all]),
  ]
  const standing = (siteRoles: string[], roles: string[]) => ({
    id: ME,
    username: 'me',
    siteRoles,
    isServiceAccount: false,
    groups: [...ORGANIZATIONS, ELSE],
    memberships: ORGANIZATIONS.map((organizationId) => ({
      organizationId,
      roles,
      defaultRoles: ['organization-workspace-access'],
      sharing: 'everyone' as const,
    })),
  })
  return [
    standing(['owner'], []),
    standing([], []),
    standing(['auditor'], ['organization-template-admin']),
    standing(['user-admin'], ['organization-admin']),
  ].flatMap((user) => scopes.map((scope) => userActor(user, scope)))
}

/** Objects that requests are about, those of others among them. */
function objects(): ResourceObject[] {
  return ORGANIZATIONS.flatMap((organization) =>
    [ME, ELSE].flatMap((owner): ResourceObject[] => [
      {
        type: 'workspace',
        id: crypto.randomUUID(),
        owner,
        organization,
        userAcl: { [ME]: ['read', 'ssh'] },
        groupAcl: { [organization]: ['read'] },
      },
      { type: 'template', id: crypto.randomUUID(), organization },
      { type: 'user', id: owner, owner },
      { type: 'api_key', id: crypto.randomUUID(), owner },
      { type: 'organization_member', id: owner, owner, organization },
      { type: 'deployment_config' },
    ]),
  )
}

/** Decisions in a second on one core, with real roles and scopes and without a cache, against the empty loop. */
export const decisions: Bench = async () => {
  const questions = actors().flatMap((actor) =>
    objects().flatMap((object) =>
      (['read', 'update', 'delete'] as const).map((action) => ({ actor, action, object })),
    ),
  )
  let allowed = 0
  const measure = (decide: (question: (typeof questions)[number]) => boolean): number => {
    let count = 0
    const start = performance.now()
    while (performance.now() - start < ROUND_MS) {
      for (const question of questions) if (decide(question)) allowed += 1
      count += questions.length
    }
    return (count * 1_000) / (performance.now() - start)
  }
  const ours: number[] = []
  const empty: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    empty.push(measure(({ action }) => action === 'read'))
    ours.push(measure(({ actor, action, object }) => isAllowed(actor, action, object)))
  }
  if (allowed === 0) throw new Error('nothing was allowed')
  return [
    {
      what: `authorization decisions of ${questions.length} questions`,
      measured: `${(1e9 / median(ours)).toFixed(0)} ns each`,
      baseline: `${(1e9 / median(empty)).toFixed(1)} ns (the loop without a decision)`,
      result: `${Math.round(median(ours) / 1_000)} thousand/s`,
      wanted: 'at least 300 thousand/s',
    },
  ]
}
