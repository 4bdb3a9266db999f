import { useMutation, useQuery } from '@tanstack/react-query'
import { UsersRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import {
  type AIPrivacyLevel,
  deleteOrganizationAIBudget,
  type Group,
  type OrganizationAIGovernance,
  type OrganizationAIPrivacy,
  updateOrganizationAIPrivacy,
  upsertOrganizationAIBudget,
} from '@slipway/contract'
import { AmountField, ChoiceField } from '../ai-gateway/fields.tsx'
import { amountFault, amountText, parseAmount } from '../ai-gateway/money.ts'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { SettingState } from '../chats/settings/setting-state.tsx'
import { useOnline } from '../frame/connection-banner.tsx'
import { groupChoicesQuery } from '../groups/queries.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { Table } from '../ui/table.tsx'
import { toasts } from '../ui/toast.tsx'
import { Together } from '../ui/together.tsx'
import { type LimitedGroup, limitColumns } from './limit-columns.tsx'
import {
  type GroupsSpend,
  governanceQuery,
  groupsSpendQuery,
  privacyQuery,
  refreshBudgets,
} from './queries.ts'
import { SpendMeter } from './spend-meter.tsx'
import { periodWords, renewalWords } from './spend-words.ts'

/** `/organizations/{org}/ai-limits`: what the organization and its groups may spend, use and keep (AG-B9 to AG-B16). */
export function LimitsPage() {
  const { organization, may } = useOrganization()
  const governance = useQuery({ ...governanceQuery(organization.id), enabled: may.viewGroups })
  const groups = useQuery({ ...groupChoicesQuery(organization.id), enabled: may.viewGroups })
  const privacy = useQuery({ ...privacyQuery(organization.id), enabled: may.viewGroups })
  const ids = governance.data?.groups.map(({ group_id }) => group_id)
  const spend = useQuery({ ...groupsSpendQuery(organization.id, ids ?? []), enabled: ids !== undefined })
  return (
    <OrganizationPage
      page="ai-limits"
      lack={may.viewGroups ? undefined : { what: 'see the limits', permission: 'group:read' }}
    >
      <Together queries={[governance, groups, privacy, spend]}>
        <div className="grid min-w-0 items-start gap-4 lg:grid-cols-2">
          <SettingState query={governance} failure="The limits could not be read">
            {(rules) => (
              <Rules
                key={organization.id}
                rules={rules}
                spend={spend.data ?? undefined}
                groups={groups.data}
                error={groups.error}
              />
            )}
          </SettingState>
          <SettingState query={privacy} failure="The privacy could not be read">
            {(stored) => <Privacy key={`${organization.id} ${JSON.stringify(stored)}`} stored={stored} />}
          </SettingState>
        </div>
      </Together>
    </OrganizationPage>
  )
}

function Rules({
  rules,
  spend,
  groups,
  error,
}: {
  readonly rules: OrganizationAIGovernance
  readonly spend: GroupsSpend | undefined
  readonly groups: readonly Group[] | undefined
  readonly error: unknown
}) {
  const { organization } = useOrganization()
  const rows = groups?.map((group): LimitedGroup => {
    const rule = rules.groups.find(({ group_id }) => group_id === group.id)
    return {
      group,
      budget: rule?.budget_micros ?? null,
      limits: rule?.limits ?? null,
      policy: rule?.model_policy ?? null,
      spend: spend?.byGroup.get(group.id),
    }
  })
  const total = [...(spend?.byGroup.values() ?? [])].reduce((sum, one) => sum + one.current_spend_micros, 0)
  return (
    <>
      <Section
        title="Organization budget"
        help={
          spend === undefined
            ? 'What all members may spend together.'
            : `What all members may spend together ${periodWords(spend.period_start, spend.period_end)}.`
        }
      >
        <div className="flex flex-col gap-5">
          {spend === undefined ? null : (
            <div className="flex max-w-sm flex-col gap-1">
              <SpendMeter wide label="Organization budget" spent={total} limit={rules.spend_limit_micros} />
              <span className="text-xs text-ink-2">{renewalWords(spend.period_start, spend.period_end)}</span>
            </div>
          )}
          <OrganizationBudget key={String(rules.spend_limit_micros)} stored={rules.spend_limit_micros} />
        </div>
      </Section>
      <div className="min-w-0 lg:order-last lg:col-span-2">
        <Section
          title="Groups"
          help="A budget is what each member may spend. All members together can have a limit, too."
          flush
        >
          <ErrorNotice
            error={groups === undefined ? error : undefined}
            title="The groups could not be read"
          />
          <Table
            label="Limits of groups"
            columns={limitColumns(organization.name)}
            rows={rows}
            rowKey={(row) => row.group.id}
            rowLabel={(row) => row.group.name}
            empty={
              <EmptyState icon={UsersRound} title="No groups yet">
                Groups that are created under Groups can have limits of their own.
              </EmptyState>
            }
          />
        </Section>
      </div>
    </>
  )
}

function OrganizationBudget({ stored }: { readonly stored: number | null }) {
  const { organization, may } = useOrganization()
  const online = useOnline()
  const [text, setText] = useState(amountText(stored))
  const [attempted, setAttempted] = useState(false)
  const params = { organization: organization.id }
  const save = useMutation({
    mutationFn: async () => {
      const limit = parseAmount(text)
      if (limit === undefined) await api.call(deleteOrganizationAIBudget, { params })
      else await api.call(upsertOrganizationAIBudget, { params, body: { spend_limit_micros: limit } })
    },
    onSuccess: async () => {
      await refreshBudgets()
      toasts.done('The budget of the organization was saved')
    },
  })
  if (!may.editSettings) return null
  const fault = amountFault(text, false)
  const same = text.trim() === amountText(stored)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (fault === undefined && !same && !save.isPending) save.mutate()
  }
  const refused = fieldError(save.error, 'spend_limit_micros')
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-3">
      {refused === undefined ? <ErrorNotice error={save.error} title="The budget was not saved" /> : null}
      <div className="flex flex-wrap items-end gap-2">
        <AmountField
          label="All members together"
          placeholder="no limit"
          value={text}
          error={(attempted ? fault : undefined) ?? refused}
          onChange={setText}
        />
        {same ? null : (
          <>
            <Button
              onClick={() => {
                setText(amountText(stored))
                save.reset()
              }}
            >
              Discard
            </Button>
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online}>
              Save budget
            </Button>
          </>
        )}
      </div>
      <p className="text-xs text-ink-2">Leave empty for no limit; 0 blocks everything.</p>
    </form>
  )
}

