import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import {
  deleteGroupAIBudget,
  deleteGroupAILimits,
  type Group,
  type GroupAIBudget,
  type GroupAILimits,
  upsertGroupAIBudget,
  upsertGroupAILimits,
} from '@slipway/contract'
import { AmountField, NumberField } from '../ai-gateway/fields.tsx'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { groupTitle } from '../groups/group-words.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { limitsDraft, limitsFaults, limitsOf } from './group-rules.ts'
import { refreshBudgets } from './queries.ts'
import { SaveBar } from './save-bar.tsx'

/** What each member of a group, and all of them together, may spend and use (AG-112, AG-B12, AG-B14). */
export function GroupLimitsForm({
  group,
  budget,
  limits,
  locked,
}: {
  readonly group: Group
  readonly budget: GroupAIBudget | null
  readonly limits: GroupAILimits | null
  readonly locked: boolean
}) {
  const saved = limitsDraft(budget, limits)
  const [draft, setDraft] = useState(saved)
  const [attempted, setAttempted] = useState(false)
  const wanted = limitsOf(draft)
  const before = limitsOf(saved)
  const same = JSON.stringify(draft) === JSON.stringify(saved)
  const faults = limitsFaults(draft)
  const save = useMutation({
    mutationFn: async () => {
      const params = { group: group.id }
      if (wanted.each !== before.each)
        await (wanted.each === null
          ? api.call(deleteGroupAIBudget, { params })
          : api.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: wanted.each } }))
      if (JSON.stringify(wanted.rest) !== JSON.stringify(before.rest))
        await (Object.values(wanted.rest).every((limit) => limit === null)
          ? api.call(deleteGroupAILimits, { params })
          : api.call(upsertGroupAILimits, { params, body: wanted.rest }))
    },
    onSuccess: () => toasts.done(`The limits of ${groupTitle(group)} were saved`),
    // Also when only the first of two was saved.
    onSettled: refreshBudgets,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (Object.keys(faults).length === 0 && !same && !save.isPending) save.mutate()
  }
  const fault = (name: keyof typeof draft, field: string) =>
    (attempted ? faults[name] : undefined) ?? fieldError(save.error, field)
  return (
    <Section title="Limits" help={locked ? undefined : 'Leave empty for no limit; 0 blocks everything.'}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The limits were not saved" />
        <fieldset disabled={locked} className="grid min-w-0 gap-5 sm:grid-cols-2">
          <legend className="sr-only">Limits</legend>
          <AmountField
            label="Each member"
            help="If a member has several groups with a budget, the gateway’s policy decides which applies."
            placeholder="no limit"
            value={draft.each}
            error={fault('each', 'spend_limit_micros')}
            onChange={(each) => setDraft({ ...draft, each })}
          />
          <AmountField
            label="All members together"
            help="In addition to what each may spend."
            placeholder="no limit"
            value={draft.together}
            error={fault('together', 'total_spend_limit_micros')}
            onChange={(together) => setDraft({ ...draft, together })}
          />
          <NumberField
            label="Each member, tokens"
            unit="per minute"
            placeholder="no limit"
            value={draft.memberTokens}
            error={fault('memberTokens', 'member_tokens_per_minute')}
            onChange={(memberTokens) => setDraft({ ...draft, memberTokens })}
          />
          <NumberField
            label="All members together, tokens"
            unit="per minute"
            placeholder="no limit"
            value={draft.tokens}
            error={fault('tokens', 'tokens_per_minute')}
            onChange={(tokens) => setDraft({ ...draft, tokens })}
          />
        </fieldset>
        {locked ? null : (
          <SaveBar
            verb="Save limits"
            same={same}
            busy={save.isPending}
            onDiscard={() => {
              setDraft(saved)
              setAttempted(false)
              save.reset()
            }}
          />
        )}
      </form>
    </Section>
  )
}
