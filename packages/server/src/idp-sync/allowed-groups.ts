import type { Config } from '../config/index.ts'
import { type Claims, readClaim } from './claims.ts'

/** Why somebody may not sign in, for the page that says so. */
interface GroupRefusal {
  readonly status: 400 | 403
  readonly title: string
  readonly message: string
}

/** Why somebody with these claims may not sign in where only some groups may; undefined when they may. */
export function groupRefusal(config: Config, claims: Claims): GroupRefusal | undefined {
  const { oidcGroupField: field, oidcAllowedGroups: allowed } = config
  if (field === '' || allowed.length === 0) return undefined
  const claim = readClaim(claims, field)
  if (!claim.ok)
    return {
      status: 400,
      title: 'Groups cannot be read',
      message: `The claim with your groups cannot be read: ${claim.problem}. Ask your administrator for help.`,
    }
  if (claim.values.some((group) => allowed.includes(group))) return undefined
  return {
    status: 403,
    title: 'Not a member of an allowed group',
    message:
      claim.values.length === 0
        ? 'Your provider says of no group that you are in it, and only members of some groups may sign in.'
        : 'None of your groups may sign in. Ask your administrator to allow one of them.',
  }
}
