import { useQuery } from '@tanstack/react-query'

import type { User } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { CopyableId } from '../ui/copyable.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { groupsOfUserQuery } from './queries.ts'
import { loginLabel } from './user-look.ts'

/** What is known about an account and does not change here. */
export function UserFacts({ user }: { readonly user: User }) {
  return (
    <Section title="Account">
      <DetailList>
        <Detail label="Signs in by">{loginLabel(user)}</Detail>
        <Detail label="Last seen">
          <TimeAgo time={user.last_seen_at} />
        </Detail>
        <Detail label="Created">
          <TimeAgo time={user.created_at} />
        </Detail>
        <Detail label="Id">
          <CopyableId id={user.id} short />
        </Detail>
      </DetailList>
    </Section>
  )
}

/** Organizations of an account, and the groups that it is in there. */
export function UserGroups({ user }: { readonly user: User }) {
  const organizations = useQuery(organizationsQuery).data ?? []
  const groups = useQuery(groupsOfUserQuery(user.id))
  const theirs = organizations.filter(({ id }) => user.organization_ids.includes(id))
  const hidden = user.organization_ids.length - theirs.length
  return (
    <Section title="Organizations and groups">
      <div className="flex flex-col gap-3 text-sm">
        {groups.isError ? (
          <ErrorNotice
            error={groups.error}
            title="The groups could not be read"
            onRetry={() => void groups.refetch()}
          />
        ) : null}
        {theirs.map((organization) => {
          // Everybody is in the group that is called like its organization.
          const named = (groups.data ?? []).filter(
            (group) => group.organization_id === organization.id && group.id !== organization.id,
          )
          return (
            <div key={organization.id} className="flex flex-col gap-0.5">
              <AppLink
                href={paths.organization(organization.name, { filter: user.username })}
                className="self-start font-medium hover:text-accent"
              >
                {organization.display_name || organization.name}
              </AppLink>
              {named.length === 0 ? (
                <span className="text-ink-3">{groups.isPending ? ' ' : 'In no group'}</span>
              ) : (
                <ul className="flex flex-wrap gap-x-3 gap-y-0.5">
                  {named.map((group) => (
                    <li key={group.id}>
                      <AppLink
                        href={paths.group(organization.name, group.name)}
                        className="text-ink-2 underline decoration-line-strong underline-offset-3 hover:text-accent"
                      >
                        {group.display_name || group.name}
                      </AppLink>
                    </li>
                  ))}
                </ul>
              )}
            </div>
          )
        })}
        {hidden > 0 ? (
          <span className="text-ink-2">
            {hidden} {hidden === 1 ? 'organization' : 'organizations'} that you may not see
          </span>
        ) : null}
        {user.organization_ids.length === 0 ? (
          <span className="text-ink-2">Not a member of any organization, so without workspaces.</span>
        ) : null}
      </div>
    </Section>
  )
}
