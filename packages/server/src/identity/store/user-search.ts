import { type Expression, type SqlBool, sql } from 'kysely'

import { containing } from '../../search/index.ts'
import type { Standing } from './standing.ts'

/** Conditions of a user search (ID-25). */
export interface UserSearch {
  readonly text?: string | undefined
  readonly name?: string | undefined
  readonly username?: string | undefined
  readonly email?: string | undefined
  readonly statuses?: readonly Standing['status'][] | undefined
  readonly roles?: readonly string[] | undefined
  readonly loginTypes?: readonly string[] | undefined
  readonly serviceAccount?: boolean | undefined
  readonly lastSeenBefore?: Date | undefined
  readonly lastSeenAfter?: Date | undefined
  readonly createdBefore?: Date | undefined
  readonly createdAfter?: Date | undefined
  readonly githubId?: number | undefined
}

/** The search as a condition on the users that a query calls `u`. */
export function userMatches(search: UserSearch): Expression<SqlBool> {
  const conditions: Expression<SqlBool>[] = []
  const where = <V>(value: V | undefined, condition: (value: V) => Expression<SqlBool>): void => {
    if (value !== undefined) conditions.push(condition(value))
  }
  where(search.text, (text) => {
    const pattern = containing(text)
    return sql`(u.username ilike ${pattern} or u.email ilike ${pattern} or u.name ilike ${pattern})`
  })
  where(search.name, (name) => sql`u.name ilike ${containing(name)}`)
  where(search.username, (username) => sql`lower(u.username) = ${username}`)
  where(search.email, (email) => sql`lower(u.email) = ${email}`)
  where(search.statuses, (statuses) => sql`u.status = any(${[...statuses]}::user_status[])`)
  // Everybody is a member, so that role alone narrows nothing; beside others it adds nobody.
  if (search.roles?.some((role) => role !== 'member'))
    // A search is in lower case, roles that somebody has made may have others (RB-136).
    where(
      search.roles,
      (roles) =>
        sql`exists (select from unnest(u.rbac_roles) as r(name) where lower(r.name) = any(${[...roles]}::text[]))`,
    )
  where(search.loginTypes, (types) => sql`u.login_type::text = any(${[...types]}::text[])`)
  where(search.serviceAccount, (wanted) => sql`u.is_service_account = ${wanted}`)
  // Who was never seen was last seen before any time (ID §1.2).
  where(search.lastSeenBefore, (time) => sql`(u.last_seen_at is null or u.last_seen_at <= ${time})`)
  where(search.lastSeenAfter, (time) => sql`u.last_seen_at >= ${time}`)
  where(search.createdBefore, (time) => sql`u.created_at <= ${time}`)
  where(search.createdAfter, (time) => sql`u.created_at >= ${time}`)
  where(search.githubId, (id) => sql`u.github_com_user_id = ${id}`)
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`
}