const LEVELS: readonly { readonly value: AIPrivacyLevel; readonly label: string }[] = [
  { value: 'full', label: 'Everything' },
  { value: 'redacted', label: 'Without secrets' },
  { value: 'hash', label: 'Only a hash' },
  { value: 'none', label: 'Nothing' },
]
const LEVEL_HELP: Readonly<Record<AIPrivacyLevel, string>> = {
  full: 'Prompts, tool arguments and thinking are kept as they are.',
  redacted: 'Keys, tokens and personal data are masked before anything is stored.',
  hash: 'Identical texts can be recognized, but not read.',
  none: 'Only who asked which model, tokens, costs and errors.',
}

function Privacy({ stored }: { readonly stored: OrganizationAIPrivacy }) {
  const { organization, may } = useOrganization()
  const online = useOnline()
  const [draft, setDraft] = useState({ level: stored.level, own_sessions: stored.own_sessions })
  const same = draft.level === stored.level && draft.own_sessions === stored.own_sessions
  const save = useMutation({
    mutationFn: () =>
      api.call(updateOrganizationAIPrivacy, { params: { organization: organization.id }, body: draft }),
    onSuccess: (next) => {
      queries.setQueryData(privacyQuery(organization.id).queryKey, next)
      toasts.done('The privacy of the organization was saved')
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!same && !save.isPending) save.mutate()
  }
  return (
    <Section
      title="Privacy"
      help="How much of members’ prompts is kept, from now on. For members of several organizations, the strictest setting applies."
    >
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The privacy was not saved" />
        <fieldset disabled={!may.editSettings} className="flex min-w-0 flex-col gap-5">
          <legend className="sr-only">Privacy</legend>
          <ChoiceField
            label="What is kept"
            help={LEVEL_HELP[draft.level]}
            value={draft.level}
            options={LEVELS}
            error={fieldError(save.error, 'level')}
            onChange={(level) => setDraft({ ...draft, level })}
          />
          <LabelledToggle
            kind="switch"
            label="Members can read their own sessions"
            help="Under AI usage in their settings. Only owners and auditors can read those of others."
            checked={draft.own_sessions}
            disabled={!may.editSettings}
            onChange={(own_sessions) => setDraft({ ...draft, own_sessions })}
          />
        </fieldset>
        {may.editSettings ? (
          <div className="flex justify-end gap-2">
            {same ? null : (
              <Button
                onClick={() => {
                  setDraft({ level: stored.level, own_sessions: stored.own_sessions })
                  save.reset()
                }}
              >
                Discard
              </Button>
            )}
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
              Save privacy
            </Button>
          </div>
        ) : null}
      </form>
    </Section>
  )
}
