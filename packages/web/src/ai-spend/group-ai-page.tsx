import { useQuery } from '@tanstack/react-query'

import type { Group } from '@slipway/contract'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { GroupIcon } from '../groups/group-icon.tsx'
import { groupTitle, isEveryone } from '../groups/group-words.ts'
import { useGroup } from '../groups/use-group.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationThingPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { Together } from '../ui/together.tsx'
import { GroupLimitsForm } from './group-limits-form.tsx'
import { GroupMembersSpend } from './group-members-spend.tsx'
import { GroupPolicyForm } from './group-policy-form.tsx'
import { groupRulesQuery, groupSpendQuery } from './queries.ts'
import { SpendMeter } from './spend-meter.tsx'
import { periodWords, renewalWords } from './spend-words.ts'

/** `/organizations/{org}/groups/{group}/ai`: what members may spend and use, and what they have spent. */
export function GroupAiPage() {
  const { group, instead } = useGroup()
  return group === undefined ? instead : <Loaded key={group.id} group={group} />
}

function Loaded({ group }: { readonly group: Group }) {
  const { organization, may } = useOrganization()
  const rules = useQuery(groupRulesQuery(group.id))
  const spend = useQuery(groupSpendQuery(group.id))
  const locked = !may.editGroups
  const { data } = spend
  return (
    <OrganizationThingPage
      section="groups"
      above={[{ label: groupTitle(group), href: paths.group(organization.name, group.name) }]}
      title="AI limits"
      lead={<GroupIcon url={group.avatar_url} large />}
      context={isEveryone(group) ? 'Every member of the organization' : `Group ${groupTitle(group)}`}
      width="narrow"
    >
      <Together queries={[rules, spend]}>
        <div className="flex flex-col gap-4">
          {data === undefined ? null : (
            <div className="flex flex-wrap items-end justify-between gap-x-8 gap-y-3 rounded-card border border-line bg-surface px-4 py-3">
              <div className="min-w-0 flex-1 basis-56">
                <p className="mb-1 text-xs text-ink-2">
                  Spent by all members {periodWords(data.period_start, data.period_end)}
                </p>
                <SpendMeter
                  wide
                  label={`Spent by ${groupTitle(group)}`}
                  spent={data.current_spend_micros}
                  limit={data.total_spend_limit_micros}
                />
              </div>
              <p className="text-xs text-ink-2">{renewalWords(data.period_start, data.period_end)}</p>
            </div>
          )}
          <SettingState query={rules} failure="The limits could not be read">
            {({ budget, limits, policy }) => (
              <>
                <GroupLimitsForm
                  key={`limits ${JSON.stringify([budget, limits])}`}
                  group={group}
                  budget={budget}
                  limits={limits}
                  locked={locked}
                />
                <GroupPolicyForm
                  key={`policy ${JSON.stringify(policy)}`}
                  group={group}
                  policy={policy}
                  locked={locked}
                />
              </>
            )}
          </SettingState>
          <GroupMembersSpend group={group} locked={locked} />
        </div>
      </Together>
    </OrganizationThingPage>
  )
}
