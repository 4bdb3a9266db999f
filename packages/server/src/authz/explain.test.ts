import { describe, expect, test } from 'vitest'

import { isAllowed } from './decide.ts'
import { actorOf, fixture, objectOf } from './decisions.fixture.ts'
import { explain } from './explain.ts'

/** RB-13 on the parts of an explanation. */
function verdict(explanation: ReturnType<typeof explain>): boolean {
  const { roles, acl, scope } = explanation
  return (roles.allowed || acl.allowed) && scope.permits && scope.listed
}

/** RB-8 on the votes of an explanation, for one organization or none. */
function byVotes({ roles }: ReturnType<typeof explain>): boolean {
  const at = (level: string) => roles.levels.find((one) => one.level === level && one.applies)?.vote ?? 0
  if (at('site') !== 0) return at('site') === 1
  return at('user') === 1 || at('org') === 1 || (at('org') !== -1 && at('member') === 1)
}

describe('explanations', () => {
  test.each(fixture.rows.map((row) => [row.id, row] as const))(
    'RB-135: %s agrees with the decision',
    (_id, row) => {
      const [actor, object] = [actorOf(row.subject, row), objectOf(row.object)]
      const explanation = explain(actor, row.action, object)
      expect(explanation.allowed).toBe(isAllowed(actor, row.action, object))
      expect(verdict(explanation)).toBe(explanation.allowed)
      if (object.anyOrganization !== true) expect(byVotes(explanation)).toBe(explanation.roles.allowed)
    },
  )

  test('RB-135: every vote names the permissions that it comes from', () => {
    for (const row of fixture.matrix)
      for (const action of row.actions)
        for (const name of [...row.allow, ...row.deny]) {
          const explanation = explain(actorOf(name), action, objectOf(row.object))
          expect(verdict(explanation)).toBe(row.allow.includes(name))
          for (const { vote, permissions } of explanation.roles.levels)
            expect(vote).toBe(permissions.some(({ negate }) => negate) ? -1 : permissions.length > 0 ? 1 : 0)
        }
  })
})
