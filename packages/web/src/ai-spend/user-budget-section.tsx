import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { User } from '@slipway/contract'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { groupsOfUserQuery } from '../users/queries.ts'
import { OverrideDialog } from './override-dialog.tsx'
import { userBudgetQuery } from './queries.ts'
import { RemoveOverrideDialog } from './remove-override-dialog.tsx'
import { SpendMeter } from './spend-meter.tsx'
import { periodWords } from './spend-words.ts'

/** What an account has spent on models, and a budget of its own (AG-115, AG-116). */
export function UserBudgetSection({ user }: { readonly user: User }) {
  const budget = useQuery(userBudgetQuery(user.id))
  const groups = useQuery(groupsOfUserQuery(user.id))
  const organizations = useQuery(organizationsQuery).data ?? []
  const permissions = usePermissions()
  const mayEdit = permissions?.updateUsers === true && permissions.editAnyGroups
  const [asked, setAsked] = useState<'set' | 'remove'>()
  const { data } = budget
  const choices = (groups.data ?? []).map((group) => {
    const home = organizations.find(({ id }) => id === group.organization_id)
    const title = group.display_name || group.name
    return {
      id: group.id,
      label:
        organizations.length < 2 || home === undefined
          ? title
          : `${title} (${home.display_name || home.name})`,
    }
  })
  return (
    <Section
      title="AI spend"
      help={
        data === undefined
          ? undefined
          : data.override !== null
            ? 'Has an individual budget.'
            : data.status.effective_budget === null
              ? 'Not limited by a budget.'
              : 'Uses a group’s budget.'
      }
    >
      <div className="flex flex-col gap-3 text-sm">
        {budget.isError ? (
          <ErrorNotice
            error={budget.error}
            title="The spend could not be read"
            onRetry={() => void budget.refetch()}
          />
        ) : null}
        {data === undefined ? (
          budget.isError ? null : (
            <div className="skeleton h-10" aria-busy="true" />
          )
        ) : (
          <div className="flex flex-col gap-1">
            <span className="text-xs text-ink-2">
              Spent {periodWords(data.status.period_start, data.status.period_end)}
            </span>
            <SpendMeter
              wide
              label={`Spent by ${user.username}`}
              spent={data.status.current_spend_micros}
              limit={data.status.effective_budget?.spend_limit_micros ?? null}
            />
          </div>
        )}
        {data === undefined || !mayEdit || choices.length === 0 ? null : (
          <div className="flex flex-wrap gap-2">
            <Button size="dense" onClick={() => setAsked('set')}>
              {data.override === null ? 'Set own budget' : 'Change'}
            </Button>
            {data.override === null ? null : (
              <Button size="dense" onClick={() => setAsked('remove')}>
                Remove
              </Button>
            )}
          </div>
        )}
      </div>
      {asked === 'set' ? (
        <OverrideDialog
          user={user}
          groups={choices}
          present={data?.override ?? null}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
      {asked === 'remove' ? <RemoveOverrideDialog user={user} onClose={() => setAsked(undefined)} /> : null}
    </Section>
  )
}
